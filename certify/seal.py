"""The seal: a signed QR code from which a copy on paper can be checked without any network.

Its text is ``HTTPS://HOST/V/`` and a CWT (RFC 8392) in COSE_Sign1, ES256, as base 32 without
padding: the alphanumeric set of QR, which every reader decodes alike. It must fit version 11 at
level M (366 characters; 61 modules, half a millimetre each at 30 mm), hence:

- the digest is SHA-256 cut to 16 bytes. A forger needs other pages with the *same* digest (a second
  preimage, 2^128 work); a mere collision (2^64) needs pages made up by whoever gives the original,
  while the digest covers a fresh scan of it, the number and the id code, which he cannot choose;
- "Ủy ban nhân dân" is written UBND, and a name that is still too long loses its last words.
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from certify import cose
from certify.errors import CertifyError, Fault
from certify.numbers import check_id_code
from certify.statement import CopyFacts, Mode

if TYPE_CHECKING:
    from certify.trust import TrustBundle

MAX_TEXT = 366
DIGEST_SIZE = 16
_PATH = "/V/"
_ISSUER, _ISSUED_AT, _CWT_ID = 1, 6, 7
_COPY = -65537  # the first claim key for private use
_MODES: tuple[Mode, ...] = ("pre-check", "post-check")
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Seal:
    """What a seal says. ``agency`` may be abbreviated; ``pages`` counts the original's pages;
    ``key_id`` names the key that is said to have signed."""

    host: str
    id_code: str
    number: int
    book: str
    agency: str
    agency_code: str
    issued: datetime
    pages: int
    digest: bytes
    mode: Mode
    inspect_by: date | None
    key_id: bytes

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; dates are ISO 8601, bytes hexadecimal."""
        return {
            "host": self.host,
            "id_code": self.id_code,
            "number": self.number,
            "book": self.book,
            "agency": self.agency,
            "agency_code": self.agency_code,
            "issued": self.issued.isoformat(),
            "pages": self.pages,
            "digest": self.digest.hex(),
            "mode": self.mode,
            "inspect_by": self.inspect_by.isoformat() if self.inspect_by else None,
            "key_id": self.key_id.hex(),
        }


def copy_digest(images: Sequence[bytes], facts: CopyFacts) -> bytes:
    """16 bytes over the page images (JPEG, in order) and everything the copy states."""
    pages = [cose.sha256(image) for image in images]
    return cose.sha256(cose.encode([facts.to_dict(), pages]))[:DIGEST_SIZE]


def make_seal(
    facts: CopyFacts, digest: bytes, pages: int, *, host: str, sign: cose.RawSigner, kid: bytes
) -> str:
    """The text of the QR code; ``digest`` of :func:`copy_digest`.

    Raises ValueError when it cannot fit even without the agency's name.
    """
    words = abbreviated(facts.agency).split()
    while _length(_claims(facts, " ".join(words), digest, pages), host, kid) > MAX_TEXT:
        if not words:
            raise ValueError(f"the seal of {host} cannot fit a version 11 QR code")
        words.pop()
    claims = _claims(facts, " ".join(words), digest, pages)
    return _text(cose.sign1(claims, sign, kid), host)


def read_seal(text: str) -> Seal:
    """What the seal says, without any check of its signature.

    Raises CertifyError (SEAL_INVALID).
    """
    host, message = _split(text)
    try:
        claims = cose.decode(cose.unverified_payload(message))
        return _seal(host, claims, cose.unverified_key_id(message))
    except (CertifyError, ValueError, TypeError, KeyError, IndexError, OverflowError):
        raise CertifyError(Fault.SEAL_INVALID, "not a seal") from None


