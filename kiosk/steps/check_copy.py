"""Is this paper copy what was issued? Nobody has to say who he is, and nothing is kept.

The seal is checked here, without any network. With one, each scanned page is compared with the page
that was issued; the screen shows the person's own scan with marks, never the issued page: a picture
of a seal must not show anybody what stands on the paper.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import date

from certify.numbers import grouped
from drivers.contract import Raster
from kiosk.certifier import CheckedSeal
from kiosk.documents.paper import Compared, PaperExaminer, Sheet
from kiosk.failures import Fault, KioskError
from kiosk.link import messages, verbs
from kiosk.policy import current_trust
from kiosk.session import BACK, NEXT, Outcome, Session
from kiosk.slips import VIETNAM
from kiosk.stage import cancel
from kiosk.steps.scan import first_sheet
from kiosk.views import (
    CheckCopyView,
    Choose,
    CopyCheckedView,
    Intent,
    Mark,
    ReviewRow,
    Text,
)

_MOST_SHEETS = 20
_UNCOMPARED: dict[str, str] = {Fault.LINK_NOT_FOUND: "not-here", Fault.LINK_OFFLINE: "waits"}
"""Why no page was compared; any other reason is the portal's own, not the line's."""


@dataclass(frozen=True, slots=True)
class _Pages:
    """``compared``: each scanned sheet with the issued page it is (0: none of them), as far as the
    portal could be asked. ``issued``: how many pages the copy has. ``inspect_by``: the last day
    for an officer's inspection, as long as none has signed."""

    compared: tuple[tuple[int, Compared], ...]
    issued: int
    inspect_by: date | None


async def run(session: Session) -> Outcome:
    examiner = PaperExaminer()
    try:
        problem: Text | None = None
        while True:
            laid = await _laid(session, examiner, problem)
            if isinstance(laid, Intent):
                return BACK
            view = await _examined(session, examiner, *laid)
            if isinstance(view, Intent):
                problem = None
                continue
            if view is None:
                problem = Text("check.no-seal")
                continue
            problem = None
            if await session.ask(view) != Choose("again"):
                return NEXT
    finally:
        await examiner.close()


# What lies before the machine --------------------------------------------------------------------


async def _laid(
    session: Session, examiner: PaperExaminer, problem: Text | None
) -> Intent | tuple[list[Sheet], list[str]]:
    """The sheets that were put in, and the codes on them; or only a code that was shown."""
    found = await session.race(CheckCopyView(problem=problem), lambda: _paper_or_code(session))
    if isinstance(found, Intent):
        return found
    if isinstance(found, str):
        return [], [found]
    first, rest = found
    sheets: list[Sheet] = []
    async with aclosing(rest), session.busy():
        raster: Raster | None = first
        while raster is not None and len(sheets) < _MOST_SHEETS:
            session.present(CheckCopyView(state="scanning", sheets=len(sheets)))
            try:
                sheets.append(await examiner.look(raster))
            finally:
                raster.pixels.close()
            raster = await anext(rest, None)
    return sheets, [code for sheet in sheets for code in sheet.codes]


async def _paper_or_code(session: Session) -> tuple[Raster, AsyncGenerator[Raster]] | str:
    """Whichever comes first. A reader out of order must not keep paper from being checked."""
    scanning = asyncio.ensure_future(first_sheet(session))
    reading = asyncio.ensure_future(session.kiosk.reader.read())
    try:
        await asyncio.wait({scanning, reading}, return_when=asyncio.FIRST_COMPLETED)
        if reading.done() and not scanning.done() and reading.exception() is not None:
            await asyncio.wait({scanning})
        return scanning.result() if scanning.done() else reading.result()
    finally:
        await cancel(scanning, reading)


# What is found out -------------------------------------------------------------------------------


async def _examined(
    session: Session, examiner: PaperExaminer, sheets: list[Sheet], codes: list[str]
) -> CopyCheckedView | Intent | None:
    """None when no code is on the paper at all; an intent when the person stopped it."""

    async def found_out() -> CopyCheckedView:
        text, seal = await _seal(session, codes)
        if not seal.ok:
            return _not_genuine(seal, sheets)
        if not sheets:
            return _only_code(seal)
        return await _compared(session, examiner, seal, text, sheets)

    if not codes:
        return None
    comparing = CheckCopyView(state="comparing", sheets=len(sheets))
    async with session.busy():
        found = await session.race(comparing, found_out, machine=True)
    if isinstance(found, CopyCheckedView):
        session.kiosk.journal.append("copy-checked", outcome=found.title.key)
    return found


async def _seal(session: Session, codes: Sequence[str]) -> tuple[str, CheckedSeal]:
    """The first genuine seal among ``codes``: the original may bear codes of its own. Else what is
    wrong with the last that at least looks like one."""
    trust = await current_trust(session.kiosk.link)
    judged = [(code, await session.kiosk.certifier.verify_seal(code, trust)) for code in codes]
    genuine = [pair for pair in judged if pair[1].ok]
    looking = [pair for pair in judged if pair[1].code != "copy.seal-invalid"]
    return (genuine or looking[::-1] or judged)[0]


