"""The contract for kiosks as OpenAPI 3.1: ``python -m kiosk.portal.openapi`` prints it.

``docs/openapi.json`` is what it printed last; a test compares the two.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from fastapi.openapi.utils import get_openapi

from kiosk.portal import kiosk_api, kiosk_services, seal_pages, upload_api
from kiosk.portal.contract import SECURITY_SCHEMES, ProblemDetails

_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")
_DESCRIPTION = """\
What kiosks say to the portal. A dossier's id is its idempotency key for life: whatever is sent
again is taken once. A kiosk that got no answer asks `GET /v1/dossiers/{dossier_id}` before it sends
again, and erases a dossier only when it holds the signed receipt."""


def document() -> dict[str, Any]:
    """The document, without FastAPI's own shape of a refusal, which the portal never sends."""
    made = get_openapi(
        title="Một Cửa: intake",
        version="1",
        openapi_version="3.1.0",
        description=_DESCRIPTION,
        routes=[
            *kiosk_api.router.routes,
            *upload_api.router.routes,
            *kiosk_services.router.routes,
            *seal_pages.public_trust.routes,
        ],
    )
    for operation in (one for path in made["paths"].values() for one in path.values()):
        refusal = operation["responses"].get("422", {}).get("content", {})
        if "application/json" in refusal:
            del operation["responses"]["422"]
    components = made.setdefault("components", {})
    for name in _FASTAPIS_OWN:
        components.get("schemas", {}).pop(name, None)
    components["schemas"]["ProblemDetails"] = ProblemDetails.model_json_schema()
    components["securitySchemes"] = SECURITY_SCHEMES
    return made


def text() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
