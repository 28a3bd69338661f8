"""Resumable uploads by the tus protocol, version 1.0.0 (https://tus.io/protocols/resumable-upload).

Core protocol and the extension *creation-with-upload*. Written for lines that are slow, cut often
and lie: an answer counts only with ``Tus-Resumable``, which no captive page or proxy sends; after
any trouble the server's own offset is where to go on, even when it has gone back; and while a
piece gets no acknowledgement, a HEAD on a second connection finds out whether the line is slow
or dead.
"""

from __future__ import annotations

import base64
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from offline_queue.backoff import Backoff
from offline_queue.clock import utc_now
from offline_queue.errors import Fault, QueueError
from offline_queue.pacing import SMALLEST, HourlyBudget, Pace
from offline_queue.pieces import UNSENT, Answer, Body, Call, asked_to_wait, json_field, short_body

VERSION = "1.0.0"
PIECE_TYPE = "application/offset+octet-stream"
MOST_SETBACKS = 5
_MOST_DIGITS = 18
LONGEST_WITHIN = 10.0
"""Seconds. Longer waits are the caller's, who has other things to send."""

log = logging.getLogger(__name__)

SignHeaders = Callable[[str, str, int | None], Mapping[str, str]]
"""(method, address, offset of the piece or None) -> headers that prove who is asking."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds. ``stall``: that nothing moves before the line is probed;
    ``probe``: for an answer to a request without a piece, ``read``: with one; ``give_up``: without
    any progress before the caller gets to know; ``pause``: before the first new attempt, more
    later."""

    connect: float = 10.0
    read: float = 60.0
    stall: float = 2.0
    probe: float = 8.0
    give_up: float = 60.0
    pause: float = 0.5


class _LostError(Exception):
    """No answer, or none that a tus server gives."""

    def __init__(
        self, detail: str, *, wait: float | None = None, stands: int | None = None
    ) -> None:
        """``wait``: as the server asked; ``stands``: the offset that a probe has found."""
        super().__init__(detail)
        self.wait = wait
        self.stands = stands


class _GoneError(Exception):
    """The server does not know this upload (any more)."""


