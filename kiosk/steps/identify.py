"""Who is it? The phone's VNeID code is read, and link asks the provider whose it is.

Where the code reader does not work, the screen says so and offers the camera instead.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import uuid_utils.compat as uuid_utils

from drivers.camera_codes import read_code
from drivers.contract import DeviceError, Health, Raster
from drivers.contract import Fault as DeviceFault
from kiosk.failures import Fault, KioskError, failure_of
from kiosk.link import verbs
from kiosk.session import BACK, NEXT, Outcome, Record, Session, discard
from kiosk.views import IdentifyView, Intent, Text

_ANOTHER_CODE_HELPS = {
    DeviceFault.READER_GARBLED,
    Fault.IDENTITY_EXPIRED,
    Fault.IDENTITY_REFUSED,
    Fault.IDENTITY_UNREADABLE,
}
"""Told on the spot; anything else is a fault screen."""

_Wait = Callable[[Session, Text | None, str], Coroutine[Any, Any, Intent | str]]
"""Given what is wrong with the last code, and that code: the next one, or what the person did."""


async def run(session: Session) -> Outcome:
    wait: _Wait = _at_reader
    problem: Text | None = None
    code: Intent | str = ""
    while True:
        try:
            code = await wait(session, problem, str(code))
            if isinstance(code, Intent):
                return BACK
            place = "camera" if wait is _before_camera else "reader"
            identity = await _exchange(session, code, place)
        except (DeviceError, KioskError) as error:
            if error.code in _ANOTHER_CODE_HELPS:
                problem = Text(failure_of(error).happened)
                continue
            answer = await _told(session, error, by_camera=wait is _before_camera)
            if answer not in ("retry", "camera"):
                return BACK
            wait, problem = (_before_camera if answer == "camera" else _at_reader), None
            continue
        _open_draft(session, identity)
        return NEXT


async def _told(session: Session, error: DeviceError | KioskError, *, by_camera: bool) -> str:
    """What the person wants to do about a reader or camera that fails; other errors are raised."""
    if by_camera and error.code.startswith("device.camera."):
        return await session.tell(error, todo="identify.camera-failed")
    there = session.kiosk.camera.status().health is not Health.ABSENT
    if not by_camera and there and error.code.startswith("device.reader."):
        return await session.tell(error, instead="camera", todo="identify.or-camera")
    raise error


async def _at_reader(session: Session, problem: Text | None, _: str) -> Intent | str:
    view = IdentifyView(
        state="retry" if problem else "waiting", problem=problem, **session.progress
    )
    return await session.race(view, session.kiosk.reader.read)


async def _before_camera(session: Session, problem: Text | None, last: str) -> Intent | str:
    """The camera is on because the person asked for it, and only until a code is read. Nothing but
    the code is taken from its pictures."""
    view = IdentifyView(
        state="retry" if problem else "waiting",
        problem=problem,
        place="camera",
        **session.progress,
    )

    def show(frame: Raster) -> None:
        session.present(replace(view, preview=frame))

    return await session.race(view, lambda: read_code(session.kiosk.camera, show, but=last))


async def _exchange(session: Session, code: str, place: str) -> verbs.Identity:
    session.present(IdentifyView(state="checking", place=place, **session.progress))
    async with session.busy():
        request = verbs.IdentifyRequest(payload=code)
        return await session.kiosk.link.call(verbs.IDENTIFY, request)


def _open_draft(session: Session, identity: verbs.Identity) -> None:
    """A new person means a new record: nothing of an earlier one may come along."""
    if session.record.dossier:
        discard(session.kiosk, session.record.dossier, why="identified-again")
    session.record = record = Record(procedure=session.procedure, identity=identity)
    record.dossier = uuid_utils.uuid7()
    session.kiosk.outbox.new_draft(record.dossier, session.procedure.id)
    session.kiosk.journal.append("identified", dossier=str(record.dossier), method="vneid")