def check_seal(text: str, bundle: TrustBundle) -> Seal:
    """The seal, when its host is ours, its signature holds, the copy is not revoked, and its key
    may issue such a copy and still might when it did.

    Raises CertifyError: SEAL_INVALID (no seal), SEAL_HOST (another address, however alike),
    SEAL_KEY_UNKNOWN, SEAL_ALTERED (its signature does not hold), COPY_REVOKED, SEAL_RIGHT (a
    kiosk's key for what an officer inspected before), LEASE_EXPIRED.
    """
    seal = read_seal(text)
    if seal.host != bundle.seal_host.upper():
        raise CertifyError(Fault.SEAL_HOST, seal.host)
    try:
        cose.verify1(_split(text)[1], bundle.seal_keys)
    except CertifyError as error:
        unknown = error.code == Fault.KEY_UNKNOWN
        fault = Fault.SEAL_KEY_UNKNOWN if unknown else Fault.SEAL_ALTERED
        raise CertifyError(fault, error.detail) from None
    if seal.id_code in bundle.revoked_codes:
        raise CertifyError(Fault.COPY_REVOKED, seal.id_code)
    _need_right(seal, bundle)
    return seal


def _need_right(seal: Seal, bundle: TrustBundle) -> None:
    """Whose key has a lease is a kiosk: it issues before an officer saw the original, and never
    after. For a desk it is the other way round."""
    if seal.mode == "pre-check":
        if seal.key_id in bundle.leases:
            raise CertifyError(Fault.SEAL_RIGHT, "a kiosk's key")
        end = bundle.seal_ends.get(seal.key_id)
    else:
        end = bundle.leases.get(seal.key_id)
        if end is None:
            raise CertifyError(Fault.LEASE_EXPIRED, "a key without a lease")
    if end is not None and seal.issued > end:
        raise CertifyError(Fault.LEASE_EXPIRED, f"issued {seal.issued:%Y-%m-%d %H:%M}")


def abbreviated(agency: str) -> str:
    return unicodedata.normalize("NFC", agency).replace("Ủy ban nhân dân", "UBND")


def _claims(facts: CopyFacts, agency: str, digest: bytes, pages: int) -> bytes:
    inspect_by = (facts.inspect_by - _EPOCH).days if facts.inspect_by else None
    mode = _MODES.index(facts.mode)
    copy = [facts.number, facts.book, facts.agency_code, pages, digest, mode, inspect_by]
    return cose.encode(
        {
            _ISSUER: agency,
            _ISSUED_AT: int(facts.issued.timestamp()),
            _CWT_ID: facts.id_code.encode(),
            _COPY: copy,
        }
    )


def _seal(host: str, claims: Any, kid: bytes) -> Seal:
    number, book, agency_code, pages, digest, mode, inspect_by = claims[_COPY]
    if len(digest) != DIGEST_SIZE or not isinstance(digest, bytes) or mode not in (0, 1):
        raise ValueError("malformed claims")
    return Seal(
        host=host,
        id_code=check_id_code(claims[_CWT_ID].decode("ascii")),
        number=int(number),
        book=str(book),
        agency=str(claims[_ISSUER]),
        agency_code=str(agency_code),
        issued=datetime.fromtimestamp(int(claims[_ISSUED_AT]), UTC),
        pages=int(pages),
        digest=digest,
        mode=_MODES[mode],
        inspect_by=None if inspect_by is None else _EPOCH + timedelta(days=inspect_by),
        key_id=kid,
    )


def _length(claims: bytes, host: str, kid: bytes) -> int:
    return len(_text(cose.sign1(claims, lambda _: bytes(cose.SIGNATURE_SIZE), kid), host))


def _text(message: bytes, host: str) -> str:
    return f"HTTPS://{host.upper()}{_PATH}{base64.b32encode(message).decode().rstrip('=')}"


def _split(text: str) -> tuple[str, bytes]:
    """Host and message. One text only per seal: no lower case, no padding, no stray bits."""
    scheme, _, rest = text.partition("://")
    host, path, body = rest.partition(_PATH)
    try:
        message = base64.b32decode(body + "=" * (-len(body) % 8))
    except ValueError:
        message = b""
    if scheme != "HTTPS" or not path or not message or _text(message, host) != text:
        raise CertifyError(Fault.SEAL_INVALID, "not the text of a seal")
    return host, message