@dataclass
class Client:
    """Everything that uploads share: connections, pace, budget. One upload at a time.

    ``sessions`` opens a session of its own for each connection; ``stop`` ends a wait and, between
    two pieces, the upload.
    """

    sessions: Callable[[], requests.Session]
    headers: SignHeaders = lambda _method, _url, _offset: {}
    limits: Limits = Limits()
    pace: Pace = field(default_factory=Pace)
    budget: HourlyBudget = field(default_factory=HourlyBudget)
    rng: random.Random = field(default_factory=random.Random)
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], datetime] = utc_now
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.main, self.second = self.sessions(), self.sessions()

    def close(self) -> None:
        self.main.close()
        self.second.close()

    def upload(
        self,
        create: str,
        data: bytes,
        *,
        location: str | None = None,
        resume: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Send ``data``; returns the upload's address once the server has acknowledged all.

        ``create``: where uploads are created. ``location``: the upload's address, where it is
        known beforehand; with ``resume`` the server is asked first how much it has.
        Raises QueueError: UNREACHABLE or BUDGET_SPENT (retryable), or REJECTED with the code of
        the server's problem+json.
        """
        upload = _Upload(self, create, data, location, metadata or {})
        return upload.run(resume and location is not None)

    def renew(self) -> None:
        """The main connection hangs: what the second one has opened takes its place."""
        hanging, self.main, self.second = self.main, self.second, self.sessions()
        hanging.close()

    def renew_second(self) -> None:
        self.second.close()
        self.second = self.sessions()


class _Upload:
    def __init__(
        self,
        client: Client,
        create: str,
        data: bytes,
        location: str | None,
        metadata: Mapping[str, str],
    ) -> None:
        self._client = client
        self._create_at = create
        self._data = data
        self._url = location
        self._metadata = metadata
        self._next: Callable[[], int] = self._create
        self._offset = -1
        self._lost = False
        self._setbacks = 0
        self._backoff = Backoff(client.limits.pause, LONGEST_WITHIN, client.rng)
        self._give_up_at = 0.0

    def run(self, resume: bool) -> str:
        self._next = self._ask if resume else self._create
        self._progress()
        while self._offset < len(self._data):
            if self._client.stop.is_set():
                raise _unreachable("told to stop")
            try:
                self._acknowledged(self._next())
            except _LostError as lost:
                self._resume(lost)
            except _GoneError:
                self._begin_anew()
        assert self._url is not None
        return self._url

    def _resume(self, lost: _LostError) -> None:
        log.info("upload interrupted at %d: %s", max(0, self._offset), lost)
        self._next = self._ask if self._url else self._create
        self._lost = True
        if lost.stands is None:
            self._wait(lost)
        else:
            self._acknowledged(lost.stands)

    def _acknowledged(self, offset: int) -> None:
        """The server's word, also when it has less than before: a 204 need not survive a power
        cut at the server."""
        if offset == self._offset:
            self._stood_still()
        else:
            if offset < self._offset:
                self._setback("the server went back")
            self._progress()
        self._lost = False
        self._offset = offset
        self._next = self._piece

    def _stood_still(self) -> None:
        if not self._lost:
            self._setback("the server took nothing")
        self._client.pace.lost()  # nothing is kept of a piece that is cut: better a shorter one
        if self._client.clock() > self._give_up_at:
            raise _unreachable("no progress")

    def _begin_anew(self) -> None:
        self._setback("the upload is gone")
        self._next = self._create

    def _setback(self, detail: str) -> None:
        self._setbacks += 1
        if self._setbacks > MOST_SETBACKS:
            raise _unreachable(f"{detail}, again and again")

    def _progress(self) -> None:
        self._give_up_at = self._client.clock() + self._client.limits.give_up
        self._backoff.succeeded()

    def _wait(self, lost: _LostError) -> None:
        pause = max(self._backoff.failed(), lost.wait or 0.0)
        late = self._client.clock() + pause > self._give_up_at
        if late or pause > LONGEST_WITHIN:
            raise _unreachable(str(lost), lost.wait) from None
        if self._client.stop.wait(pause):
            raise _unreachable("told to stop")

    # -- the requests ------------------------------------------------------------------------

    def _create(self) -> int:
        """With the first piece where the upload's address is known: without it a piece that gets
        no answer could not be asked for."""
        size = str(len(self._data))
        headers = {"Upload-Length": size, **_metadata_header(self._metadata)}
        if self._url is None:
            answer = self._plain("POST", self._create_at, headers)
        else:
            answer = self._watched("POST", self._create_at, self._take(0), headers)
        self._url = self._location(answer)
        return self._told(answer) if "Upload-Offset" in answer.headers else 0

    def _ask(self) -> int:
        assert self._url is not None
        return self._told(self._plain("HEAD", self._url, {}))

    def _piece(self) -> int:
        assert self._url is not None
        started = self._client.clock()
        body = self._take(self._offset)
        answer = self._watched("PATCH", self._url, body, {"Upload-Offset": str(self._offset)})
        told = self._told(answer)
        if told > self._offset:
            self._client.pace.acknowledged(told - self._offset, self._client.clock() - started)
        return told

    def _take(self, offset: int) -> Body:
        wanted = min(self._client.pace.size, len(self._data) - offset)
        size = self._client.budget.allows(wanted)
        if size < min(wanted, SMALLEST):
            wait = self._client.budget.wait(wanted)
            raise QueueError(Fault.BUDGET_SPENT, retryable=True, retry_after=wait)
        return Body(memoryview(self._data)[offset : offset + size])

    def _watched(self, method: str, url: str, body: Body, headers: dict[str, str]) -> Answer:
        """The answer to a request with a piece in it, with an eye on whether it arrives."""
        offset = max(0, self._offset)
        headers = {"Content-Type": PIECE_TYPE, **headers}
        session, timeouts = self._client.main, self._client.limits
        call = Call(lambda: self._request(session, method, url, headers, body, timeouts.read), body)
        try:
            self._until_done(call, offset)
            answer = call.answer()
        finally:
            self._client.budget.spend(body.taken)
        return self._checked(answer)

    def _until_done(self, call: Call, seen: int) -> None:
        """Wait while something moves: bytes leave for the network, or a probe finds more there."""
        clock, stall = self._client.clock, self._client.limits.stall
        taken, still_since, patience = 0, clock(), self._client.pace.expected(UNSENT)
        self._client.renew_second()  # what has been idle may hang as well
        while not call.done.wait(stall / 4):
            if self._client.stop.is_set():
                self._leave(call, None)
            if call.body.taken != taken:
                taken, still_since = call.body.taken, clock()
                continue
            if clock() - still_since < stall + patience:
                continue
            offset = self._probe()
            if call.done.is_set():
                return
            if offset is None or offset <= seen:
                self._leave(call, offset)
            log.info("slow: %d of %d bytes have arrived", offset, len(self._data))
            seen, still_since, patience = offset, clock(), 0.0
            self._progress()

    def _leave(self, call: Call, stands: int | None) -> NoReturn:
        call.abandon()
        self._client.renew()
        raise _LostError("stalled", stands=stands)

    def _probe(self) -> int | None:
        """By the second connection. None: no answer, or not one that helps."""
        if self._url is None:
            return None
        try:
            return self._told(self._plain("HEAD", self._url, {}, self._client.second))
        except (_LostError, _GoneError, QueueError):
            return None

    def _plain(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        session: requests.Session | None = None,
    ) -> Answer:
        """The answer to a request without a piece."""
        session, seconds = session or self._client.main, self._client.limits.probe
        return self._checked(self._request(session, method, url, headers, None, seconds))

    def _request(
        self,
        session: requests.Session,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Body | None,
        read_seconds: float,
    ) -> Answer:
        offset = int(headers.get("Upload-Offset", 0)) if body is not None else None
        signed = self._client.headers(method, url, offset)
        try:
            with session.request(
                method,
                url,
                data=body,  # read() and a length are what it takes
                headers={"Tus-Resumable": VERSION, **signed, **headers},
                timeout=(self._client.limits.connect, read_seconds),
                allow_redirects=False,
                stream=True,
            ) as answer:
                return Answer(method, answer.status_code, answer.headers, short_body(answer))
        except (requests.RequestException, HTTPError) as error:
            raise _LostError(type(error).__name__) from None

    # -- the answers -------------------------------------------------------------------------

    def _checked(self, answer: Answer) -> Answer:
        """An answer of success. Raises _LostError, _GoneError, QueueError (REJECTED)."""
        status = answer.status
        if status in (429, 503) or status >= 500:
            wait = asked_to_wait(answer.headers, self._client.wall)
            raise _LostError(f"HTTP {status}", wait=wait)
        if answer.headers.get("Tus-Resumable") != VERSION:
            raise _LostError(f"HTTP {status}, not of a tus server")
        if 200 <= status < 300:
            return answer
        if status in (404, 410) and self._url is not None and answer.method != "POST":
            raise _GoneError
        if status in (409, 423):  # another offset than we thought; an older piece still arriving
            raise _LostError(f"HTTP {status}")
        if code := _problem_code(answer):
            raise QueueError(Fault.REJECTED, code)
        raise _LostError(f"HTTP {status}")

    def _told(self, answer: Answer) -> int:
        text = answer.headers.get("Upload-Offset", "")
        if not text.isdecimal() or len(text) > _MOST_DIGITS or int(text) > len(self._data):
            raise _LostError("an impossible Upload-Offset")
        return int(text)

    def _location(self, answer: Answer) -> str:
        """Never another server: who asks for proof of identity there is nobody we know."""
        url = urljoin(self._create_at, answer.headers.get("Location", ""))
        if answer.status != 201 or urlsplit(url)[:2] != urlsplit(self._create_at)[:2]:
            raise _LostError("nothing was created")
        return url


def _metadata_header(metadata: Mapping[str, str]) -> dict[str, str]:
    pairs = [f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in metadata.items()]
    return {"Upload-Metadata": ",".join(pairs)} if pairs else {}


def _problem_code(answer: Answer) -> str | None:
    code = json_field(answer.body, "code")
    return code if isinstance(code, str) else None


def _unreachable(detail: str, wait: float | None = None) -> QueueError:
    return QueueError(Fault.UNREACHABLE, detail, retryable=True, retry_after=wait)
