"""Before anybody begins, they see whether an officer is there."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from kiosk import procedures
from kiosk.failures import Fault, KioskError
from kiosk.link import messages, verbs
from kiosk.session import NEXT, Record
from kiosk.settings import Settings
from kiosk.steps import choose_service
from kiosk.views import Choose, ChooseServiceView, View


class Session:
    def __init__(self, answer: bool | Exception | None) -> None:
        self.answer = answer
        self.offered = procedures.procedures()
        self.record = Record()
        self.progress: dict[str, Any] = {}
        self.kiosk = SimpleNamespace(
            settings=Settings(), link=self, journal=SimpleNamespace(append=lambda *_, **__: None)
        )
        self.shown: list[View] = []

    async def call(self, verb: Any, request: Any) -> messages.LinkStatus:
        assert verb is verbs.STATUS
        if isinstance(self.answer, Exception):
            raise self.answer
        return messages.LinkStatus(
            online=True, outbox_waiting=0, clock_trusted=True, attended=self.answer
        )

    async def ask(self, view: View) -> Choose:
        self.shown.append(view)
        return Choose("certified-copy")


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        (True, "office.attended"),
        (False, "office.away"),
        (None, None),
        (KioskError(Fault.LINK_OFFLINE), None),
    ],
)
def test_whether_an_officer_is_there_is_told_where_it_is_known(
    answer: bool | Exception | None, key: str | None
) -> None:
    session = Session(answer)
    assert asyncio.run(choose_service.run(session)) is NEXT  # type: ignore[arg-type]
    (view,) = session.shown
    assert isinstance(view, ChooseServiceView)
    assert (view.office.key if view.office else None) == key
    assert session.record.procedure is not None
