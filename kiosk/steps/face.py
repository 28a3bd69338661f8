"""Is it the same person? The camera's picture against the photo of the provider.

The camera is open only here, the template lives only in the child, and the child ends with the
step. Without a reference photo or a working camera the officer at the desk looks instead, if the
procedure is content with a claimed identity; the manifest then says that no face was matched.
"""

from __future__ import annotations

from contextlib import aclosing

from drivers.contract import DeviceError, Raster
from kiosk.failures import Fault, KioskError
from kiosk.identity.faces import DEFAULT_THRESHOLD, FaceMatcher
from kiosk.session import BACK, NEXT, Outcome, Session
from kiosk.steps import consent
from kiosk.views import FaceView, Intent, Text

_POINTS = ("camera", "purpose", "erased")
_FRAMES = 90


async def run(session: Session) -> Outcome:
    if session.record.grade == "vouched":  # an officer has looked already
        return NEXT if _is_enough(session) else await _not_enough(session)
    if session.identity.photo is not None and not await consent.asked(session, "face", _POINTS):
        return await _without_camera(session)
    while True:
        try:
            matched = await _match(session)
        except (DeviceError, KioskError) as error:
            session.record.face_mismatch |= error.code == Fault.FACE_MISMATCH
            answer = await session.tell(error, skippable=_officer_may_look(session))
            if answer == "retry":
                continue
            return NEXT if answer == "skip" else BACK
        if not matched:
            return BACK
        session.record.face_match = True
        session.record.grade = "proven" if session.identity.provable else "claimed"
        session.kiosk.journal.append("face-matched", dossier=str(session.dossier))
        return NEXT if _is_enough(session) else await _not_enough(session)


async def _match(session: Session) -> bool:
    """False when the person went back. The camera's failures and the face's are raised."""
    photo = session.identity.photo
    if photo is None:
        raise KioskError(Fault.FACE_NO_REFERENCE)
    matcher = session.kiosk.face_matcher(_threshold(session))
    try:
        session.present(_view(session))
        await matcher.load_reference(photo)
        result = await session.race(_view(session), lambda: _look(session, matcher), machine=True)
    finally:
        await matcher.forget()
    return not isinstance(result, Intent)


async def _without_camera(session: Session) -> Outcome:
    """Consent is free: who says no goes on to the officer, where the procedure allows that."""
    refusal = KioskError(Fault.FACE_REFUSED)
    answer = await session.tell(refusal, skippable=_officer_may_look(session))
    return NEXT if answer == "skip" else BACK


def _is_enough(session: Session) -> bool:
    order = ("claimed", "vouched", "proven")
    return order.index(session.record.grade) >= order.index(session.procedure.identity)


async def _not_enough(session: Session) -> Outcome:
    """The face is that of the photo, but nothing shows that the card is the one that was issued;
    or an officer's word is not what this procedure wants."""
    await session.tell(KioskError(Fault.IDENTITY_UNPROVEN))
    return BACK


def _officer_may_look(session: Session) -> bool:
    """A machine that cannot see must not stop anybody whom the officer at the desk sees anyway;
    a face that once did not match must, also when the camera is covered afterwards."""
    return session.procedure.identity == "claimed" and not session.record.face_mismatch


async def _look(session: Session, matcher: FaceMatcher) -> None:
    """Return when the face matched; raise FACE_MISMATCH or FACE_NONE after the last frame."""
    tried, mismatches = 0, 0
    async with aclosing(session.kiosk.camera.frames()) as frames:
        async for frame in frames:
            seen = await matcher.compare(frame)
            if seen.match:
                return
            if seen.luma is not None:
                await session.kiosk.camera.meter(seen.luma)
            mismatches += seen.distance is not None
            tried += 1
            if tried == _FRAMES or mismatches == session.kiosk.face_tries:
                break
            session.present(_view(session, seen.guidance, frame))
    raise KioskError(Fault.FACE_MISMATCH if mismatches else Fault.FACE_NONE, retryable=True)


def _threshold(session: Session) -> float:
    """The largest distance that counts as the same face; the portal's policy decides."""
    limits = session.policy.thresholds if session.policy else {}
    return limits.get("face-distance", DEFAULT_THRESHOLD)


def _view(session: Session, guidance: str = "look", preview: Raster | None = None) -> FaceView:
    return FaceView(
        guidance=Text(f"face.{guidance}"),
        preview=preview,
        **session.progress,
    )
