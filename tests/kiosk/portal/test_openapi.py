"""The contract in OpenAPI is what the portal does, and hostile requests find nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from requests.auth import AuthBase
from schemathesis.checks import CHECKS

from kiosk.portal import openapi
from offline_queue import signatures
from offline_queue.intake import Problem, request_statement, stream_statement
from offline_queue.tus import PIECE_TYPE
from tests.kiosk.portal.line import RunningPortal, TestDossier, TestKiosk, b64

FILE = Path(__file__).parents[3] / "docs/openapi.json"
EXAMPLES = 30  # for each operation
DOCUMENT = openapi.document()
OPERATIONS = [(method, path) for path, item in DOCUMENT["paths"].items() for method in item]
# A body of the right shape may still be refused: an id that is not its own, a year long past.
NOT_OURS = {"positive_data_acceptance"}
# This portal has no message gateway, and says 503 when one is needed.
NEEDS_A_GATEWAY = {"/v1/confirmations"}
# tus answers 412 where another version is spoken.
REFUSALS = [400, 401, 403, 404, 405, 409, 412, 413, 422]
CONFIG = schemathesis.Config.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}}
)
schemathesis.serializer.alias(PIECE_TYPE, "application/octet-stream")


class SignedBy(AuthBase):
    """Signs what is really sent, as the last step before it is."""

    def __init__(self, kiosk: TestKiosk) -> None:
        self.kiosk = kiosk

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        data = body.encode() if isinstance(body, str) else body
        date = "2026-11-24T08:00:00+07:00" if "dossiers" in request.path_url else _now()
        path = unquote(request.path_url.partition("?")[0])
        statement = request_statement(request.method or "", path, date, data)
        if "/parts/" in path and request.method in ("POST", "PATCH"):
            place = request.headers.get("Upload-Offset", "0") if request.method == "PATCH" else "0"
            offset = int(place) if place.isascii() and place.isdecimal() else 0
            statement = stream_statement(request.method, path, date, offset)
        signature = signatures.sign(self.kiosk.key, signatures.REQUEST, statement)
        request.headers["Kiosk-Id"] = self.kiosk.name
        request.headers["Kiosk-Date"] = date
        request.headers["Kiosk-Signature"] = b64(signature)
        return request


def _now() -> str:
    from kiosk.portal.times import now

    return now().isoformat()


def test_the_document_in_docs_is_the_one_the_app_makes() -> None:
    """``python -m kiosk.portal.openapi > docs/openapi.json`` renews it."""
    assert FILE.read_text("utf-8") == openapi.text()


def test_every_route_of_kiosks_says_how_it_refuses() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    documented = set()
    for method, path in OPERATIONS:
        operation = DOCUMENT["paths"][path][method]
        if operation["operationId"] == "health":
            continue
        unsigned = ("enrol", "revoked", "upload_abilities", "public_bundle", "public_anchor")
        assert ("security" in operation) is (operation["operationId"] not in unsigned)
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                schema = answer["content"]["application/problem+json"]["schema"]
                documented |= set(schema["properties"]["code"]["enum"])
    assert documented == set(Problem)


def test_the_document_is_openapi() -> None:
    """Every schema in it is one, and every reference leads somewhere."""
    references = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "schema" in node:
                jsonschema_rs.meta.validate(node["schema"])
            references.update(value for key, value in node.items() if key == "$ref")
        for child in node.values() if isinstance(node, dict) else node:
            if isinstance(child, dict | list):
                walk(child)

    walk(DOCUMENT)
    assert references
    names = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert references <= names


@pytest.fixture
def sent(kiosk: TestKiosk) -> TestDossier:
    """A whole dossier, so that requests about one that exists are tried too."""
    for name in ("bundle", "policy"):
        (kiosk.portal.settings.trust_dir / f"{name}.cose").write_bytes(b"\xd2")
    dossier = kiosk.dossier()
    dossier.send()
    return dossier


def cases(document: dict[str, Any], method: str, path: str) -> st.SearchStrategy[schemathesis.Case]:
    """Requests of the documented shape, and of others."""
    operation = schemathesis.openapi.from_dict(document, config=CONFIG)[path][method.upper()]
    negative = schemathesis.GenerationMode.NEGATIVE
    return st.one_of(operation.as_strategy(), operation.as_strategy(generation_mode=negative))


def _unlocked() -> dict[str, Any]:
    """The document as seen by who signs everything: made-up signatures would be replaced."""
    document = openapi.document()
    for item in document["paths"].values():
        for operation in item.values():
            operation.pop("security", None)
    return document


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_hostile_requests_find_nothing(
    sent: TestDossier, portal: RunningPortal, method: str, path: str
) -> None:
    """No 500, no status, type or shape that the document does not name (schemathesis)."""
    checks = [check for check in CHECKS.get_all() if check.__name__ not in NOT_OURS]
    auth = SignedBy(sent.kiosk)
    seen: set[int] = set()

    @seed(3)
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=False,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(stranger=cases(DOCUMENT, method, path), kiosk=cases(_unlocked(), method, path))
    def attack(stranger: schemathesis.Case, kiosk: schemathesis.Case) -> None:
        for case, signing in ((stranger, None), (kiosk, auth)):
            answer = case.call(base_url=portal.address, auth=signing)
            seen.add(answer.status_code)
            if answer.status_code == 503 and path in NEEDS_A_GATEWAY:
                assert answer.json()["code"] == Problem.UNAVAILABLE
                continue
            case.validate_response(answer, checks=checks)
            if "dossier_id" in case.path_parameters:
                case.path_parameters["dossier_id"] = str(sent.id)
                if "name" in case.path_parameters:
                    case.path_parameters["name"] = "page-001.jpg"
                answer = case.call(base_url=portal.address, auth=signing)
                case.validate_response(answer, checks=checks)

    attack()
    assert seen