async def _compared(
    session: Session, examiner: PaperExaminer, seal: CheckedSeal, text: str, sheets: list[Sheet]
) -> CopyCheckedView:
    issued = _Issued(session, text)
    try:
        pages: list[tuple[int, Compared]] = []
        for place, sheet in enumerate(sheets, 1):
            pages.append(await _best(examiner, sheet, issued, place))
            if not pages[-1][0]:
                break  # no page of this copy: what comes after it changes nothing
        first = await issued.page(1)
        return _verdict(seal, _Pages(tuple(pages), first.pages, first.inspect_by))
    except KioskError as error:
        if error.code == Fault.LINK_COPY_REVOKED:
            return _view(seal, "fault", "revoked", {}, Compared(False, sheets[0].jpeg))
        return _uncompared(seal, sheets, _UNCOMPARED.get(error.code, "unasked"))


class _Issued:
    """The issued pages, asked for as they are needed: most papers lie in their order."""

    def __init__(self, session: Session, text: str) -> None:
        self._session = session
        self._text = text
        self._pages: dict[int, messages.IssuedPageAnswer] = {}

    async def page(self, number: int) -> messages.IssuedPageAnswer:
        """From 1. Raises KioskError as the verb does."""
        if number not in self._pages:
            request = messages.IssuedPageRequest(seal=self._text, page=number)
            answer = await self._session.kiosk.link.call(verbs.ISSUED_PAGE, request)
            self._pages[number] = answer
        return self._pages[number]

    async def count(self) -> int:
        return (await self.page(1)).pages


async def _best(
    examiner: PaperExaminer, sheet: Sheet, issued: _Issued, place: int
) -> tuple[int, Compared]:
    """The issued page that the sheet is: most likely the one in its place, then any."""
    numbers = range(1, await issued.count() + 1)
    found: list[tuple[int, Compared]] = []
    for number in sorted(numbers, key=lambda number: abs(number - place)):
        page = await issued.page(number)
        compared = await examiner.compare(sheet, page.jpeg, page.ignored)
        if compared.same_page and not compared.marks:
            return number, compared
        found.append((number if compared.same_page else 0, compared))
    return min(found, key=lambda pair: (pair[0] == 0, len(pair[1].marks)))


# What is said ------------------------------------------------------------------------------------


def _verdict(seal: CheckedSeal, pages: _Pages) -> CopyCheckedView:
    view = _compared_view(seal, pages)
    if pages.inspect_by is None:
        return view
    due = Text("check.not-inspected", {"day": f"{pages.inspect_by:%d/%m/%Y}"})
    return replace(view, facts=(*view.facts, ReviewRow(Text("check.inspection"), due)))


def _compared_view(seal: CheckedSeal, pages: _Pages) -> CopyCheckedView:
    """The worst page is shown: a page of another paper, then one that differs, else the first."""
    strange = [page for number, page in pages.compared if number == 0]
    changed = [(number, page) for number, page in pages.compared if page.marks]
    missing = pages.issued - len({number for number, _ in pages.compared if number})
    if strange:
        return _view(seal, "fault", "other-page", {}, strange[0])
    if changed:
        number, page = max(changed, key=lambda pair: len(pair[1].marks))
        others = sorted({each for each, _ in changed} - {number})
        return _view(seal, "fault", "differs", _differences(number, page, others), page, number)
    number, page = pages.compared[0]
    if missing:
        seen: dict[str, str | int | Text] = {"seen": pages.issued - missing, "pages": pages.issued}
        return _view(seal, "warn", "incomplete", seen, page, number)
    return _view(seal, "ok", "same", {}, page, number)


def _differences(number: int, page: Compared, others: list[int]) -> dict[str, str | int | Text]:
    """Only what the shown page shows is counted; the other changed pages are named."""
    pages = ", ".join(map(str, others))
    also = Text("check.others-differ", {"pages": pages}) if others else Text.plain("")
    return {"page": number, "count": len(page.marks), "others": also}


def _view(
    seal: CheckedSeal,
    tone: str,
    kind: str,
    values: Mapping[str, str | int | Text],
    page: Compared | None = None,
    number: int = 0,
) -> CopyCheckedView:
    return CopyCheckedView(
        tone=tone,
        title=Text(f"check.{kind}-title", values),
        lead=Text(f"check.{kind}-lead", values),
        facts=_facts(seal),
        picture=page.picture if page else None,
        picture_title=Text("check.page", {"number": number}) if number else None,
        marks=tuple(Mark(*mark) for mark in page.marks) if page else (),
        close_ups=page.close_ups if page else (),
    )


def _uncompared(seal: CheckedSeal, sheets: list[Sheet], kind: str) -> CopyCheckedView:
    return _view(seal, "warn", kind, {}, Compared(False, sheets[0].jpeg))


def _only_code(seal: CheckedSeal) -> CopyCheckedView:
    return _view(seal, "warn", "code", {})


def _not_genuine(seal: CheckedSeal, sheets: list[Sheet]) -> CopyCheckedView:
    return CopyCheckedView(
        tone="fault",
        title=Text("check.not-genuine-title"),
        lead=Text.in_languages(seal.sentences),
        picture=sheets[0].jpeg if sheets else None,
    )


def _facts(seal: CheckedSeal) -> tuple[ReviewRow, ...]:
    assert seal.issued, "a genuine seal has all of it"
    issued = seal.issued.astimezone(VIETNAM)
    values = (
        ("number", seal.number),
        ("issued", f"{issued:%d/%m/%Y}"),
        ("agency", seal.agency),
        ("id-code", grouped(seal.id_code)),
    )
    return tuple(ReviewRow(Text(f"check.{name}"), Text.plain(value)) for name, value in values)
