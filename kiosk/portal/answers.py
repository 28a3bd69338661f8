"""The encrypted part ``answers.json`` of a dossier: who asks, and what the form says."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from kiosk.portal.secret import SLIP_SECRET
from offline_queue.vouching import Vouch

ANSWERS = "answers.json"
TEXT = "text.json"
COPY = "copy.pdf"


class Person(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    full_name: str = Field(min_length=1)
    citizen_number: str = ""
    birth_date: date | None = None

    @field_validator("full_name", "citizen_number", mode="before")
    @classmethod
    def _storable(cls, value: object) -> object:
        """PostgreSQL keeps no U+0000, which no name has either."""
        return value.replace("\0", "") if isinstance(value, str) else value


class Wish(BaseModel):
    """How the result shall reach the person. ``address``: of a mailbox, of a house, or of a
    wallet (empty: found by the citizen number). ``fee``: postage in đồng."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    channel: Literal["desk", "email", "wallet", "post"] = "desk"
    address: str = Field("", max_length=500)
    fee: int = Field(0, ge=0)


class Answers(BaseModel):
    """``slip_secret`` is printed on the slip beside the dossier code: 10 Crockford characters.
    Whoever has both may ask how the dossier is doing.

    A secret, a wish or an officer's word that cannot be used counts as none: a kiosk could not
    mend it any more, and a dossier is worth more than its extras.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    applicant: Person
    answers: dict[str, Any] = {}
    slip_secret: str = ""
    delivery: Wish = Wish()
    vouch: Vouch | None = None

    @field_validator("slip_secret", mode="before")
    @classmethod
    def _usable_secret(cls, value: object) -> str:
        return value if isinstance(value, str) and SLIP_SECRET.fullmatch(value) else ""

    @field_validator("vouch", mode="wrap")
    @classmethod
    def _usable_word(cls, value: object, read: ValidatorFunctionWrapHandler) -> Vouch | None:
        try:
            word: Vouch | None = read(value)
        except ValidationError:
            return None
        return word

    @field_validator("delivery", mode="wrap")
    @classmethod
    def _usable_wish(cls, value: object, read: ValidatorFunctionWrapHandler) -> Wish:
        try:
            wish: Wish = read(value)
        except ValidationError:
            return Wish()
        return wish
