"""Procedures are data: one TOML file in ``config/procedures`` each, checked at start-up, or a text
in a pack that the portal publishes (:mod:`kiosk.shelf`)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kiosk.failures import Fault, KioskError
from kiosk.views import Text

LANGUAGES = ("vi", "en")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FeeRule(_Data):
    """``free``, or by circular 226/2016: a price a page of the original, capped a copy (đ)."""

    rule: Literal["free", "pages"]
    first_pages: int = Field(2, description="pages at the first price")
    first_price: int = 2000
    next_price: int = 1000
    most: int = 200_000

    def amount(self, pages: int, copies: int) -> int:
        if self.rule == "free":
            return 0
        first = min(pages, self.first_pages) * self.first_price
        rest = max(0, pages - self.first_pages) * self.next_price
        return min(first + rest, self.most) * copies


class Deadline(_Data):
    """``days`` 0: the same day; received at or after ``cut_off_hour``, one working day later."""

    days: int = Field(ge=0)
    cut_off_hour: int = Field(15, ge=0, le=24)


class Words(_Data):
    """What the procedure is called, in one language."""

    title: str
    hint: str
    paper: str


class Procedure(_Data):
    id: str = Field(pattern=r"^[a-z0-9-]+$")
    code: str
    version: int = Field(ge=1)
    picture: str
    legal_basis: tuple[str, ...]
    result: Literal["certified-copy", "filing"]
    identity: Literal["claimed", "proven", "vouched"]
    paper_class: str
    original_seen: tuple[Literal["at-the-desk", "at-the-kiosk", "by-video"], ...] = Field(
        ("at-the-desk", "at-the-kiosk", "by-video"),
        min_length=1,
        description="how an officer may have seen the original; the portal holds to it",
    )
    fee: FeeRule
    deadline: Deadline
    steps: tuple[str, ...] = Field(min_length=1)
    words: dict[str, Words]

    def text(self, name: Literal["title", "hint", "paper"]) -> Text:
        return Text.in_languages(
            {language: getattr(words, name) for language, words in self.words.items()}
        )


@cache
def procedures() -> dict[str, Procedure]:
    """The procedures that came with the program, by id.

    Raises KioskError (SETTINGS_INVALID) naming file, key and reason.
    """
    found: dict[str, Procedure] = {}
    folder = resources.files("config") / "procedures"
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            procedure = parse(file.name, file.read_text("utf-8"))
            found[procedure.id] = procedure
    return found


def parse(name: str, text: str) -> Procedure:
    """One procedure from the text of its file ``name``."""
    from kiosk.steps import STEPS  # the steps import this module

    try:
        procedure = Procedure.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"{name}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise KioskError(Fault.SETTINGS_INVALID, f"{name}: {key}: {first['msg']}") from None
    if problem := _problem(procedure, frozenset(STEPS)):
        raise KioskError(Fault.SETTINGS_INVALID, f"{name}: {problem}")
    return procedure


def _problem(procedure: Procedure, known: frozenset[str]) -> str:
    """Why the kiosk could not carry it out, or nothing."""
    steps = procedure.steps
    if unknown := set(steps) - known:
        return f"steps: unknown {sorted(unknown)}, known {sorted(known)}"
    if steps[-1] != "issue" or "identify" not in steps:
        return "steps: identify must be among them, and issue the last"
    if early := set(steps[: steps.index("identify")]) - {"consent"}:
        return f"steps: {sorted(early)} cannot come before identify"
    if procedure.identity == "proven" and "face" not in steps:
        return "identity: proven needs the step face"
    if missing := set(LANGUAGES) - set(procedure.words):
        return f"words: missing {sorted(missing)}"
    return ""
