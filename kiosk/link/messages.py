"""What the verbs of the link socket carry, there and back; :mod:`kiosk.link.verbs` says which verb
takes which. All are frozen, and know no field but their own.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Empty(Message):
    pass


class IdentifyRequest(Message):
    """``payload``: what the code reader read from the phone, an opaque token."""

    payload: str


class Identity(Message):
    """A person as somebody states it: the provider (``vneid``), a chip that the state signed, the
    code printed on a card, or an officer (``staff``).

    ``level``: of the provider's account, 0 without one. ``photo``: JPEG or JPEG 2000, where there
    is one. ``provable``: with a face that matches the photo, the person is proven.
    """

    full_name: str
    citizen_number: str
    birth_date: date | None
    level: int
    method: Literal["vneid", "chip", "card-qr", "staff"] = "vneid"
    photo: bytes | None = None
    provable: bool = True


class ScreenCode(Message):
    """A code to show for the app to scan: the address in it, and what the app shows meanwhile, for
    the person to compare. ``handle`` names it to this link alone."""

    handle: str
    code: str
    user_code: str
    expires: datetime


class ScreenCodeRequest(Message):
    """Waits at most ``seconds`` for the person to agree on the phone."""

    handle: str
    seconds: float = Field(20, ge=0, le=20)


class ScreenCodeState(Message):
    """``identity`` None: not yet."""

    identity: Identity | None = None


class SubmitRequest(Message):
    """Ask to send a locked dossier now; the outbox sends it anyway, sooner or later."""

    dossier_id: str


class SubmitAnswer(Message):
    """``state`` is the outbox state reached within the deadline (docs/states.md); "accepted" also
    when the kiosk has erased its part after the receipt."""

    state: str


class CopyRequest(Message):
    dossier_id: str


class CopyAnswer(Message):
    """``state``: waiting, issued, refused. ``pdf`` and ``number`` with issued, ``note`` otherwise.
    ``processing`` is the portal's dossier state (1 to 10)."""

    state: Literal["waiting", "issued", "refused"]
    processing: int | None = None
    number: str | None = None
    pdf: bytes | None = None
    note: str | None = None


class WaitRequest(Message):
    """Answered when ``processing`` is no longer what the caller knows, a copy is there, or after
    ``seconds`` (at most 20) as things stand."""

    dossier_id: str
    processing: int | None = None
    seconds: float = Field(20, ge=0, le=20)


class TrackRequest(Message):
    """By ``code`` and ``secret`` of the slip, or for a person whom this session has proven."""

    code: str = ""
    secret: str = ""
    citizen_number: str = ""


class Tracked(Message):
    """How far one dossier is; ``processing`` is the portal's state (1 to 10)."""

    code: str
    procedure: str
    processing: int
    accepted_at: datetime
    number: str | None = None
    note: str | None = None


class TrackAnswer(Message):
    found: tuple[Tracked, ...]


class CollectRequest(Message):
    """``code`` and ``secret`` of a slip, ``citizen_number`` of a card."""

    code: str
    secret: str
    citizen_number: str


class CollectAnswer(Message):
    """``state``: as CopyAnswer's, or "printed" when all copies are printed. ``pdf``, and ``copies``
    that are still to be printed, with issued; ``processing`` is the portal's state (1 to 10)."""

    dossier_id: str
    state: Literal["waiting", "issued", "refused", "printed"]
    processing: int
    number: str | None = None
    note: str | None = None
    pdf: bytes | None = None
    copies: int = 0


class PrintedRequest(Message):
    """So many copies of a dossier came out. The same ``print_id`` again counts once."""

    print_id: str
    dossier_id: str
    copies: int = Field(ge=1)


class PayRequest(Message):
    """``amount`` in dong. The same reference and amount again are the same payment."""

    reference: str = Field(pattern=r"^[A-Za-z0-9.-]{1,25}$")
    amount: int = Field(gt=0)


class PayAnswer(Message):
    """``qr``: payload of a VietQR code that pays just ``amount``; shown until ``expires``."""

    payment_id: str
    qr: str
    expires: datetime


class PaymentRequest(Message):
    """``payment_id`` as PayAnswer gave it, with what was to be paid; waits at most ``seconds``."""

    payment_id: str
    reference: str
    amount: int
    seconds: float = Field(20, ge=0, le=20)


