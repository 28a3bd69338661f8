"""The encrypted part ``answers.json`` of a dossier: who asks, and what the form says."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

ANSWERS = "answers.json"
TEXT = "text.json"
COPY = "copy.pdf"


class Person(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    full_name: str = Field(min_length=1)
    citizen_number: str = ""
    birth_date: date | None = None


class Wish(BaseModel):
    """How the result shall reach the person. ``address``: of a mailbox, of a house, or of a
    wallet (empty: found by the citizen number). ``fee``: postage in đồng."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    channel: Literal["desk", "email", "wallet", "post"] = "desk"
    address: str = Field("", max_length=500)
    fee: int = Field(0, ge=0)


class Answers(BaseModel):
    """``slip_secret`` is printed on the slip beside the dossier code: 10 Crockford characters.
    Whoever has both may ask how the dossier is doing."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    applicant: Person
    answers: dict[str, Any] = {}
    slip_secret: str | None = Field(None, pattern=r"^[0-9A-HJKMNP-TV-Z]{10}$")
    delivery: Wish = Wish()
