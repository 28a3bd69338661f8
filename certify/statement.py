"""What a certified copy states, and the words of its statement block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any, Literal, Self, get_args

from certify.numbers import check_id_code, grouped

Mode = Literal["pre-check", "post-check"]
Profile = Literal["archive", "lean"]


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """Everything the agency states about one certified copy.

    ``id_code``: 12 characters (certify.numbers). ``number`` of ``year`` in register ``book``.
    ``officer`` and ``agency`` must be named exactly so in the certificates that sign. ``issued`` is
    aware. ``inspect_by`` is set in post-check only, where ``officer`` may still be empty.
    """

    id_code: str
    number: int
    year: int
    book: str
    agency: str
    place: str
    officer: str
    officer_title: str
    issued: datetime
    copies: int
    mode: Mode
    inspect_by: date | None
    dossier_code: str

    def __post_init__(self) -> None:
        if self.issued.tzinfo is None:
            raise ValueError("issued must carry its time zone")
        if self.mode not in get_args(Mode):
            raise ValueError(f"no such mode: {self.mode}")
        if (self.mode == "post-check") != (self.inspect_by is not None):
            raise ValueError("a date of inspection belongs to post-check, and to it alone")
        if check_id_code(self.id_code) != self.id_code:
            raise ValueError("the id code is not in its written form")

    @property
    def agency_code(self) -> str:
        """The agency as on the portal, which begins each dossier code (``H26.15-260123-0042``)."""
        return self.dossier_code.partition("-")[0]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON or CBOR; dates are ISO 8601."""
        return {
            "id_code": self.id_code,
            "number": self.number,
            "year": self.year,
            "book": self.book,
            "agency": self.agency,
            "place": self.place,
            "officer": self.officer,
            "officer_title": self.officer_title,
            "issued": self.issued.isoformat(),
            "copies": self.copies,
            "mode": self.mode,
            "inspect_by": self.inspect_by.isoformat() if self.inspect_by else None,
            "dossier_code": self.dossier_code,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises ValueError, KeyError or TypeError when ``values`` are not such facts."""
        inspect_by = values["inspect_by"]
        return cls(
            id_code=str(values["id_code"]),
            number=int(values["number"]),
            year=int(values["year"]),
            book=str(values["book"]),
            agency=str(values["agency"]),
            place=str(values["place"]),
            officer=str(values["officer"]),
            officer_title=str(values["officer_title"]),
            issued=datetime.fromisoformat(values["issued"]),
            copies=int(values["copies"]),
            mode=values["mode"],
            inspect_by=date.fromisoformat(inspect_by) if inspect_by else None,
            dossier_code=str(values["dossier_code"]),
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """The finished lines of the statement block."""

    title: str
    number: str
    date: str
    officer_heading: str
    agency_heading: str
    note: str


def statement_of(facts: CopyFacts) -> Statement:
    words = template()
    values = {
        "number": f"{facts.number:02d}",
        "book": facts.book,
        "day": f"{facts.issued:%d}",
        "month": f"{facts.issued:%m}",
        "year": f"{facts.issued:%Y}",
        "place": facts.place,
        "inspect_by": f"{facts.inspect_by:%d/%m/%Y}" if facts.inspect_by else "",
        "copies": str(facts.copies),
        "dossier_code": facts.dossier_code,
    }
    return Statement(
        title=words["title"],
        number=words["number"].format(**values),
        date=words["date"].format(**values),
        officer_heading=words["officer"],
        agency_heading=words["agency"],
        note=words[f"note-{facts.mode}"].format(**values),
    )


def margin_line(facts: CopyFacts, page: int, pages: int) -> str:
    """The line in the margin of every page: id code and "Trang k/n"."""
    return template()["margin"].format(id_code=grouped(facts.id_code), page=page, pages=pages)


@cache
def template() -> dict[str, str]:
    """The entries of ``statement.vi.txt``, so that a change of the law is a change of one line."""
    text = (resources.files("certify") / "statement.vi.txt").read_text("utf-8")
    lines = (line.strip() for line in text.splitlines())
    entries = (line.partition(": ") for line in lines if line and not line.startswith("#"))
    return {name: words for name, _, words in entries}