class PaymentAnswer(Message):
    """``paid`` only by the gateway's signed notice, which is handed on as evidence. Without
    network nobody knows: link.offline, never "not paid"."""

    state: Literal["waiting", "paid", "expired"]
    notice: str = ""
    signature: str = ""


class SendCodeRequest(Message):
    """Send a one-time code to a telephone number or an e-mail address."""

    channel: Literal["sms", "email"]
    to: str = Field(min_length=3, max_length=254)
    language: str = "vi"


class SendCodeAnswer(Message):
    confirmation_id: str
    expires: datetime


class ConfirmCodeRequest(Message):
    confirmation_id: str
    code: str = Field(pattern=r"^[0-9]{6}$")


class ConfirmCodeAnswer(Message):
    """``tries_left``: 0 when a fresh code must be sent."""

    confirmed: bool
    tries_left: int


class CheckRequest(Message):
    """Is a business name free, is a number one that can exist? ``commune`` bounds a name."""

    kind: Literal["business-name", "tax-code", "citizen-number"]
    value: str = Field(min_length=1, max_length=200)
    commune: str = ""


class CheckAnswer(Message):
    """A number is judged by its form and check digit, here. A name is "unknown" when the portal,
    which has the register, cannot be asked."""

    answer: Literal["free", "taken", "valid", "invalid", "unknown"]


class IssuedPageRequest(Message):
    """A page of the copy that bears ``seal``, the whole text of a seal that was verified."""

    seal: str = Field(max_length=400)
    page: int = Field(ge=1)


class IssuedPageAnswer(Message):
    """``jpeg``: gray, at 200 dpi; for comparing, never for showing. ``ignored``: boxes (left, top,
    width, height, in its pixels) where paper may look otherwise. ``inspect_by``: the last day for
    an officer's inspection, as long as none has signed."""

    pages: int
    jpeg: bytes
    ignored: tuple[tuple[int, int, int, int], ...] = ()
    inspect_by: date | None = None


class PapersRequest(Message):
    """For a person whom this session has proven."""

    citizen_number: str


class StoredPaper(Message):
    id: str
    paper_class: str
    pages: int
    kept_at: datetime
    expires: datetime


class PapersAnswer(Message):
    papers: tuple[StoredPaper, ...]


class PaperRequest(Message):
    citizen_number: str
    id: str
    page: int = Field(ge=1)


class PaperAnswer(Message):
    jpeg: bytes


class KeepPaperRequest(Message):
    """The person agrees that paper number ``paper`` of an accepted dossier is kept."""

    citizen_number: str
    dossier_id: str
    paper: int = Field(ge=0)


class RateRequest(Message):
    """``stars`` 1 to 5; nothing that could name a person."""

    procedure: str
    stars: int = Field(ge=1, le=5)


class RateAnswer(Message):
    """``kept``: on disk here until the portal has it."""

    kept: bool


class ReportRequest(Message):
    """Devices as ``kiosk run`` sees them: a failure code each, "ok" when all is well."""

    devices: dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=64)]]


class ReportAnswer(Message):
    pushed: bool


class LinkStatus(Message):
    """``standing`` is the failure code of this kiosk's own identity, empty when it is in order.
    ``attended``: an officer is at the desk and could sign now; None when nobody knows."""

    online: bool
    outbox_waiting: int
    clock_trusted: bool
    standing: str = ""
    attended: bool | None = None


class TrustAnswer(Message):
    """The newest portal-signed bundle and policy (COSE_Sign1), also without network."""

    bundle: bytes
    policy: bytes


class RefreshAnswer(Message):
    """Serials held now; ``fresh``: the portal was asked just now."""

    bundle: int
    policy: int
    fresh: bool


class PacksAnswer(Message):
    """``policy``: the signed policy whose procedure packs are all here; empty as long as none is.
    The newest policy may name others that are not here yet."""

    policy: bytes


class PackRequest(Message):
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class PackAnswer(Message):
    """The file as the policy names it (certify.packs); whoever uses it compares the digest."""

    pack: bytes


class LeaseRequest(Message):
    """Make sure that at least ``count`` numbers of ``kind`` are on the kiosk."""

    kind: Literal["dossier", "certificate"]
    count: int


class LeaseAnswer(Message):
    left: int


class StaffRequest(Message):
    """``reason`` is a failure code or "help"; never personal data."""

    reason: str
