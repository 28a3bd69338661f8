"""Papers go in, pages come out. Page N is read while page N+1 is being scanned."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from certify.pages import encode_text
from drivers.contract import DeviceError, Fault, Raster, ScanSettings
from kiosk.documents.reader import PageReading
from kiosk.session import BACK, NEXT, Outcome, Session
from kiosk.views import Intent, Next, PageThumb, Redo, ScanView, Text

_LOOK_FOR_PAPER = 0.5
"""Seconds between two looks whether paper lies in the feeder."""


@dataclass(slots=True)
class _Stack:
    """The paper in hand. ``redo``: the next page takes the place of this one (1, 2, ...).

    ``moving``: the feeder still pulls; ``unread``: pages that are scanned but not read yet.
    """

    redo: int = 0
    moving: bool = False
    unread: int = 0


async def run(session: Session) -> Outcome:
    stack = _Stack()
    while True:
        try:
            intent = await _wait_for_paper(session, stack)
        except DeviceError as error:
            # Told here and not by the session: which page is scanned anew must not be forgotten.
            if await session.tell(error) != "retry":
                return BACK
            continue
        if isinstance(intent, Redo):
            stack.redo = intent.number
        elif isinstance(intent, Next) and session.record.pages:
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
            readings.append(asyncio.create_task(_read(session, sheet, stack)))
            stack.unread += 1
            session.present(_view(session, stack))
            sheet = await anext(sheets, None)
    finally:
        # Pages that were scanned before a jam are kept: the person need not feed them again.
        stack.moving = False
        session.present(_view(session, stack))
        await asyncio.wait(readings)
    for reading in readings:
        reading.result()


async def _read(session: Session, sheet: Raster, stack: _Stack) -> None:
    try:
        reading = await session.kiosk.documents.read_page(sheet)
    finally:
        sheet.pixels.close()
        stack.unread -= 1
    number = _put(session.record.pages, reading, stack)
    session.kiosk.outbox.put_part(
        session.dossier, f"page-{number:03}.jpg", "image/jpeg", reading.page.jpeg
    )
    session.present(_view(session, stack))


def _put(pages: list[PageReading], reading: PageReading, stack: _Stack) -> int:
    if stack.redo:
        number, stack.redo = stack.redo, 0
        pages[number - 1] = reading
        return number
    pages.append(reading)
    return len(pages)


def _save_text(session: Session) -> None:
    text = encode_text([reading.page for reading in session.record.pages])
    session.kiosk.outbox.put_part(session.dossier, "text.json", "application/json", text)


def _view(session: Session, stack: _Stack) -> ScanView:
    state = "scanning" if stack.moving else "reading" if stack.unread else "waiting"
    return ScanView(
        state=state,
        pages=thumbs(session.record.pages),
        reading=stack.unread,
        problem=Text("scan.redo", {"number": stack.redo}) if stack.redo else None,
        **session.progress,
    )


def thumbs(pages: list[PageReading]) -> tuple[PageThumb, ...]:
    """Small pictures with a verdict in words; the worst finding is told."""
    return tuple(
        PageThumb(
            number=number,
            image=page.thumbnail,
            verdict=Text(f"verdict.{page.findings[0]}" if page.findings else "verdict.good"),
            redo=bool(page.findings),
        )
        for number, page in enumerate(pages, 1)
    )
