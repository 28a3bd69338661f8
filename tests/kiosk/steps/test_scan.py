"""Scanning, when the scanner fails in the middle: which page is in hand is not forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from drivers.contract import DeviceError, Fault, Raster
from drivers.wire import Blob
from kiosk.session import BACK, NEXT, Outcome, Record
from kiosk.settings import Settings
from kiosk.steps import scan
from kiosk.views import Back, Intent, Next, Redo, View

DOSSIER = UUID("0190b2c4-7000-7000-8000-000000000001")


class Scanner:
    """Each scan gives the next of ``jobs``: sheets by name, or the error that ends it."""

    def __init__(self, *jobs: list[str | DeviceError]) -> None:
        self.jobs = list(jobs)

    async def scan(self, _: Any) -> AsyncIterator[Raster]:
        for sheet in self.jobs.pop(0):
            if isinstance(sheet, DeviceError):
                raise sheet
            yield Raster(Blob.of(sheet.encode()), 1, 1, 1)


class Documents:
    async def read_page(self, raster: Raster) -> Any:
        name = raster.pixels.read().decode()
        page = SimpleNamespace(jpeg=name.encode(), text=name)
        return SimpleNamespace(page=page, thumbnail=b"", findings=(), name=name)


class Session:
    """``intents`` come whenever nothing is left to scan; ``answers`` to failures told."""

    def __init__(self, scanner: Scanner, intents: list[Intent], answers: list[str]) -> None:
        self.intents, self.answers, self.told = intents, answers, []  # type: ignore[var-annotated]
        self.record = Record(dossier=DOSSIER)
        self.dossier, self.progress = DOSSIER, {}  # type: ignore[var-annotated]
        self.parts: list[str] = []
        outbox = SimpleNamespace(put_part=lambda _id, name, *_: self.parts.append(name))
        self.kiosk = SimpleNamespace(
            scanner=scanner, documents=Documents(), outbox=outbox, settings=Settings()
        )

    async def race(self, view: View, work: Any) -> Any:
        if self.intents and not isinstance(self.intents[0], Redo) and self.kiosk.scanner.jobs:
            return await work()
        if self.intents and isinstance(self.intents[0], Redo) and len(self.record.pages) < 2:
            return await work()
        return self.intents.pop(0)

    @asynccontextmanager
    async def busy(self) -> Any:
        yield

    def present(self, view: View) -> None:
        pass

    async def tell(self, error: DeviceError) -> str:
        self.told.append(error.code)
        return self.answers.pop(0)


def run(session: Session, monkeypatch: Any) -> Outcome:
    monkeypatch.setattr(scan, "encode_text", lambda _: b"")
    return asyncio.run(scan.run(session))  # type: ignore[arg-type]


JAM = DeviceError(Fault.SCANNER_JAM, paper_inside=True)


def test_a_jam_keeps_what_was_scanned_before_it(monkeypatch: Any) -> None:
    session = Session(Scanner(["one", JAM], ["two"]), [Next()], ["retry"])
    assert run(session, monkeypatch) == NEXT
    assert [page.name for page in session.record.pages] == ["one", "two"]  # type: ignore[attr-defined]
    assert session.told == [Fault.SCANNER_JAM]


def test_a_jam_while_a_page_is_scanned_anew_does_not_add_a_page(monkeypatch: Any) -> None:
    scanner = Scanner(["one", "two"], [JAM], ["two again"])
    session = Session(scanner, [Redo(2), Next()], ["retry"])
    assert run(session, monkeypatch) == NEXT
    assert [page.name for page in session.record.pages] == ["one", "two again"]  # type: ignore[attr-defined]
    assert session.parts.count("page-002.jpg") == 2


def test_a_person_may_go_back_from_a_jam(monkeypatch: Any) -> None:
    session = Session(Scanner([JAM]), [Back()], ["back"])
    assert run(session, monkeypatch) == BACK
