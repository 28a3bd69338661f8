"""A bad line in user space: a TCP relay with a rate, a delay, losses, and cuts.

TCP itself ends at the relay, so a lost packet is not dropped but comes late, by the time-out after
which TCP would have sent it again, and everything behind it on that connection waits. A cut loses
the state of all connections, as when a carrier's address translation forgets them: what is under
way never arrives, neither side is told, and only a new connection works.
"""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

PACKET = 1400


@dataclass(frozen=True, slots=True)
class Line:
    """``rate`` in bit/s each way, ``round_trip`` and ``cut_every`` in seconds (0: never),
    ``loss`` a share of the packets."""

    rate: float = 64_000.0
    round_trip: float = 0.6
    loss: float = 0.05
    cut_every: float = 20.0

    def faster(self, scale: float) -> Line:
        """The same line in a film that runs ``scale`` times faster."""
        return Line(self.rate * scale, self.round_trip / scale, self.loss, self.cut_every / scale)


@dataclass
class Counts:
    """``sent``: bytes from the kiosk that went on air once; ``arrived``: those that reached the
    portal. The repetitions of TCP are in neither."""

    sent: int = 0
    arrived: int = 0
    connections: int = 0
    cuts: int = 0


class _Air:
    """One direction, shared by all connections."""

    def __init__(self, rate: float) -> None:
        self._bytes = rate / 8
        self._free_at = 0.0

    async def take(self, size: int) -> None:
        now = asyncio.get_running_loop().time()
        self._free_at = max(now, self._free_at) + size / self._bytes
        await asyncio.sleep(self._free_at - now)


@dataclass
class Relay:
    """Listens on loopback while in its context and passes on to ``target`` (http://host:port)."""

    target: str
    line: Line
    seed: int = 1
    counts: Counts = field(default_factory=Counts)

    def __enter__(self) -> Self:
        self._rng = random.Random(self.seed)
        self._listening = socket.create_server(("127.0.0.1", 0))
        # The kiosk's unsent bytes stay with the kiosk, as they would before a modem.
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._up, self._down = _Air(self.line.rate), _Air(self.line.rate)
        self._alive: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(self._accept, sock=self._listening, limit=PACKET)
        cuts = asyncio.create_task(self._cut_again_and_again())
        self._ready.set()
        await self._stop.wait()
        server.close()
        await self._forget()
        cuts.cancel()
        for writer in self._writers:
            writer.transport.abort()
        with suppress(asyncio.CancelledError):
            await cuts

    async def _cut_again_and_again(self) -> None:
        while self.line.cut_every:
            await asyncio.sleep(self.line.cut_every)
            self.counts.cuts += 1
            await self._forget()

    async def _forget(self) -> None:
        """The sockets stay open, and nobody reads from them any more."""
        forgotten, self._alive = self._alive, set()
        for task in forgotten:
            task.cancel()
        await asyncio.gather(*forgotten, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counts.connections += 1
        self._writers.append(writer)
        task = self._loop.create_task(self._connect(reader, writer))
        self._alive.add(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self.line.round_trip)  # the handshake
        where = urlsplit(self.target)
        there, back = await asyncio.open_connection(where.hostname, where.port, limit=PACKET)
        self._writers.append(back)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._pump(reader, back, self._up))
            both.create_task(self._pump(there, writer, self._down))

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, air: _Air
    ) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        async with asyncio.TaskGroup() as both:
            both.create_task(self._deliver(under_way, writer, air is self._up))
            arrives = 0.0
            block = b"-"
            while block:
                with suppress(ConnectionError):
                    block = await reader.read(PACKET)
                late = await self._send(block, air)
                arrives = max(arrives, self._loop.time() + self.line.round_trip / 2 + late)
                under_way.put_nowait((arrives, block))

    async def _send(self, block: bytes, air: _Air) -> float:
        """Seconds by which it comes late: each loss costs TCP its time-out, which doubles."""
        late, timeout = 0.0, self.line.round_trip * 1.5
        await air.take(len(block))
        if air is self._up:
            self.counts.sent += len(block)
        while block and self._rng.random() < self.line.loss:
            await air.take(len(block))
            late, timeout = late + timeout, timeout * 2
        return late

    async def _deliver(
        self,
        under_way: asyncio.Queue[tuple[float, bytes]],
        writer: asyncio.StreamWriter,
        is_up: bool,
    ) -> None:
        while True:
            arrives, block = await under_way.get()
            await asyncio.sleep(max(0.0, arrives - self._loop.time()))
            if not block:
                writer.close()
                return
            writer.write(block)
            with suppress(ConnectionError):
                await writer.drain()
            if is_up:
                self.counts.arrived += len(block)
