"""The other way round: the kiosk shows a code, the phone scans it and its owner agrees there."""

from __future__ import annotations

from functools import partial

from kiosk.failures import Fault, KioskError
from kiosk.identity import providers
from kiosk.link import messages, verbs
from kiosk.session import Session
from kiosk.views import Intent, ShowCodeView, Text

_CODES = 3  # one after the other, before somebody is asked whether to go on


def possible(session: Session) -> bool:
    """Where the provider offers it. ``identity.profile`` was checked when link started."""
    settings = session.kiosk.settings.identity
    return bool(settings.issuer) and providers.profile(settings.profile).screen_code


async def run(session: Session) -> messages.Identity | str:
    """The person who agreed, or "other" (another way).

    Raises KioskError: IDENTITY_EXPIRED after some codes, IDENTITY_DENIED and the others of link.
    """
    problem: Text | None = None
    for left in reversed(range(_CODES)):
        begun = await session.kiosk.link.call(verbs.SHOW_CODE, messages.Empty())
        view = ShowCodeView(
            code=begun.code, compare=begun.user_code, problem=problem, **session.progress
        )
        try:
            agreed = await session.race(view, partial(_agreed, session, begun.handle))
        except KioskError as error:
            if error.code != Fault.IDENTITY_EXPIRED or not left:
                raise
            problem = Text("screen.new-code")
            continue
        return "other" if isinstance(agreed, Intent) else agreed
    raise AssertionError("the last code returns or raises")


async def _agreed(session: Session, handle: str) -> messages.Identity:
    while True:
        request = messages.ScreenCodeRequest(handle=handle)
        state = await session.kiosk.link.call(verbs.WAIT_CODE, request)
        if state.identity is not None:
            return state.identity
