"""Papers go in, pages come out. Page N is read while page N+1 is being scanned."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from certify.pages import encode_text
from drivers.contract import DeviceError, Fault, Raster, ScanSettings
from kiosk.session import BACK, NEXT, Outcome, Record, Session
from kiosk.views import Intent, Next, PageThumb, Redo, Remove, ScanView, Text

_LOOK_FOR_PAPER = 0.5
"""Seconds between two looks whether paper lies in the feeder."""


@dataclass(slots=True)
class _Stack:
    """The paper in hand. ``moving``: the feeder still pulls; ``unread``: numbers of pages that are
    scanned but not read yet; ``removed``: the person has just taken a page out."""

    moving: bool = False
    removed: bool = False
    unread: set[int] = field(default_factory=set)


async def run(session: Session) -> Outcome:
    stack = _Stack()
    while True:
        intent = await _wait_for_paper(session, stack)
        stack.removed = False
        if isinstance(intent, Redo | Remove):
            if (number := _number_at(session.record, intent.number)) is None:
                continue
            if isinstance(intent, Redo):
                session.record.redo = number
            else:
                _remove(session, number)
                stack.removed = True
        elif isinstance(intent, Next) and _complete(session.record):
            _save_text(session)
            return NEXT
        elif isinstance(intent, Intent) and not isinstance(intent, Next):
            return BACK


def _remove(session: Session, number: int) -> None:
    """The other pages keep their numbers, so one deletion is all that can fail."""
    record = session.record
    session.kiosk.outbox.drop_part(session.dossier, _part_name(number))
    record.pages_changed()
    del record.scanned[number]
    record.unreadable.discard(number)
    record.redo = 0 if record.redo == number else record.redo


def _places(record: Record) -> list[int]:
    """The numbers of the pages in their order, which is how they are counted on the screen."""
    return sorted({*record.scanned, *record.unreadable})


def _number_at(record: Record, place: int) -> int | None:
    """Of a page that is there."""
    places = _places(record)
    number = places[place - 1] if 1 <= place <= len(places) else 0
    return number if number in record.scanned else None


def _part_name(number: int) -> str:
    return f"page-{number:03}.jpg"


async def _wait_for_paper(session: Session, stack: _Stack) -> Intent | None:
    """Scan what is put in; None when the feeder has run empty again."""
    found = await session.race(_view(session, stack), lambda: first_sheet(session))
    if isinstance(found, Intent):
        return found
    first, sheets = found
    async with aclosing(sheets), session.busy():
        await _take_pages(session, first, sheets, stack)
    return None


async def first_sheet(session: Session) -> tuple[Raster, AsyncGenerator[Raster]]:
    """Wait until paper lies in the feeder; the first page, and where the others come from."""
    settings = ScanSettings(dpi=session.kiosk.settings.devices.scanner.dpi)
    while True:
        sheets = session.kiosk.scanner.scan(settings)
        try:
            return await anext(sheets), sheets
        except DeviceError as error:
            if error.code != Fault.SCANNER_EMPTY:
                raise
        await asyncio.sleep(_LOOK_FOR_PAPER)


async def _take_pages(
    session: Session, first: Raster, sheets: AsyncGenerator[Raster], stack: _Stack
) -> None:
    readings: list[asyncio.Task[None]] = []
    if session.procedure.result == "certified-copy":
        session.kiosk.certifier.prepare()
    session.record.pages_changed()
    stack.moving = True
    try:
        sheet: Raster | None = first
        while sheet is not None:
            number = _next_number(session.record, stack)
            stack.unread.add(number)
            readings.append(asyncio.create_task(_read(session, sheet, number, stack)))
            session.present(_view(session, stack))
            sheet = await anext(sheets, None)
    finally:
        # Pages that were scanned before a jam are kept: the person need not feed them again.
        stack.moving = False
        session.present(_view(session, stack))
        await asyncio.wait(readings)
    for reading in readings:
        reading.result()


async def _read(session: Session, sheet: Raster, number: int, stack: _Stack) -> None:
    """Read page ``number``. One that cannot be read keeps its number and is asked for again; an
    earlier page of that number stays until then."""
    record = session.record
    try:
        reading = await session.kiosk.documents.read_page(sheet)
        session.kiosk.outbox.put_part(
            session.dossier, _part_name(number), "image/jpeg", reading.page.jpeg
        )
    except BaseException:
        record.unreadable.add(number)
        raise
    finally:
        sheet.pixels.close()
        stack.unread.discard(number)
    record.scanned[number] = reading
    record.unreadable.discard(number)
    session.present(_view(session, stack))


def _next_number(record: Record, stack: _Stack) -> int:
    """The page that was asked for again, or else the one after the last."""
    if record.redo:
        number, record.redo = record.redo, 0
        return number
    if asked := record.unreadable - stack.unread:
        return min(asked)
    return max({0, *record.scanned, *record.unreadable, *stack.unread}) + 1


def _asked_again(record: Record) -> int:
    return record.redo or min(record.unreadable, default=0)


def _complete(record: Record) -> bool:
    return bool(record.scanned) and not record.unreadable


def _save_text(session: Session) -> None:
    text = encode_text([reading.page for reading in session.record.pages])
    session.kiosk.outbox.put_part(session.dossier, "text.json", "application/json", text)


def _view(session: Session, stack: _Stack) -> ScanView:
    state = "scanning" if stack.moving else "reading" if stack.unread else "waiting"
    return ScanView(
        state=state,
        pages=thumbs(session.record),
        reading=len(stack.unread),
        problem=None if stack.moving else _notice(session.record, stack),
        **session.progress,
    )


def _notice(record: Record, stack: _Stack) -> Text | None:
    if again := _asked_again(record):
        return Text("scan.redo", {"number": _places(record).index(again) + 1})
    return Text("scan.removed") if stack.removed else None


def thumbs(record: Record) -> tuple[PageThumb, ...]:
    """Small pictures with a verdict in words; the worst finding is told."""
    return tuple(
        PageThumb(
            number=_places(record).index(number) + 1,
            image=page.thumbnail,
            verdict=Text(f"verdict.{page.findings[0]}" if page.findings else "verdict.good"),
            redo=bool(page.findings),
        )
        for number, page in sorted(record.scanned.items())
    )
