"""What link gives its uploader: the line's budget, and connections that show when they hang."""

from __future__ import annotations

import socket

import pytest

from kiosk.link import messages, verbs
from kiosk.link.client import LinkClient
from kiosk.link.sessions import portal_session
from offline_queue.errors import Fault
from offline_queue.outbox import State
from offline_queue.pieces import UNSENT
from tests.kiosk.link.place import Place, run, until_ready
from tests.offline_queue.invented import locked_dossier


def test_the_hours_budget_is_the_one_of_the_settings(place: Place) -> None:
    link = place.settings.link.model_copy(update={"hourly_bytes": 1})
    place.settings = place.settings.model_copy(update={"link": link})

    async def story(client: LinkClient) -> None:
        await until_ready(client)
        outbox = place.outbox()
        dossier = locked_dossier(outbox)
        answer = await client.call(verbs.SUBMIT, messages.SubmitRequest(dossier_id=str(dossier)))
        assert answer.state == "unknown"
        assert outbox.get(dossier).state is State.UNKNOWN
        assert outbox.get(dossier).problem == Fault.BUDGET_SPENT
        outbox.close()

    run(place, story)
    assert not any("/parts/" in call and "HEAD" not in call for call in place.portal.calls)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_little_waits_in_the_kernel(scheme: str) -> None:
    """So a line that stands still shows within seconds, whatever the size of the piece."""
    adapter = portal_session(None).get_adapter(f"{scheme}://portal.example")
    options = adapter.poolmanager.connection_pool_kw["socket_options"]
    assert (socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT) in options
