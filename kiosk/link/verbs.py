"""The verbs of the link socket, version 1: declared once, used by client and process alike.

Frames are ``>I`` length and CBOR. A call is {v, verb, request}, an answer {ok} or {error}. Every
verb has a deadline (seconds) for the client. A verb that needs the outside tries it and fails fast
with ``link.offline``; the others answer from what the kiosk holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

VERSION = 1


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Empty(Message):
    pass


class IdentifyRequest(Message):
    """``payload``: what the code reader read from the phone, an opaque token."""

    payload: str


class Identity(Message):
    """A person as the provider states it. ``photo`` is JPEG where the profile offers one."""

    full_name: str
    citizen_number: str
    birth_date: date
    level: int
    method: Literal["vneid"] = "vneid"
    photo: bytes | None = None


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


class LinkStatus(Message):
    online: bool
    outbox_waiting: int
    clock_trusted: bool


class TrustAnswer(Message):
    """The newest portal-signed bundle and policy (COSE_Sign1), also without network."""

    bundle: bytes
    policy: bytes


class LeaseRequest(Message):
    """Make sure that at least ``count`` numbers of ``kind`` are on the kiosk."""

    kind: Literal["dossier", "certificate"]
    count: int


class LeaseAnswer(Message):
    left: int


class StaffRequest(Message):
    """``reason`` is a failure code or "help"; never personal data."""

    reason: str


Request = TypeVar("Request", bound=Message)
Answer = TypeVar("Answer", bound=Message)


@dataclass(frozen=True)
class Verb(Generic[Request, Answer]):
    name: str
    request: type[Request]
    answer: type[Answer]
    deadline: float


IDENTIFY = Verb("identify", IdentifyRequest, Identity, 12.0)
SUBMIT = Verb("submit", SubmitRequest, SubmitAnswer, 15.0)
COPY = Verb("copy", CopyRequest, CopyAnswer, 15.0)
STATUS = Verb("status", Empty, LinkStatus, 2.0)
TRUST = Verb("trust", Empty, TrustAnswer, 5.0)
LEASE = Verb("lease", LeaseRequest, LeaseAnswer, 8.0)
CALL_STAFF = Verb("call-staff", StaffRequest, Empty, 4.0)

_ALL: tuple[Verb[Any, Any], ...] = (IDENTIFY, SUBMIT, COPY, STATUS, TRUST, LEASE, CALL_STAFF)
VERBS = {verb.name: verb for verb in _ALL}
