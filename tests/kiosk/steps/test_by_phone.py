"""By the phone: where the reader does not work the camera is offered, and its codes go the same
way; a citizen card shown instead is recognised."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.contract import DeviceError, Fault, Health, Raster, Status
from drivers.wire import Blob
from kiosk.failures import Fault as KioskFault
from kiosk.failures import KioskError
from kiosk.identity.card_qr import ClaimedIdentity
from kiosk.sandbox.people import PERSON
from kiosk.steps import by_phone
from kiosk.views import Choose, IdentifyView

FRAME = Raster(Blob.of(b"\0"), 1, 1, 1)


class Session:
    """What the step asks of a session. ``reader``: what each read() comes to; ``answers``: to what
    is told; ``held``: codes held before the camera, one a look."""

    def __init__(
        self,
        *reader: str | DeviceError | Choose,
        answers: tuple[str, ...] = (),
        held: tuple[str | DeviceError, ...] = (),
        camera: Health = Health.READY,
        refused: tuple[str, ...] = (),
    ) -> None:
        self.progress: dict[str, Any] = {}
        self.views: list[IdentifyView] = []
        self.told: list[tuple[str, str, str]] = []
        self.passed_over: list[str] = []
        self._reader, self._answers, self._held = list(reader), list(answers), list(held)
        self._refused = refused
        status = Status(camera, time.monotonic())
        self.kiosk = SimpleNamespace(
            reader=SimpleNamespace(read=self._read),
            camera=SimpleNamespace(status=lambda: status),
            link=SimpleNamespace(call=self._exchange),
        )

    async def race(self, view: IdentifyView, work: Callable[[], Any]) -> Any:
        self.present(view)
        return await work()

    def present(self, view: IdentifyView) -> None:
        self.views.append(view)

    async def tell(self, error: DeviceError, *, todo: str, instead: str = "") -> str:
        self.told.append((error.code, instead, todo))
        return self._answers.pop(0)

    @asynccontextmanager
    async def busy(self) -> AsyncGenerator[None]:
        yield

    async def look(self, _: Any, show: Callable[[Raster], None], *, but: str) -> str | Choose:
        self.passed_over.append(but)
        show(FRAME)
        return _come(self._held.pop(0))

    async def _read(self) -> str | Choose:
        return _come(self._reader.pop(0))

    async def _exchange(self, verb: object, request: Any) -> str:
        if request.payload in self._refused:
            raise KioskError(KioskFault.IDENTITY_EXPIRED)
        return str(request.payload)


def _come(what: str | DeviceError | Choose) -> str | Choose:
    if isinstance(what, DeviceError):
        raise what
    return what


def walk(session: Session, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(by_phone, "read_code", session.look)
    return asyncio.run(by_phone.run(session, others=True))  # type: ignore[arg-type]


ABSENT = DeviceError(Fault.READER_ABSENT)


def test_the_camera_takes_over_when_the_person_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(ABSENT, answers=("camera",), held=("vneid:1",))
    assert walk(session, monkeypatch) == "vneid:1"
    assert session.told == [(Fault.READER_ABSENT, "camera", "identify.or-camera")]
    shown = [(view.place, view.state, view.preview is not None) for view in session.views]
    assert shown == [
        ("reader", "waiting", False),
        ("camera", "waiting", False),
        ("camera", "waiting", True),
        ("camera", "checking", False),
    ]


def test_a_refused_code_is_passed_over_while_another_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = Session(ABSENT, answers=("camera",), held=("old", "new"), refused=("old",))
    assert walk(session, monkeypatch) == "new"
    assert session.passed_over == ["", "old"]
    assert session.views[-2].problem is not None


def test_trying_again_is_at_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(ABSENT, "vneid:2", answers=("retry",))
    assert walk(session, monkeypatch) == "vneid:2"
    assert {view.place for view in session.views} == {"reader"}


def test_going_back_is_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    assert walk(Session(ABSENT, answers=("back",)), monkeypatch) == "back"


def test_without_a_camera_none_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(ABSENT, camera=Health.ABSENT)
    with pytest.raises(DeviceError) as caught:
        walk(session, monkeypatch)
    assert (caught.value.code, session.told) == (Fault.READER_ABSENT, [])


def test_a_camera_that_fails_too_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = DeviceError(Fault.CAMERA_STOPPED)
    session = Session(ABSENT, "vneid:3", answers=("camera", "retry"), held=(stopped,))
    assert walk(session, monkeypatch) == "vneid:3"
    assert session.told[1] == (Fault.CAMERA_STOPPED, "", "identify.camera-failed")
    assert session.views[-1].place == "reader"


def test_another_way_is_one_touch_away(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(Choose("other"))
    assert walk(session, monkeypatch) == "other"
    assert session.views[0].others


def test_a_citizen_card_shown_instead_is_taken_for_what_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claim = walk(Session(PERSON.card_payload), monkeypatch)
    assert isinstance(claim, ClaimedIdentity)
    assert claim.number == PERSON.number
