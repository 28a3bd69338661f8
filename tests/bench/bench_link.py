"""Link: from the start of the process to its first answer, and how long a stop takes."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.link import messages, verbs
from kiosk.link.client import LinkClient
from tests.bench.measure import Row

if TYPE_CHECKING:
    from tests.kiosk.link.office import Office

ROUNDS = 5


def run() -> list[Row]:
    from tests.kiosk.link import test_killed as killed
    from tests.kiosk.link.office import opened

    with opened() as office:
        with killed.link_process(office):
            killed.until_enrolled(office)
        starts, stops, answers = [], [], []
        for _ in range(ROUNDS):
            with killed.link_process(office) as process:
                starts.append(killed.until_it_answers(office))
                answers.append(_status_seconds(office.settings.link.socket))
                stops.append(_stop(process))
        hanging = _stop_with_a_hung_upload(office)
    return [
        Row("start to first answer", sorted(starts)[ROUNDS // 2], "s", f"worst {max(starts):.2f}"),
        Row("status, over the socket", 1000 * min(answers), "ms"),
        Row("stop, idle", sorted(stops)[ROUNDS // 2], "s"),
        Row("stop, an upload hangs", hanging, "s"),
    ]


def _status_seconds(socket: Path) -> float:
    async def ask() -> float:
        client = LinkClient(socket)
        began = time.perf_counter()
        for _ in range(20):
            await client.call(verbs.STATUS, messages.Empty())
        return (time.perf_counter() - began) / 20

    return asyncio.run(ask())


def _stop_with_a_hung_upload(office: Office) -> float:
    from tests.kiosk.link import test_killed as killed

    with killed.link_process(office) as process:
        killed.until_it_answers(office)
        office.line.set("silent")
        killed.until_something_moved(office, [office.lock()])
        return _stop(process)


def _stop(process: object) -> float:
    assert isinstance(process, subprocess.Popen)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait()
    return time.monotonic() - began
