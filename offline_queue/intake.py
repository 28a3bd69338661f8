"""The wire contract between a kiosk and the portal's intake (version 1).

    POST /v1/devices                    enrol: EnrolRequest -> EnrolAnswer (one-time code)
    POST /v1/keys                       KeysAsk -> KeysReply: the portal's keys as of now
    PUT  /v1/dossiers/{id}              SignedManifest -> IntakeState; same id, other manifest: 409
    POST, HEAD, PATCH
         /v1/dossiers/{id}/parts/{name} ciphertext, as an upload by tus 1.0.0 (docs/upload.md)
    POST /v1/dossiers/{id}/commit       -> Receipt (the same one, however often asked)
    GET  /v1/dossiers/{id}              -> IntakeState
    GET  /v1/dossiers/{id}/copy         the certified copy (PDF), 404 until issued
    POST /v1/leases                     LeaseRequest -> Lease
    POST /v1/staff-calls                {"reason": failure code or "help"} -> 204
    GET  /v1/trust-bundle, /v1/policy   COSE_Sign1
    GET  /v1/packs/{sha256}             a procedure pack that the policy names, application/cbor
    GET  /v1/health                     {"status": "ok"}

Services beside the intake, for whom kiosks ask while a citizen waits (shapes at the end):

    POST /v1/dossiers/{id}/wait         WaitAsk -> IntakeState, held back until it changes
    POST /v1/collections                CollectAsk -> CollectReply; 404, 429 as tracking
    POST /v1/collections/copy           CollectAsk -> the copy (PDF), 404 where there is none
    PUT  /v1/prints/{id}                PrintsDone -> 204 (again: no error)
    POST /v1/tracking                   TrackAsk -> TrackReply; 429 with Retry-After
    POST /v1/confirmations              CodeAsk -> CodeSent; 429 with Retry-After
    POST /v1/confirmations/{id}         CodeTry -> CodeVerdict
    POST /v1/checks                     CheckAsk -> CheckReply
    POST /v1/issued-pages               IssuedPageAsk -> IssuedPage; 410 once it is revoked
    POST /v1/papers                     PaperKeep -> PaperInfo
    POST /v1/papers/list                PersonAsk -> PaperList
    POST /v1/papers/{id}/pages/{n}      PersonAsk -> image/jpeg
    PUT  /v1/ratings/{id}               Rating -> 204 (again: no error)
    POST /v1/heartbeats                 Heartbeat -> 204
    GET  /v1/office                     Office: is an officer there who could sign now?
    GET  /v1/devices/self               Standing
    POST /v1/devices/certificate        CertificateAsk -> CertificateReply (renewal)
    GET  /v1/devices/revoked            the device CA's revocation list, application/pkix-crl

Every request of an enrolled kiosk carries ``Kiosk-Id``, ``Kiosk-Date`` (RFC 3339) and
``Kiosk-Signature`` (base64 ES256 over :func:`request_statement`, or over :func:`stream_statement`
where a piece of a part follows). Errors are RFC 9457 problem+json whose ``code`` is one of
:class:`Problem`. ``Retry-After`` is honoured, on a receipt too: there it is about the next dossier.
A kiosk that gets no answer knows nothing: it asks ``GET /v1/dossiers/{id}`` before it sends again.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, StringConstraints

PREFIX = "/v1"
MAX_MANIFEST = 256 * 1024
MAX_PART = 64 * 1024 * 1024
MAX_DOSSIER = 1024 * 1024 * 1024


class Problem(StrEnum):
    """Codes in problem+json answers."""

    BAD_MANIFEST = "intake.bad-manifest"
    BAD_REQUEST = "intake.bad-request"
    BAD_SIGNATURE = "intake.bad-signature"
    CONFLICT = "intake.conflict"
    COPY_REVOKED = "intake.copy-revoked"
    DIGEST_MISMATCH = "intake.digest-mismatch"
    INCOMPLETE = "intake.incomplete"
    NOT_ENROLLED = "intake.not-enrolled"
    NOT_FOUND = "intake.not-found"
    TOO_LARGE = "intake.too-large"
    REVOKED = "intake.revoked"
    TOO_MANY = "intake.too-many"
    UNAVAILABLE = "intake.unavailable"
    UNKNOWN_KEY = "intake.unknown-key"


class Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SignedManifest(Wire):
    """``manifest`` is the canonical JSON text itself, not an object; ``signature`` is base64."""

    manifest: str
    signature: str


class IntakeState(Wire):
    """``missing``: parts still to be sent. ``processing``: the portal's dossier state, 1 to 10."""

    id: UUID
    state: Literal["receiving", "accepted"]
    missing: tuple[str, ...] = ()
    processing: int | None = None
    number: str | None = None
    note: str | None = None


