"""Verify a certified copy, strictly: what is not shown to be genuine is not.

A general PDF validator asks whether signatures hold. That is not enough: it is content with a file
from which the agency's signature was cut, or to which anything was appended. Here the seal, which
is signed, says what must be there: the mode decides the signatures, the bundle decides the roots,
the digest decides the pages, and nothing may lie outside of what is signed.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from certify.copyfile import CopyFile, open_reader, read_copy
from certify.errors import CertifyError
from certify.examination import OFFICER, SEAL_REASONS, Evidence, Examination, Findings
from certify.seal import Seal, check_seal
from certify.statement import CopyFacts
from certify.trust import TrustBundle

VIETNAM = timezone(timedelta(hours=7))


class State(StrEnum):
    OFFICER_AND_AGENCY = "officer-and-agency"
    INSPECTION_DUE = "agency-inspection-due"
    INSPECTION_OVERDUE = "agency-inspection-overdue"
    NOT_GENUINE = "not-genuine"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``code``: the state of a genuine copy, otherwise what failed first (``copy.…``).

    ``facts`` are what the copy states, only when it is genuine. ``level``: PAdES, B-B to B-LTA.
    """

    ok: bool
    state: State
    code: str
    sentence_vi: str
    sentence_en: str
    evidence: tuple[Evidence, ...]
    facts: CopyFacts | None = None
    level: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and between processes."""
        return {
            "ok": self.ok,
            "state": str(self.state),
            "code": self.code,
            "sentence_vi": self.sentence_vi,
            "sentence_en": self.sentence_en,
            "evidence": [list(item) for item in self.evidence],
            "facts": self.facts.to_dict() if self.facts else None,
            "level": self.level,
        }


def verify(
    pdf: bytes, bundle: TrustBundle, *, at: datetime | None = None, paper_seal: str | None = None
) -> Verdict:
    """Judge a copy as of ``at`` (now, if not given).

    ``paper_seal`` is the text of a QR code seen on paper, which must then be the file's own.

    Raises CertifyError: PDF_UNREADABLE (no PDF at all), PDF_ENCRYPTED.
    """
    moment = at or datetime.now(UTC)
    reader = open_reader(pdf)
    try:
        if reader is None:
            raise ValueError("the structure cannot be read")
        copy = read_copy(reader)
    except ValueError as error:
        return _not_genuine(Findings((Evidence("structure", False, str(error)),), "damaged"))
    found = Examination(pdf, copy, bundle, moment, paper_seal).run()
    structure = Evidence("structure", True, f"{copy.page_count} pages")
    found = found._replace(evidence=(structure, *found.evidence))
    if not all(item.ok for item in found.evidence):
        return _not_genuine(found)
    state = _state(copy, moment)
    by = f"{copy.facts.inspect_by:%d/%m/%Y}" if copy.facts.inspect_by else ""
    words = {lang: text.format(inspect_by=by) for lang, text in _words()["state"][state].items()}
    return Verdict(
        ok=True,
        state=state,
        code=str(state),
        sentence_vi=words["vi"],
        sentence_en=words["en"],
        evidence=found.evidence,
        facts=copy.facts,
        level=found.level,
    )


@dataclass(frozen=True, slots=True)
class SealVerdict:
    """What the seal alone shows: that such a copy was issued. It says nothing of the paper's pages.

    ``code``: the mode of a genuine seal, or "post-check-overdue" once the day of inspection has
    passed: the seal cannot know whether it took place. Otherwise why not (``copy.…``).
    """

    ok: bool
    code: str
    sentence_vi: str
    sentence_en: str
    seal: Seal | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; the digest is hexadecimal."""
        return {
            "ok": self.ok,
            "code": self.code,
            "sentence_vi": self.sentence_vi,
            "sentence_en": self.sentence_en,
            "seal": self.seal.to_dict() if self.seal else None,
        }


def verify_seal(text: str, bundle: TrustBundle, *, at: datetime | None = None) -> SealVerdict:
    """Judge the text of a QR code as of ``at`` (now, if not given), without any network."""
    try:
        seal = check_seal(text, bundle)
    except CertifyError as error:
        reason = SEAL_REASONS[error.code]
        return SealVerdict(False, f"copy.{reason}", *refusal(reason))
    values = {
        "number": seal.number,
        "book": seal.book,
        "pages": seal.pages,
        "date": f"{seal.issued.astimezone(VIETNAM):%d/%m/%Y}",
        "inspect_by": f"{seal.inspect_by:%d/%m/%Y}" if seal.inspect_by else "",
    }
    today = (at or datetime.now(UTC)).astimezone(VIETNAM).date()
    overdue = seal.inspect_by is not None and today > seal.inspect_by
    code = "post-check-overdue" if overdue else seal.mode
    words = {lang: text.format(**values) for lang, text in _words()["seal"][code].items()}
    return SealVerdict(True, code, words["vi"], words["en"], seal)


def _state(copy: CopyFile, moment: datetime) -> State:
    if OFFICER in copy.signatures:
        return State.OFFICER_AND_AGENCY
    due = copy.facts.inspect_by
    assert due is not None  # the seal, and the facts with it, say post-check
    overdue = moment.astimezone(copy.facts.issued.tzinfo).date() > due
    return State.INSPECTION_OVERDUE if overdue else State.INSPECTION_DUE


def _not_genuine(found: Findings) -> Verdict:
    vi, en = refusal(found.reason)
    code = f"copy.{found.reason}"
    return Verdict(False, State.NOT_GENUINE, code, vi, en, found.evidence)


def refusal(reason: str) -> tuple[str, str]:
    """The sentence of a refusal, in Vietnamese and in English."""
    words = _words()["refusal"][reason]
    return words["vi"], words["en"]


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads((resources.files("certify") / "verdicts.toml").read_text("utf-8"))
