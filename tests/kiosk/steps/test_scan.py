"""Pages keep the number they were scanned with, whatever jams and whatever cannot be read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.contract import DeviceError, Fault, Raster, ScanSettings
from drivers.wire import Blob
from kiosk.failures import Fault as KioskFault
from kiosk.session import BACK, NEXT, Record
from kiosk.steps import scan
from kiosk.views import Back, Intent, Next, Redo, Remove, ScanView

UNREADABLE = "unreadable"
JAM = "jam"


class Scanner:
    """Stacks of sheets, one a scan; a sheet is a word, JAM is what happens there."""

    def __init__(self, *stacks: Sequence[str]) -> None:
        self.stacks = list(stacks)

    async def scan(self, settings: ScanSettings) -> AsyncGenerator[Raster]:
        if not self.stacks:
            raise DeviceError(Fault.SCANNER_EMPTY)
        for sheet in self.stacks.pop(0):
            if sheet == JAM:
                raise DeviceError(Fault.SCANNER_JAM)
            yield Raster(Blob.of(sheet.encode()), 1, 1, 1)


class Session:
    """What the step asks of a session. The person answers when the feeder is empty."""

    def __init__(self, scanner: Scanner, *intents: Intent) -> None:
        self.record = Record()
        self.intents = list(intents)
        self.views: list[ScanView] = []
        self.parts: dict[str, bytes] = {}
        self.dossier = None
        self.progress: dict[str, Any] = {}
        self.procedure = SimpleNamespace(result="certified-copy")
        self.prepared = 0
        devices = SimpleNamespace(scanner=SimpleNamespace(dpi=200))
        self.kiosk = SimpleNamespace(
            scanner=scanner,
            settings=SimpleNamespace(devices=devices),
            documents=SimpleNamespace(read_page=self._read_page),
            outbox=SimpleNamespace(put_part=self._put_part, drop_part=self._drop_part),
            certifier=SimpleNamespace(prepare=self._prepare),
        )

    def _prepare(self) -> None:
        self.prepared += 1

    async def race(self, view: ScanView, wait: Any) -> Any:
        self.present(view)
        return await wait() if self.kiosk.scanner.stacks else self.intents.pop(0)

    @asynccontextmanager
    async def busy(self) -> AsyncGenerator[None]:
        yield

    def present(self, view: ScanView) -> None:
        self.views.append(view)

    async def _read_page(self, sheet: Raster) -> Any:
        word = sheet.pixels.read()
        await asyncio.sleep(0)
        if word == UNREADABLE.encode():
            raise DeviceError(KioskFault.PAGE_UNREADABLE)
        page = SimpleNamespace(jpeg=word)
        return SimpleNamespace(page=page, thumbnail=word, findings=())

    def _put_part(self, dossier: None, name: str, kind: str, data: bytes) -> None:
        self.parts[name] = data

    def _drop_part(self, dossier: None, name: str) -> None:
        del self.parts[name]


@pytest.fixture(autouse=True)
def _no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "_save_text", lambda session: None)


def walk(session: Session) -> Any:
    return asyncio.run(scan.run(session))  # type: ignore[arg-type]


def fail(session: Session) -> str:
    with pytest.raises(DeviceError) as caught:
        walk(session)
    return caught.value.code


def pages(session: Session) -> dict[int, bytes]:
    return {number: page.page.jpeg for number, page in session.record.scanned.items()}


def test_the_certifier_gets_ready_while_papers_are_scanned() -> None:
    session = Session(Scanner(["one"]), Next())
    assert walk(session) == NEXT
    assert session.prepared == 1
    session = Session(Scanner(["one"]), Next())
    session.procedure.result = "filing"
    assert walk(session) == NEXT
    assert session.prepared == 0


def test_pages_in_the_order_of_the_scan() -> None:
    session = Session(Scanner(["one", "two"], ["three"]), Next())
    assert walk(session) == NEXT
    assert pages(session) == {1: b"one", 2: b"two", 3: b"three"}
    assert session.parts == {
        "page-001.jpg": b"one",
        "page-002.jpg": b"two",
        "page-003.jpg": b"three",
    }


def test_a_page_that_cannot_be_read_keeps_its_place() -> None:
    session = Session(Scanner(["one", UNREADABLE, "three"]), Next(), Back())
    assert fail(session) == KioskFault.PAGE_UNREADABLE
    assert pages(session) == {1: b"one", 3: b"three"}
    # Nobody goes on without it, and the screen says which one it is.
    assert walk(session) == BACK
    problem = session.views[-1].problem
    assert problem is not None
    assert (problem.key, problem.arguments) == ("scan.redo", {"number": 2})
    session.kiosk.scanner.stacks = [["two", "four"]]
    session.intents = [Next()]
    assert walk(session) == NEXT
    assert [page.page.jpeg for page in session.record.pages] == [b"one", b"two", b"three", b"four"]
    assert session.views[-1].problem is None


def test_a_page_to_be_scanned_again_is_still_that_page_after_a_jam() -> None:
    session = Session(Scanner(["one", "two"]), Redo(1), Back())
    assert walk(session) == BACK
    session.kiosk.scanner.stacks = [[JAM]]
    assert fail(session) == Fault.SCANNER_JAM
    session.kiosk.scanner.stacks = [["better", "three"]]
    session.intents = [Next()]
    assert walk(session) == NEXT
    assert pages(session) == {1: b"better", 2: b"two", 3: b"three"}


def test_pages_before_a_jam_are_kept() -> None:
    session = Session(Scanner(["one", JAM]))
    assert fail(session) == Fault.SCANNER_JAM
    assert pages(session) == {1: b"one"}


def test_a_page_that_is_not_there_cannot_be_asked_for() -> None:
    session = Session(Scanner(["one"]), Redo(7), Next())
    assert walk(session) == NEXT
    assert session.record.redo == 0


def numbers(view: ScanView) -> list[tuple[int, bytes]]:
    return [(page.number, page.image) for page in view.pages]


def test_a_wrong_sheet_is_taken_out_and_the_others_are_counted_anew() -> None:
    session = Session(Scanner(["one", "wrong", "two"]), Remove(2), Next())
    session.record.copy = b"of other pages"
    assert walk(session) == NEXT
    assert [page.page.jpeg for page in session.record.pages] == [b"one", b"two"]
    assert sorted(session.parts.values()) == [b"one", b"two"]
    assert session.record.copy is None
    view = session.views[-1]
    assert numbers(view) == [(1, b"one"), (2, b"two")]
    assert view.problem is not None
    assert view.problem.key == "scan.removed"


def test_after_a_page_was_taken_out_the_next_ones_are_still_meant_by_their_places() -> None:
    session = Session(Scanner(["wrong", "one", "two"]), Remove(1), Redo(2), Back())
    assert walk(session) == BACK
    problem = session.views[-1].problem
    assert problem is not None
    assert (problem.key, problem.arguments) == ("scan.redo", {"number": 2})
    session.kiosk.scanner.stacks = [["better two", "three"]]
    session.intents = [Next()]
    assert walk(session) == NEXT
    assert numbers(session.views[-1]) == [(1, b"one"), (2, b"better two"), (3, b"three")]
    assert sorted(session.parts.values()) == [b"better two", b"one", b"three"]


def test_without_its_only_page_nobody_goes_on() -> None:
    session = Session(Scanner(["wrong"]), Remove(1), Remove(1), Next(), Back())
    assert walk(session) == BACK
    assert session.parts == {}
    session.kiosk.scanner.stacks = [["right"]]
    session.intents = [Next()]
    assert walk(session) == NEXT
    assert session.parts == {"page-001.jpg": b"right"}


def test_a_page_that_waits_to_be_scanned_again_can_be_given_up() -> None:
    session = Session(Scanner(["one", "two"]), Redo(2), Remove(2), Next())
    assert walk(session) == NEXT
    assert (session.record.redo, pages(session)) == (0, {1: b"one"})
