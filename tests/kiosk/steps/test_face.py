"""What a face makes of a person: proven only when the photo's source can prove, and never without
a match. A relayed or photographed code of somebody else ends here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from datetime import date
from types import SimpleNamespace
from typing import Any, Literal
from uuid import UUID

import pytest

from drivers.contract import DeviceError, Raster
from drivers.contract import Fault as DeviceFault
from drivers.wire import Blob
from kiosk.failures import Fault, KioskError
from kiosk.identity.faces import FaceResult
from kiosk.link.messages import Identity
from kiosk.session import BACK, NEXT, Outcome, Record
from kiosk.steps import face
from kiosk.views import Back, ConsentView, Intent, Next, View

FRAME = Raster(Blob.of(b"\0"), 1, 1, 1)
PERSON = Identity(
    full_name="Trần Thị Mẫu",
    citizen_number="001192000000",
    birth_date=date(1992, 3, 14),
    level=2,
    photo=b"\xff\xd8\xff",
)
CHIP = PERSON.model_copy(update={"method": "chip", "level": 0})
CHIP_WITHOUT_CLONE_CHECK = CHIP.model_copy(update={"provable": False})
PRINTED_CODE = PERSON.model_copy(update={"method": "card-qr", "photo": None, "provable": False})


class Matcher:
    def __init__(self, match: bool) -> None:
        self._match = match
        self.forgotten = False

    async def load_reference(self, photo: bytes) -> None:
        pass

    async def compare(self, frame: Raster) -> FaceResult:
        return FaceResult(True, 0.2 if self._match else 0.8, self._match, "ok")

    async def forget(self) -> None:
        self.forgotten = True


class Session:
    """``same``: whether the person before the camera is the one on the photo."""

    def __init__(
        self,
        identity: Identity,
        *,
        same: bool,
        enough: Literal["claimed", "proven"] = "proven",
        answers: tuple[str, ...] = (),
        agrees: bool = True,
    ) -> None:
        self.progress: dict[str, Any] = {}
        self.policy = None
        self.procedure = SimpleNamespace(identity=enough)
        self.identity, self.dossier = identity, UUID(int=1)
        self.record = Record(identity=identity)
        self.told: list[tuple[str, bool]] = []
        self.matcher = Matcher(same)
        self._answers, self._agrees = list(answers), agrees
        self.kiosk = SimpleNamespace(
            settings=SimpleNamespace(site=SimpleNamespace(agency_name="")),
            journal=SimpleNamespace(append=lambda *_, **__: None),
            face_matcher=lambda _: self.matcher,
            face_tries=3,
            camera=SimpleNamespace(frames=self._frames),
        )

    def present(self, view: View) -> None:
        pass

    async def ask(self, view: View) -> Intent:
        assert isinstance(view, ConsentView)
        return Next() if self._agrees else Back()

    async def race(
        self, view: View, work: Callable[[], Coroutine[Any, Any, Any]], *, machine: bool = False
    ) -> Any:
        return await work()

    async def tell(self, error: Exception, *, skippable: bool = False) -> str:
        assert isinstance(error, DeviceError | KioskError)
        self.told.append((error.code, skippable))
        return self._answers.pop(0) if self._answers else "back"

    async def _frames(self) -> AsyncGenerator[Raster]:
        while True:
            yield FRAME


def walk(session: Session) -> Outcome:
    return asyncio.run(face.run(session))  # type: ignore[arg-type]


@pytest.mark.parametrize("identity", [PERSON, CHIP], ids=["vneid", "chip"])
def test_the_person_of_the_photo_is_proven(identity: Identity) -> None:
    session = Session(identity, same=True)
    assert walk(session) is NEXT
    assert (session.record.grade, session.record.face_match) == ("proven", True)
    assert session.matcher.forgotten


@pytest.mark.parametrize("identity", [PERSON, CHIP], ids=["relayed or photographed code", "card"])
@pytest.mark.parametrize("enough", ["claimed", "proven"])
def test_somebody_else_with_a_true_code_or_card_is_stopped(
    identity: Identity, enough: Literal["claimed", "proven"]
) -> None:
    """The code was valid, fresh and of level 2; it is only not this person's."""
    session = Session(identity, same=False, enough=enough)
    assert walk(session) is BACK
    assert session.told == [(Fault.FACE_MISMATCH, False)]
    assert (session.record.grade, session.record.face_match) == ("claimed", False)


def test_covering_the_camera_afterwards_does_not_help() -> None:
    session = Session(PERSON, same=False, enough="claimed", answers=("retry",))

    async def broken() -> AsyncGenerator[Raster]:
        raise DeviceError(DeviceFault.CAMERA_STOPPED)
        yield FRAME

    frames = iter((session.kiosk.camera.frames, broken))
    session.kiosk.camera.frames = lambda: next(frames)()
    assert walk(session) is BACK
    assert session.told == [(Fault.FACE_MISMATCH, False), (DeviceFault.CAMERA_STOPPED, False)]


def test_a_chip_without_clone_check_is_never_proven_by_a_face() -> None:
    session = Session(CHIP_WITHOUT_CLONE_CHECK, same=True, enough="claimed")
    assert walk(session) is NEXT
    assert (session.record.grade, session.record.face_match) == ("claimed", True)
    strict = Session(CHIP_WITHOUT_CLONE_CHECK, same=True)
    assert walk(strict) is BACK
    assert strict.told == [(Fault.IDENTITY_UNPROVEN, False)]


def test_a_printed_code_stays_a_claim_and_is_skipped_only_where_that_is_enough() -> None:
    session = Session(PRINTED_CODE, same=True, enough="claimed", answers=("skip",))
    assert walk(session) is NEXT
    assert session.record.grade == "claimed"
    strict = Session(PRINTED_CODE, same=True)
    assert walk(strict) is BACK
    assert strict.told == [(Fault.FACE_NO_REFERENCE, False)]


def test_who_refuses_the_camera_is_not_proven() -> None:
    session = Session(PERSON, same=True, enough="claimed", answers=("skip",), agrees=False)
    assert walk(session) is NEXT
    assert session.told == [(Fault.FACE_REFUSED, True)]
    assert session.record.grade == "claimed"
