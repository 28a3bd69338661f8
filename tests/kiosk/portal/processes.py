"""Several portal processes on one storage, any of which may be killed.

They are forked from a server that has the portal's modules loaded, so that a start takes a
fraction of a second: dozens of kills fit into the suite.
"""

from __future__ import annotations

import multiprocessing
import os
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

import requests

from kiosk.portal.server import Server
from kiosk.portal.settings import PortalSettings
from tests.kiosk.portal.line import RunningPortal, TestDossier

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["kiosk.portal.server", "kiosk.portal.postgres", "kiosk.portal.s3"])
_START_SECONDS = 30


class PortalProcesses(RunningPortal):
    """``address`` is that of each living process in turn, as behind a load balancer."""

    def __init__(self, settings: PortalSettings, number: int = 2) -> None:
        self.settings = settings
        self._turn = count()
        self._running: list[tuple[str, ForkServerProcess]] = [self._new() for _ in range(number)]

    def _new(self) -> tuple[str, ForkServerProcess]:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        environment = {key: os.environ[key] for key in os.environ if key.startswith("AWS_")}
        process = _context.Process(
            target=_serve, args=(self.settings, environment, theirs), daemon=True
        )
        process.start()
        theirs.close()
        with ours:
            assert ours.poll(_START_SECONDS)
            return str(ours.recv()), process

    @property
    def address(self) -> str:
        return self.addresses[next(self._turn) % len(self._running)]

    @property
    def addresses(self) -> list[str]:
        return [address for address, _ in self._running]

    def kill(self, number: int) -> None:
        """As a power cut: it gets no chance to tidy up. A new one takes its place."""
        _end(self._running[number][1])
        self._running[number] = self._new()

    def stop(self) -> None:
        for _, process in self._running:
            _end(process)


def _serve(settings: PortalSettings, environment: dict[str, str], ready: Connection) -> None:
    os.environ.update(environment)
    server = Server(settings, port=0)
    with ready:
        ready.send(server.address)
    server.serve()


def _end(process: ForkServerProcess) -> None:
    process.kill()
    process.join()
    process.close()


_CUT = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,  # killed between the head of an answer and its body
)


def deliver(dossier: TestDossier, attempts: int = 500) -> str:
    """Send it as link does, again after each answer that does not come; the receipt's text."""
    for _ in range(attempts):
        try:
            steps = [dossier.put, *(lambda n=n: dossier.send_part(n) for n in dossier.parts)]
            answers = [step() for step in steps]
            answers.append(dossier.commit())
        except _CUT:
            continue
        told = [answer.status_code for answer in answers]
        if all(status < 300 for status in told):
            return answers[-1].text
        # What a failed attempt may leave behind: try again later, or parts are missing for that.
        assert set(told) <= {200, 201, 503, 409}, [answer.text for answer in answers]
    raise AssertionError("never accepted")
