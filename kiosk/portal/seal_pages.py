"""Where seals lead, for anybody: the answer of the register book, and a page that checks by itself.

Nothing of the citizen is shown, but to whoever has the secret on the slip: small pictures of the
pages. ``/seal/`` is :mod:`certify`'s static page beside the public trust bundle; it is at home
wherever ``bundle.cose`` and ``anchor.pem`` lie next to it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from importlib import resources

from fastapi import APIRouter, Request, Response
from PIL import Image

from kiosk.portal.composition import Portal, PortalDep
from kiosk.portal.contract import file_answer, unsigned
from kiosk.portal.errors import RefusedError
from kiosk.portal.limits import line_of
from kiosk.portal.render import HEADERS, PublicForm, public_page
from kiosk.portal.revocations import revoked_codes
from kiosk.portal.seals import SealResult, look_up
from kiosk.portal.store import manifest_of
from kiosk.portal.trust import ANCHOR, BUNDLE, published_bundle
from offline_queue.intake import Problem

router = APIRouter()
public_trust = APIRouter(generate_unique_id_function=lambda route: route.name)
_THUMBNAIL = (320, 460)  # pixels: told apart, not read
_OWN_PAGE = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline';"
    " style-src 'unsafe-inline'; connect-src 'self'; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@router.get("/V/{seal}")
def seal_page(request: Request, portal: PortalDep, seal: str) -> Response:
    """What the QR code on a copy leads to. Anybody may look; nothing of the citizen is shown."""
    return _answer(request, portal, seal, look_up(portal, seal))


@router.post("/V/{seal}")
def seal_page_with_pages(
    request: Request, portal: PortalDep, form: PublicForm, seal: str
) -> Response:
    """The same, and the pages, to whoever has the slip. Raises RefusedError (TOO_MANY)."""
    result = look_up(portal, seal)
    pictures = _pictures(request, portal, form.get("secret", ""), result)
    return _answer(request, portal, seal, result, pictures)


@router.get("/seal")
def to_own_page() -> Response:
    """Without a host: behind a proxy this process may not know that the browser speaks https, and
    on plain http browsers have no cryptography for that page."""
    return Response(status_code=307, headers={"Location": "/seal/"})


@router.get("/seal/")
def own_page() -> Response:
    """The page that checks seals in the browser."""
    text = (resources.files("certify") / "seal.html").read_bytes()
    return Response(text, media_type="text/html; charset=utf-8", headers=_OWN_PAGE)


@public_trust.get(
    "/seal/bundle.cose",
    response_class=Response,
    responses=file_answer("application/cose", "whom to believe") | unsigned(Problem.NOT_FOUND),
)
def public_bundle(portal: PortalDep) -> Response:
    """The trust bundle and the revoked copies, for anybody who verifies copies or seals without
    asking this portal."""
    codes = revoked_codes(portal.store)
    return _published(
        BUNDLE,
        'application/cose; cose-type="cose-sign1"',
        lambda: published_bundle(portal.settings.trust_dir, portal.keys.revocations, codes),
    )


@public_trust.get(
    "/seal/anchor.pem",
    response_class=Response,
    responses=file_answer("application/x-pem-file", "who signs the bundle")
    | unsigned(Problem.NOT_FOUND),
)
def public_anchor(portal: PortalDep) -> Response:
    """Its fingerprint has to be compared with the one that the agency made known otherwise."""
    file = portal.settings.trust_dir / ANCHOR
    return _published(ANCHOR, "application/x-pem-file", file.read_bytes)


def _published(name: str, media_type: str, read: Callable[[], bytes]) -> Response:
    try:
        data = read()
    except FileNotFoundError:
        raise RefusedError(Problem.NOT_FOUND, f"{name} was not published yet") from None
    return Response(data, media_type=media_type, headers={"Cache-Control": "no-cache"})


def _answer(
    request: Request,
    portal: Portal,
    seal: str,
    result: SealResult,
    pictures: list[str] | None = None,
) -> Response:
    """``pictures``: None as long as nobody has asked for them."""
    status = 200 if result.valid and pictures != [] else 404
    host = portal.settings.seal_host.upper()
    answer = public_page(
        request,
        portal,
        "seal.html",
        status=status,
        result=result,
        text=f"HTTPS://{host}/V/{seal}",
        pictures=pictures,
    )
    policy = HEADERS["Content-Security-Policy"].replace("img-src 'self'", "img-src data:")
    answer.headers["Content-Security-Policy"] = policy
    return answer


def _pictures(request: Request, portal: Portal, secret: str, result: SealResult) -> list[str]:
    """JPEG in base 64; none where the secret is not the slip's, or there is nothing to show."""
    if not result.valid or result.dossier is None:
        return []
    if not portal.offices.tracking.opens(result.dossier, secret, line_of(request)):
        return []
    images = portal.vault.images(manifest_of(portal.cases.case(result.dossier)))
    return [base64.b64encode(thumbnail(image)).decode() for image in images]


def thumbnail(jpeg: bytes) -> bytes:
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        image.draft("RGB", _THUMBNAIL)  # decodes an eighth of the pixels where that is enough
        small = image.convert("RGB")
        small.thumbnail(_THUMBNAIL)
        out = io.BytesIO()
        small.save(out, "JPEG", quality=60)
    return out.getvalue()
