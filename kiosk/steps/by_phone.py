"""The phone's VNeID code is read, and link asks the provider whose it is.

Where the code reader does not work, the screen says so and offers the camera instead. A citizen
card shown in the phone's place is taken for what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from drivers.camera_codes import read_code
from drivers.contract import DeviceError, Health, Raster
from drivers.contract import Fault as DeviceFault
from kiosk.failures import Fault, KioskError, failure_of
from kiosk.identity import card_qr
from kiosk.identity.card_qr import ClaimedIdentity
from kiosk.link import messages, verbs
from kiosk.session import Session
from kiosk.views import Choose, IdentifyView, Intent, Text

_ANOTHER_CODE_HELPS = {
    DeviceFault.READER_GARBLED,
    Fault.IDENTITY_AUDIENCE,
    Fault.IDENTITY_EXPIRED,
    Fault.IDENTITY_REFUSED,
    Fault.IDENTITY_REPLAYED,
    Fault.IDENTITY_UNREADABLE,
}
"""Told on the spot; anything else is a fault screen."""

_Wait = Callable[[Session, Text | None, str, bool], Coroutine[Any, Any, Intent | str]]
"""Given what is wrong with the last code, that code, and whether there are other ways: the next
code, or what the person did."""


async def run(session: Session, *, others: bool) -> messages.Identity | ClaimedIdentity | str:
    """The person; what a card claims that was shown instead; "back" or "other" (another way).

    ``others``: whether there is another way. Raises DeviceError and KioskError, LINK_OFFLINE among
    them.
    """
    wait: _Wait = _at_reader
    problem: Text | None = None
    code: Intent | str = ""
    while True:
        try:
            code = await wait(session, problem, str(code), others)
            if isinstance(code, Intent):
                return "other" if code == Choose("other") else "back"
            if claim := card_qr.recognised(code):
                return claim
            return await _exchange(session, code, _PLACES[wait])
        except (DeviceError, KioskError) as error:
            if error.code in _ANOTHER_CODE_HELPS:
                problem = Text(failure_of(error).happened)
                continue
            answer = await _told(session, error, by_camera=wait is _before_camera)
            if answer not in ("retry", "camera"):
                return "back"
            wait, problem = (_before_camera if answer == "camera" else _at_reader), None


async def _told(session: Session, error: DeviceError | KioskError, *, by_camera: bool) -> str:
    """What the person wants to do about a reader or camera that fails; other errors are raised."""
    if by_camera and error.code.startswith("device.camera."):
        return await session.tell(error, todo="identify.camera-failed")
    there = session.kiosk.camera.status().health is not Health.ABSENT
    if not by_camera and there and error.code.startswith("device.reader."):
        return await session.tell(error, instead="camera", todo="identify.or-camera")
    raise error


async def _at_reader(session: Session, problem: Text | None, _: str, others: bool) -> Intent | str:
    view = IdentifyView(
        state="retry" if problem else "waiting",
        problem=problem,
        others=others,
        **session.progress,
    )
    return await session.race(view, session.kiosk.reader.read)


async def _before_camera(
    session: Session, problem: Text | None, last: str, others: bool
) -> Intent | str:
    """The camera is on because the person asked for it, and only until a code is read. Nothing but
    the code is taken from its pictures."""
    view = IdentifyView(
        state="retry" if problem else "waiting",
        problem=problem,
        place="camera",
        others=others,
        **session.progress,
    )

    def show(frame: Raster) -> None:
        session.present(replace(view, preview=frame))

    return await session.race(view, lambda: read_code(session.kiosk.camera, show, but=last))


async def _exchange(session: Session, code: str, place: str) -> messages.Identity:
    session.present(IdentifyView(state="checking", place=place, **session.progress))
    async with session.busy():
        request = messages.IdentifyRequest(payload=code)
        return await session.kiosk.link.call(verbs.IDENTIFY, request)


_PLACES: dict[_Wait, str] = {_at_reader: "reader", _before_camera: "camera"}