class Receipt(Wire):
    """The portal's signed word that it holds the dossier. ``statement`` is canonical JSON of
    :class:`ReceiptStatement`; ``signature`` base64 (purpose ``RECEIPT``)."""

    statement: str
    signature: str
    key_id: str


class ReceiptStatement(Wire):
    id: UUID
    code: str
    manifest_sha256: str
    accepted_at: datetime


class EnrolRequest(Wire):
    kiosk_id: str
    one_time_code: str
    public_key: str  # PEM, P-256
    csr: str = ""  # PEM, PKCS #10: the kiosk's key for TLS, where the portal is met by mutual TLS


class EnrolAnswer(Wire):
    """Keys of the portal: ``envelope_key`` (X25519, base64 raw), receipt key (PEM), and older
    ones of its receipts (PEM by key id), which it may still show."""

    envelope_key_id: str
    envelope_key: str
    receipt_key_id: str
    receipt_key: str
    older_receipt_keys: dict[str, str] = {}
    certificate: str = ""  # PEM, for the key of the csr


class KeysAsk(Wire):
    """``nonce``: made for this question."""

    nonce: str = Field(pattern=r"^[0-9a-f]{32}$")


class KeysReply(Wire):
    """``statement``: canonical JSON of :class:`KeysStatement`; ``signatures``: base64 (purpose
    ``KEYS``) by id of each receipt key that the portal holds."""

    statement: str
    signatures: dict[str, str]


class KeysStatement(Wire):
    """``keys`` without a certificate."""

    nonce: str
    keys: EnrolAnswer


class LeaseRequest(Wire):
    """``kind``: "dossier" codes or "certificate" numbers; ``year`` of the register book."""

    kind: Literal["dossier", "certificate"]
    year: int
    count: int


class Lease(Wire):
    """Numbers ``first`` to ``last`` inclusive, never leased to anybody else."""

    id: UUID
    kind: Literal["dossier", "certificate"]
    year: int
    first: int
    last: int
    book: str
    expires: datetime


# Services beside the intake. Every call is signed by the device key like those above.


_NO_NUL = r"^[^\x00]*$"
"""What PostgreSQL can compare and keep: any text without U+0000."""
_Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._+-]{0,64}$")]
"""Of programs, not of people: names of devices, failure codes, versions."""


class WaitAsk(Wire):
    processing: int | None = None
    seconds: float = Field(ge=0, le=20)


class TrackAsk(Wire):
    """Code and secret of a slip, or the number of a person whom the kiosk has proven."""

    code: str = Field("", max_length=64, pattern=_NO_NUL)
    secret: str = Field("", max_length=64)
    citizen_number: str = Field("", max_length=12)


class TrackedDossier(Wire):
    code: str
    procedure: str
    processing: int
    accepted_at: datetime
    number: str | None = None
    note: str | None = None


class TrackReply(Wire):
    found: tuple[TrackedDossier, ...]


class CollectAsk(Wire):
    """Code and secret of a slip, and the citizen's number as the card shows it."""

    code: str = Field(max_length=64, pattern=_NO_NUL)
    secret: str = Field(max_length=64)
    citizen_number: str = Field(pattern=r"^[0-9]{12}$")


class CollectReply(Wire):
    """``issued``: the copy is there; ``left``: how often it is still to be printed."""

    id: UUID
    processing: int
    issued: bool
    number: str | None = None
    note: str | None = None
    left: int


