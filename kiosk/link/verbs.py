"""The verbs of the link socket: declared once, used by client and process alike.

Frames are ``>I`` length and CBOR. A call is {v, verb, request}, an answer {ok} or {error}. Every
verb has a deadline (seconds) and an offline answer: those that need the outside fail with
``link.offline`` as soon as it shows that nobody answers, the others answer from what the kiosk
holds, as ``offline`` says. docs/link.md lists them; a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from kiosk.link.messages import (
    CheckAnswer,
    CheckRequest,
    CollectAnswer,
    CollectRequest,
    ConfirmCodeAnswer,
    ConfirmCodeRequest,
    CopyAnswer,
    CopyRequest,
    Empty,
    IdentifyRequest,
    Identity,
    IssuedPageAnswer,
    IssuedPageRequest,
    KeepPaperRequest,
    LeaseAnswer,
    LeaseRequest,
    LinkStatus,
    Message,
    PackAnswer,
    PackRequest,
    PacksAnswer,
    PaperAnswer,
    PaperRequest,
    PapersAnswer,
    PapersRequest,
    PayAnswer,
    PaymentAnswer,
    PaymentRequest,
    PayRequest,
    PrintedRequest,
    RateAnswer,
    RateRequest,
    RefreshAnswer,
    ReportAnswer,
    ReportRequest,
    ScreenCode,
    ScreenCodeRequest,
    ScreenCodeState,
    SendCodeAnswer,
    SendCodeRequest,
    StaffRequest,
    StoredPaper,
    SubmitAnswer,
    SubmitRequest,
    TrackAnswer,
    TrackRequest,
    TrustAnswer,
    WaitRequest,
)

VERSION = 2

Request = TypeVar("Request", bound=Message)
Answer = TypeVar("Answer", bound=Message)


@dataclass(frozen=True)
class Verb(Generic[Request, Answer]):
    """``offline``: what comes without network, in words."""

    name: str
    request: type[Request]
    answer: type[Answer]
    deadline: float
    offline: str = "link.offline"


IDENTIFY = Verb("identify", IdentifyRequest, Identity, 12.0)
SHOW_CODE = Verb("show-code", Empty, ScreenCode, 12.0)
WAIT_CODE = Verb("wait-code", ScreenCodeRequest, ScreenCodeState, 35.0)
SUBMIT = Verb("submit", SubmitRequest, SubmitAnswer, 15.0, "the outbox state so far")
COPY = Verb("copy", CopyRequest, CopyAnswer, 15.0)
WAIT_COPY = Verb("wait-copy", WaitRequest, CopyAnswer, 30.0)
TRACK = Verb("track", TrackRequest, TrackAnswer, 8.0)
COLLECT = Verb("collect", CollectRequest, CollectAnswer, 15.0)
PRINTED = Verb("printed", PrintedRequest, Empty, 4.0)
STATUS = Verb("status", Empty, LinkStatus, 2.0, "the same, with online = false")
TRUST = Verb("trust", Empty, TrustAnswer, 5.0, "what was fetched last")
REFRESH = Verb("refresh", Empty, RefreshAnswer, 12.0, "what is held, fresh = false")
PACKS = Verb("packs", Empty, PacksAnswer, 2.0, "those that are here")
PACK = Verb("pack", PackRequest, PackAnswer, 5.0, "the pack, from disk")
LEASE = Verb("lease", LeaseRequest, LeaseAnswer, 8.0, "what is left of the stock")
PAY = Verb("pay", PayRequest, PayAnswer, 10.0)
PAYMENT = Verb("payment", PaymentRequest, PaymentAnswer, 30.0)
SEND_CODE = Verb("send-code", SendCodeRequest, SendCodeAnswer, 10.0)
CONFIRM_CODE = Verb("confirm-code", ConfirmCodeRequest, ConfirmCodeAnswer, 8.0)
CHECK = Verb("check", CheckRequest, CheckAnswer, 6.0, "numbers as ever, a name is unknown")
ISSUED_PAGE = Verb("issued-page", IssuedPageRequest, IssuedPageAnswer, 15.0)
PAPERS = Verb("papers", PapersRequest, PapersAnswer, 8.0)
PAPER = Verb("paper", PaperRequest, PaperAnswer, 15.0)
KEEP_PAPER = Verb("keep-paper", KeepPaperRequest, StoredPaper, 8.0)
RATE = Verb("rate", RateRequest, RateAnswer, 2.0, "kept on disk, sent later")
CALL_STAFF = Verb("call-staff", StaffRequest, Empty, 4.0)
REPORT = Verb("report", ReportRequest, ReportAnswer, 6.0, "kept for the next heartbeat")

_ALL: tuple[Verb[Any, Any], ...] = (
    IDENTIFY, SHOW_CODE, WAIT_CODE, SUBMIT, COPY, WAIT_COPY, TRACK, COLLECT, PRINTED, STATUS,
    TRUST, REFRESH, PACKS, PACK, LEASE, PAY, PAYMENT, SEND_CODE, CONFIRM_CODE, CHECK,
    ISSUED_PAGE, PAPERS, PAPER, KEEP_PAPER, RATE, CALL_STAFF, REPORT,
)  # fmt: skip
VERBS = {verb.name: verb for verb in _ALL}
