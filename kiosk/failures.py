"""One table of failures for the whole appliance: code -> words, remedy, picture.

The leaves own their codes, ``config/failures.toml`` owns the words; a test matches the two.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources


class Fault(StrEnum):
    """Failure codes owned by the core."""

    CHIP_ACCESS = "chip.access"
    CHIP_COPIED = "chip.copied"
    CHIP_EXPIRED = "chip.expired"
    CHIP_NOT_GENUINE = "chip.not-genuine"
    CHIP_SIGNER_EXPIRED = "chip.signer-expired"
    CHIP_UNREADABLE = "chip.unreadable"
    COPY_NOT_GENUINE = "copy.not-genuine"
    DOSSIER_REJECTED = "dossier.rejected"
    FACE_MISMATCH = "face.mismatch"
    FACE_NONE = "face.none"
    FACE_NO_REFERENCE = "face.no-reference"
    FACE_REFUSED = "face.refused"
    IDENTITY_AUDIENCE = "identity.audience"
    IDENTITY_CLOCK = "identity.clock"
    IDENTITY_DENIED = "identity.denied"
    IDENTITY_EXPIRED = "identity.expired"
    IDENTITY_LEVEL = "identity.level"
    IDENTITY_REFUSED = "identity.refused"
    IDENTITY_REPLAYED = "identity.replayed"
    IDENTITY_UNPROVEN = "identity.unproven"
    IDENTITY_UNREADABLE = "identity.unreadable"
    INPUT_UNREADABLE = "input.unreadable"
    KIOSK_RUNNING = "kiosk.running"
    LINK_ABSENT = "link.absent"
    LINK_BUSY = "link.busy"
    LINK_COPY_REVOKED = "link.copy-revoked"
    LINK_EXPIRED = "link.certificate-expired"
    LINK_NOT_FOUND = "link.not-found"
    LINK_OFFLINE = "link.offline"
    LINK_REVOKED = "link.revoked"
    LINK_RUNNING = "link.running"
    LINK_TIMEOUT = "link.timeout"
    NUMBERS_EXHAUSTED = "dossier.codes-exhausted"
    OUTPUT_UNWRITABLE = "output.unwritable"
    PAGE_BLANK = "page.blank"
    PAGE_BLURRED = "page.blurred"
    PAGE_CUT = "page.cut"
    PAGE_DARK = "page.dark"
    PAGE_FINGERS = "page.fingers"
    PAGE_GLARE = "page.glare"
    PAGE_MISSING = "page.missing"
    PAGE_TOO_SMALL = "page.too-small"
    PAGE_TWO_SHEETS = "page.two-sheets"
    PAGE_UNREADABLE = "page.unreadable"
    PAYMENT_FORGED = "payment.not-genuine"
    POLICY_FORBIDS = "policy.forbids"
    SETTINGS_INVALID = "settings.invalid"
    STAFF_CARD = "staff.card"
    STAFF_PIN = "staff.pin"
    STAFF_PIN_LAST = "staff.pin-last"
    STAFF_PIN_BLOCKED = "staff.pin-blocked"
    ANCHOR_LOCKED = "trust.anchor-locked"
    SERVICE_FAILED = "sandbox.service-failed"
    UNEXPECTED = "kiosk.unexpected"


class KioskError(Exception):
    """A typed failure of the core. ``detail`` is for the log and never holds personal data."""

    def __init__(self, code: str, detail: str = "", *, retryable: bool = False) -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = str(code)
        self.detail = detail
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Failure:
    """How a failure is told: string keys for title, what happened and what to do."""

    code: str
    words: str
    picture: str
    retry: bool
    exit_code: int

    @property
    def title(self) -> str:
        return f"failure.{self.words}.title"

    @property
    def happened(self) -> str:
        return f"failure.{self.words}.happened"

    @property
    def todo(self) -> str:
        return f"failure.{self.words}.todo"


@cache
def table() -> dict[str, Failure]:
    data = tomllib.loads((resources.files("config") / "failures.toml").read_text("utf-8"))
    return {
        code: Failure(code, entry["words"], entry["picture"], entry["retry"], entry["exit"])
        for code, entry in data.items()
    }


def failure_of(error: BaseException) -> Failure:
    """The entry for an error; anything without a known code is a defect and told as such."""
    code = getattr(error, "code", Fault.UNEXPECTED)
    return table().get(str(code)) or table()[Fault.UNEXPECTED]
