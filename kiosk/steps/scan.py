"""Papers go in, pages come out. Page N is read while page N+1 is being scanned."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from certify.pages import encode_text
from drivers.contract import DeviceError, Fault, Raster, ScanSettings
from kiosk.documents.reader import PageReading
from kiosk.session import BACK, NEXT, Outcome, Record, Session
from kiosk.views import Intent, Next, PageThumb, Redo, ScanView, Text

_LOOK_FOR_PAPER = 0.5
"""Seconds between two looks whether paper lies in the feeder."""


@dataclass(slots=True)
class _Stack:
    """The paper in hand. ``moving``: the feeder still pulls; ``unread``: numbers of pages that are
    scanned but not read yet."""

    moving: bool = False
    unread: set[int] = field(default_factory=set)


async def run(session: Session) -> Outcome:
    stack = _Stack()
    while True:
        intent = await _wait_for_paper(session, stack)
        if isinstance(intent, Redo):
            if intent.number in session.record.scanned:
                session.record.redo = intent.number
        elif isinstance(intent, Next) and _complete(session.record):
            _save_text(session)
            return NEXT
        elif isinstance(intent, Intent) and not isinstance(intent, Next):
            return BACK


async def _wait_for_paper(session: Session, stack: _Stack) -> Intent | None:
    """Scan what is put in; None when the feeder has run empty again."""
    found = await session.race(_view(session, stack), lambda: _first_sheet(session))
    if isinstance(found, Intent):
        return found
    first, sheets = found
    async with aclosing(sheets), session.busy():
        await _take_pages(session, first, sheets, stack)
    return None


async def _first_sheet(session: Session) -> tuple[Raster, AsyncGenerator[Raster]]:
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
            session.dossier, f"page-{number:03}.jpg", "image/jpeg", reading.page.jpeg
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
    again = 0 if stack.moving else _asked_again(session.record)
    return ScanView(
        state=state,
        pages=thumbs(session.record.scanned),
        reading=len(stack.unread),
        problem=Text("scan.redo", {"number": again}) if again else None,
        **session.progress,
    )


def thumbs(pages: Mapping[int, PageReading]) -> tuple[PageThumb, ...]:
    """Small pictures with a verdict in words; the worst finding is told."""
    return tuple(
        PageThumb(
            number=number,
            image=page.thumbnail,
            verdict=Text(f"verdict.{page.findings[0]}" if page.findings else "verdict.good"),
            redo=bool(page.findings),
        )
        for number, page in sorted(pages.items())
    )
