"""What a person is told of a paper copy, by its seal alone and by its pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.contract import DeviceError, Raster
from drivers.contract import Fault as DeviceFault
from drivers.wire import Blob
from kiosk.certifier import CheckedSeal
from kiosk.documents.paper import Compared, Sheet
from kiosk.failures import Fault, KioskError
from kiosk.link import messages, verbs
from kiosk.session import BACK, NEXT, Outcome
from kiosk.steps import check_copy
from kiosk.strings import LANGUAGES, resolve
from kiosk.views import Back, CheckCopyView, Choose, CopyCheckedView, Intent, Next, View

SEAL, FORGED, FOREIGN = "HTTPS://OURS/V/A", "HTTPS://0URS/V/A", "https://shop.example"
_GENUINE = CheckedSeal(
    True,
    "pre-check",
    {"vi": "thật", "en": "genuine"},
    number="01, 01/2026-SCT/BS",
    agency="UBND",
    issued=datetime(2026, 3, 2, tzinfo=UTC),
    pages=1,
    id_code="000H000001AZ",
)
SEALS = {
    SEAL: _GENUINE,
    FORGED: CheckedSeal(False, "copy.seal-host", {"vi": "địa chỉ khác", "en": "another host"}),
    FOREIGN: CheckedSeal(False, "copy.seal-invalid", {"vi": "không phải", "en": "no seal"}),
}
SAME, OTHER = Compared(True, b"picture"), Compared(False, b"other")
CHANGED = Compared(True, b"changed", ((0.1, 0.2, 0.1, 0.02),), (b"near",))


@dataclass
class World:
    """``sheets``: the codes on each sheet that is put in; none: only ``code`` is shown. ``line``:
    how many pages the portal gives, or why none. ``looks``: how sheet n and issued page m compare;
    where nothing is said, n is m. ``stops``: the person stops the comparing. ``compared``: sheet
    and page, as they were looked at."""

    sheets: tuple[tuple[str, ...], ...] = ()
    code: str = ""
    line: int | str = 1
    looks: dict[tuple[int, int], Compared] = field(default_factory=dict)
    answers: list[Intent] = field(default_factory=lambda: [Next()])
    reader_broken: bool = False
    inspect_by: date | None = None
    stops: bool = False
    compared: list[tuple[int, int]] = field(default_factory=list)
    closed: bool = False
    views: list[View] = field(default_factory=list)
    journal: list[dict[str, Any]] = field(default_factory=list)

    # The session.

    @property
    def kiosk(self) -> Any:
        return SimpleNamespace(
            reader=SimpleNamespace(read=self.read),
            certifier=SimpleNamespace(verify_seal=self.verify_seal),
            link=SimpleNamespace(call=self.call),
            journal=SimpleNamespace(append=lambda what, **more: self.journal.append(more)),
        )

    def present(self, view: View) -> None:
        self.views.append(view)

    async def ask(self, view: View) -> Intent:
        self.present(view)
        return self.answers.pop(0)

    async def race(self, view: View, work: Callable[[], Any], *, machine: bool = False) -> Any:
        self.present(view)
        if machine and self.stops:
            return self.answers.pop(0)
        if isinstance(self.answers[0], Back):
            return self.answers.pop(0)
        return await work()

    @asynccontextmanager
    async def busy(self) -> AsyncGenerator[None]:
        yield

    # Reader, verifier, portal.

    async def read(self) -> str:
        if self.reader_broken:
            raise DeviceError(DeviceFault.READER_ABSENT)
        if not self.code:
            await asyncio.Event().wait()
        return self.code

    async def verify_seal(self, text: str, trust: bytes) -> CheckedSeal:
        assert trust == b"trust"
        return SEALS[text]

    async def call(self, verb: object, request: messages.IssuedPageRequest) -> Any:
        if verb is verbs.TRUST:
            return messages.TrustAnswer(bundle=b"trust", policy=b"")
        assert request.seal == SEAL
        if isinstance(self.line, str):
            raise KioskError(self.line)
        return messages.IssuedPageAnswer(
            pages=self.line, jpeg=b"%d" % request.page, inspect_by=self.inspect_by
        )

    # The child that sees the sheets.

    async def look(self, raster: Raster) -> Sheet:
        number = raster.width
        return Sheet(b"sheet", number, self.sheets[number - 1])

    async def compare(self, sheet: Sheet, issued: bytes, ignored: object) -> Compared:
        page = int(issued)
        self.compared.append((sheet.dpi, page))
        return self.looks.get((sheet.dpi, page), SAME if page == sheet.dpi else OTHER)

    async def close(self) -> None:
        self.closed = True

    async def first_sheet(self, _: object) -> tuple[Raster, AsyncGenerator[Raster]]:
        if not self.sheets:
            await asyncio.Event().wait()
        rasters = [Raster(Blob.of(b"\0"), n, 1, 1) for n in range(1, len(self.sheets) + 1)]

        async def rest() -> AsyncGenerator[Raster]:
            for raster in rasters[1:]:
                yield raster

        return rasters[0], rest()

    def walk(self, monkeypatch: pytest.MonkeyPatch) -> Outcome:
        monkeypatch.setattr(check_copy, "PaperExaminer", lambda: self)
        monkeypatch.setattr(check_copy, "first_sheet", self.first_sheet)
        return asyncio.run(check_copy.run(self))  # type: ignore[arg-type]

    @property
    def said(self) -> list[tuple[str, str]]:
        """Tone and title of each result."""
        found = [view for view in self.views if isinstance(view, CopyCheckedView)]
        for view in found:
            for language in LANGUAGES:
                assert resolve(view.lead, language)
        return [(view.tone, view.title.key) for view in found]


TWO = ((), (SEAL,))


@pytest.mark.parametrize(
    ("world", "said"),
    [
        (World(((SEAL,),)), ("ok", "check.same-title")),
        (World(TWO, line=2), ("ok", "check.same-title")),
        (World(((FOREIGN, SEAL),)), ("ok", "check.same-title")),  # the original has its own code
        (World(((SEAL,),), looks={(1, 1): CHANGED}), ("fault", "check.differs-title")),
        (World(((SEAL,),), looks={(1, 1): OTHER}), ("fault", "check.other-page-title")),
        (World(((SEAL,),), line=2), ("warn", "check.incomplete-title")),
        (World(((SEAL,),), line=Fault.LINK_OFFLINE), ("warn", "check.waits-title")),
        (World(((SEAL,),), line=Fault.LINK_NOT_FOUND), ("warn", "check.not-here-title")),
        (World(((SEAL,),), line=Fault.LINK_COPY_REVOKED), ("fault", "check.revoked-title")),
        (World(((SEAL,),), line=Fault.LINK_BUSY), ("warn", "check.unasked-title")),
        (World(((FORGED,),)), ("fault", "check.not-genuine-title")),
        (World(((FOREIGN, FORGED),)), ("fault", "check.not-genuine-title")),
        (World(code=SEAL), ("warn", "check.code-title")),
        (World(code=FORGED), ("fault", "check.not-genuine-title")),
        (World(((SEAL,),), reader_broken=True), ("ok", "check.same-title")),
    ],
)
def test_what_is_said(world: World, said: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.walk(monkeypatch) == NEXT
    assert world.said == [said]
    assert world.journal == [{"outcome": said[1]}]
    assert world.closed


def test_pages_in_another_order_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    swapped = {(1, 1): OTHER, (2, 2): OTHER, (1, 2): SAME, (2, 1): SAME}
    world = World(TWO, line=2, looks=swapped)
    world.walk(monkeypatch)
    assert world.said == [("ok", "check.same-title")]


def test_a_copy_that_no_officer_has_signed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(((SEAL,),), inspect_by=date(2026, 11, 27))
    world.walk(monkeypatch)
    view = world.views[-1]
    assert isinstance(view, CopyCheckedView)
    assert resolve(view.facts[-1].value, "vi") == "Chưa, hạn đến 27/11/2026"


def test_the_changed_page_is_shown_with_its_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(TWO, line=2, looks={(2, 2): CHANGED})
    world.walk(monkeypatch)
    view = world.views[-1]
    assert isinstance(view, CopyCheckedView)
    assert (view.picture, view.close_ups) == (b"changed", (b"near",))
    assert view.picture_title
    assert view.picture_title.arguments == {"number": 2}
    assert view.facts[-1].value.arguments["value"] == "000H-0000-01AZ"


def test_only_what_is_shown_is_counted_and_other_pages_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worse = Compared(True, b"worse", CHANGED.marks * 3)
    world = World((*TWO, ()), line=3, looks={(1, 1): CHANGED, (2, 2): worse})
    world.walk(monkeypatch)
    view = world.views[-1]
    assert isinstance(view, CopyCheckedView)
    assert len(view.marks) == 3
    said = resolve(view.lead, "en")
    assert "page 2 differs. Boxes to look at: 3. Pages that differ too: 1." in said


def test_the_first_strange_sheet_ends_the_comparing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World((*TWO, ()), line=2, looks={(1, 1): OTHER})
    world.walk(monkeypatch)
    assert world.said == [("fault", "check.other-page-title")]
    assert {sheet for sheet, _ in world.compared} == {1}


def test_comparing_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(((SEAL,),), stops=True, answers=[Next(), Back()])
    assert world.walk(monkeypatch) == BACK
    assert [*world.said, *world.journal, *world.compared] == []


def test_paper_without_a_code_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(((),), answers=[Next(), Back()])
    world.answers = [Choose("again"), Back()]
    rounds = iter([((),), ((SEAL,),)])

    async def first(_: object) -> Any:
        world.sheets = next(rounds)
        return await World.first_sheet(world, _)

    monkeypatch.setattr(check_copy, "PaperExaminer", lambda: world)
    monkeypatch.setattr(check_copy, "first_sheet", first)
    assert asyncio.run(check_copy.run(world)) == BACK  # type: ignore[arg-type]
    waiting = [v for v in world.views if isinstance(v, CheckCopyView) and v.state == "waiting"]
    assert [view.problem.key if view.problem else "" for view in waiting] == [
        "",
        "check.no-seal",
        "",
    ]