class PrintsDone(Wire):
    dossier_id: UUID
    copies: int = Field(ge=1, le=100)


class CodeAsk(Wire):
    channel: Literal["sms", "email"]
    to: str = Field(min_length=3, max_length=254)
    language: Literal["vi", "en"] = "vi"


class CodeSent(Wire):
    id: UUID
    expires: datetime


class CodeTry(Wire):
    code: str = Field(pattern=r"^[0-9]{6}$")


class CodeVerdict(Wire):
    confirmed: bool
    tries_left: int


class CheckAsk(Wire):
    """Is this name of a household business free in the commune? Compared without regard to
    case, accents' coding and spaces."""

    business_name: str = Field(min_length=1, max_length=200, pattern=_NO_NUL)
    commune: str = Field(max_length=100, pattern=_NO_NUL)


class CheckReply(Wire):
    """``unknown``: the portal has no names of this commune."""

    answer: Literal["free", "taken", "unknown"]


class IssuedPageAsk(Wire):
    """A page, from 1, of the copy that bears ``seal``, the whole text of its QR code: nobody can
    make that up, so whoever asks has had the paper before him."""

    seal: str = Field(max_length=400, pattern=r"^HTTPS://[A-Z0-9./-]+$")
    page: int = Field(ge=1, le=1000)


class IssuedPage(Wire):
    """``jpeg``: gray, at 200 dpi, as it was printed; of ``pages``. ``ignored``: boxes (left, top,
    width, height, in its pixels) that were filled in after it was issued and may be empty on paper.
    ``inspect_by``: the last day for an officer's inspection, as long as none has signed."""

    pages: int
    jpeg: Base64Bytes
    ignored: tuple[tuple[int, int, int, int], ...]
    inspect_by: date | None = None


class PersonAsk(Wire):
    """A person whom the kiosk has proven."""

    citizen_number: str = Field(pattern=r"^[0-9]{12}$")


class PaperKeep(PersonAsk):
    """Paper number ``paper`` of the manifest; the person agreed to its being kept."""

    dossier_id: UUID
    paper: int = Field(ge=0, le=99)


class PaperInfo(Wire):
    id: UUID
    paper_class: str
    pages: int
    kept_at: datetime
    expires: datetime


class PaperList(Wire):
    papers: tuple[PaperInfo, ...]


class Rating(Wire):
    procedure: str = Field(max_length=64, pattern=_NO_NUL)
    stars: int = Field(ge=1, le=5)
    at: datetime


class Heartbeat(Wire):
    """``oldest_seconds``: age of what waits longest; ``devices``: name to failure code or "ok"."""

    queue: int = Field(ge=0, le=10_000_000)
    oldest_seconds: float = Field(ge=0)
    devices: dict[_Word, _Word] = Field(max_length=32)
    version: _Word
    clock_trusted: bool


class Office(Wire):
    """``attended``: an officer's desk is at work, so a copy may be waited for."""

    attended: bool


class Standing(Wire):
    """``not_after``: of the newest certificate, None without one."""

    state: Literal["active", "revoked"]
    not_after: datetime | None = None


class CertificateAsk(Wire):
    csr: str


class CertificateReply(Wire):
    certificate: str


def request_statement(method: str, path: str, date: str, body: bytes) -> bytes:
    """What a kiosk signs of a request (purpose ``REQUEST``): method, path, date, body digest."""
    return digest_statement(method, path, date, hashlib.sha256(body).hexdigest())


def digest_statement(method: str, path: str, date: str, body_sha256: str) -> bytes:
    """The same for a body that is streamed and known by its digest (hex)."""
    return "\n".join([method, path, date, body_sha256]).encode()


def stream_statement(method: str, path: str, date: str, offset: int) -> bytes:
    """What is signed before a piece of a part (purpose ``REQUEST``): where it goes, not what it is.

    What arrives of a piece counts even when the line is cut in its middle, so nothing after it
    could be waited for. That the bytes are right shows when the part is whole: its digest stands
    in the signed manifest.
    """
    return digest_statement(method, path, date, f"piece at {offset}")
