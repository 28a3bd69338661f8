"""An ESC/POS receipt printer on TCP that shows what came out of it.

Commands are cut from the stream by their lengths, so picture data that looks like a command stays
data. Status questions (DLE) are answered at once; all else waits in the buffer while the printer
cannot print, and goes on when it can, as in a real printer. Source: Epson's ESC/POS reference.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import segno
from PIL import Image, ImageDraw, ImageFont, ImageOps

from drivers.emulators.control import Control
from drivers.emulators.escpos_commands import command_length

_WHITE = 255
_LINE_DOTS = 30  # 1/6 inch, the line spacing after ESC @
_PAPER_DOTS = {576: 640, 384: 464}  # printable width -> width of the roll, 8 dots a millimetre

Send = Callable[[bytes], None]


@dataclass
class PrinterState:
    """``paper``: ok, near-end or out. ``error``: empty, cutter or hot.

    ``paper_after_lines``: lines (30 dots) until the paper runs out; None: plenty.
    ``answers``: ok, garbage or half (two of four status bytes); ``slow_seconds``: before each
    answer. ``unplugged``: the cable is out. ``printed`` counts cut receipts; ``cuts`` is the
    cutter's counter, which outlives the power. ``unknown``: commands it took no notice of.
    ``presenter``: it holds slips in its exit, ``at_exit`` while nobody took one; ``retracts``: it
    pulls them back when told, ``retracted`` of them so far.
    """

    paper: str = "ok"
    cover_open: bool = False
    silent: bool = False
    unplugged: bool = False
    answers: str = "ok"
    slow_seconds: float = 0.0
    error: str = ""
    paper_after_lines: int | None = None
    printed: int = 0
    cuts: int = 0
    presenter: bool = False
    at_exit: bool = False
    retracts: bool = True
    retracted: int = 0
    unknown: list[str] = field(default_factory=list)

    @property
    def can_print(self) -> bool:
        return not (self.cover_open or self.error or self.paper == "out")


class Roll:
    """The paper under the head: dots go on, cut pieces come off."""

    def __init__(self, state: PrinterState, width: int) -> None:
        self._state, self._width = state, width
        self._pieces: list[Image.Image] = []
        self._begun = 0  # dots of the line under the head, counted while paper is short

    def print(self, picture: Image.Image) -> None:
        """Put a full-width picture (mode "1") on paper; what the paper is too short for is lost."""
        if (lines := self._state.paper_after_lines) is not None:
            left = lines * _LINE_DOTS - self._begun
            if picture.height >= left:
                picture = picture.crop((0, 0, self._width, left))
                self._state.paper, self._state.paper_after_lines, self._begun = "out", None, 0
            else:
                used, self._begun = divmod(self._begun + picture.height, _LINE_DOTS)
                self._state.paper_after_lines = lines - used
        self._pieces.append(picture)

    def feed(self, dots: int) -> None:
        self.print(Image.new("1", (self._width, dots), _WHITE))

    def cut(self) -> Image.Image | None:
        """The piece since the last cut, with the margins of the roll."""
        pieces, self._pieces = self._pieces, []
        height = sum(piece.height for piece in pieces)
        if not height:
            return None
        receipt = Image.new("1", (_PAPER_DOTS[self._width], height), _WHITE)
        top = 0
        for piece in pieces:
            receipt.paste(piece, ((receipt.width - self._width) // 2, top))
            top += piece.height
        return receipt


class EscposEmulator:
    """Listens at ``address``. ``receipts``: what was cut off; ``scraps``: torn off unfinished.

    Control: state as :class:`PrinterState`; actions ``refill`` (a new roll), ``save``
    ({"path": ...}: the last receipt as PNG) and ``die`` (the power goes, and with it all that
    was not on paper; ``set`` ``unplugged`` false brings it back) and ``take`` (the slip in the
    presenter is taken). ``cables``: what cuts each wire.
    """

    def __init__(self, port: int = 0, *, width_dots: int = 576, control_port: int = 0) -> None:
        self.state = PrinterState()
        self.receipts: list[Image.Image] = []
        self.scraps: list[Image.Image] = []
        self._width = width_dots
        self._roll = Roll(self.state, width_dots)
        self._waiting: deque[tuple[bytes, Send]] = deque()
        self._lock = threading.RLock()
        self._reset()
        self._server = _Server(self, port)
        self.cables: list[Callable[[], None]] = [self._server.drop]
        actions: dict[str, Callable[..., None]] = {
            "set": self.set,
            "refill": self.refill,
            "save": self.save,
            "die": self.die,
            "take": self.take_slip,
        }
        self._control = Control(self.state, actions, control_port)

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self._server.server_address[1]}"

    @property
    def control_url(self) -> str:
        return self._control.url

    def close(self) -> None:
        self._control.close()
        self._server.close()

    def set(self, **changes: Any) -> None:
        with self._lock:
            self._control.set(**changes)
            self._work()
        if self.state.unplugged:
            for cut in self.cables:
                cut()

    def die(self) -> None:
        with self._lock:
            self._waiting.clear()
            self._tear()
        self.set(unplugged=True)

    def _tear(self) -> None:
        if scrap := self._roll.cut():
            self.scraps.append(scrap)

    def refill(self) -> None:
        with self._lock:
            self.state.paper, self.state.paper_after_lines = "ok", None
            self._tear()
            self._work()

    def take_slip(self) -> None:
        with self._lock:
            self.state.at_exit = False

    def save(self, path: str) -> None:
        with self._lock:
            if not self.receipts:
                raise ValueError("nothing was printed")
            self.receipts[-1].save(Path(path), "PNG", dpi=(203, 203))

    def take(self, received: bytearray, send: Send) -> None:
        """Consume whole commands from ``received``; answers go to ``send``."""
        with self._lock:
            while length := command_length(received):
                command = bytes(received[:length])
                del received[:length]
                if command[0] == 0x10:
                    self._in_real_time(command, send)
                else:
                    self._waiting.append((command, send))
                    self._work()

    def _work(self) -> None:
        while self._waiting and self.state.can_print:
            self._execute(*self._waiting.popleft())

    def _in_real_time(self, command: bytes, send: Send) -> None:
        if command[1] == 0x04 and command[2] in (1, 2, 3, 4):
            if self.state.answers != "half" or command[2] < 3:
                self._answer(send, self._status(command[2]))
        elif command[1:] == b"\x14\x08\x01\x03\x14\x01\x06\x02\x08":
            self._waiting.clear()
            self._answer(send, b"\x37\x25\x00")
        else:
            self.state.unknown.append(command.hex())

    def _status(self, kind: int) -> int:
        state = self.state
        out = state.paper == "out"
        bits = {
            1: 0 if state.can_print else 0x08,
            2: 0x04 * state.cover_open | 0x20 * out | 0x40 * bool(state.error),
            3: 0x08 * (state.error == "cutter") | 0x40 * (state.error == "hot"),
            4: 0x0C * (state.paper != "ok") | 0x60 * out,
        }
        return 0x12 | bits[kind]

    def _answer(self, send: Send, answer: int | bytes) -> None:
        if self.state.silent:
            return
        data = bytes([answer]) if isinstance(answer, int) else answer
        threading.Event().wait(self.state.slow_seconds)
        try:
            send(b"\xff" * len(data) if self.state.answers == "garbage" else data)
        except OSError:
            pass  # whoever asked has hung up

    def _execute(self, command: bytes, send: Send) -> None:
        known: dict[bytes, Callable[[bytes], None]] = {
            b"\x1b@": lambda _: self._reset(),
            b"\x1ba": self._align_to,
            b"\x1bd": lambda body: self._feed(body[0] * _LINE_DOTS),
            b"\x1bJ": lambda body: self._feed(body[0]),
            b"\x1dv": self._raster,
            b"\x1d(": self._code,
            b"\x1dV": lambda _: self._cut(),
            b"\x1da": lambda _: None,  # status unasked is never sent
            b"\x1dg": lambda body: self._count(body, send),
            b"\x1de": lambda body: self._eject(body, send),
            b"\x1dr": lambda _: self._answer(send, 0x03 * (self.state.paper == "near-end")),
        }
        if len(command) == 1:
            self._character(command)
        elif handler := known.get(command[:2]):
            handler(command[2:])
        else:
            self.state.unknown.append(command[:16].hex())

    def _count(self, body: bytes, send: Send) -> None:
        """GS g 2: a maintenance counter; 50 counts what the cutter did."""
        if body[:1] == b"2" and body[2:4] == b"\x32\x00":
            self._answer(send, b"_%d\x00" % self.state.cuts)
        else:
            self.state.unknown.append((b"\x1dg" + body).hex())

    def _eject(self, body: bytes, send: Send) -> None:
        """GS e: 2 pulls back, 3 pushes out, 6 asks."""
        state = self.state
        if not state.presenter:
            state.unknown.append((b"\x1de" + body).hex())
        elif body[0] == 2 and state.retracts and state.at_exit:
            state.at_exit, state.retracted = False, state.retracted + 1
        elif body[0] == 6:
            self._answer(send, 0x01 * (state.paper == "near-end") | 0x08 * state.at_exit)

    def _reset(self) -> None:
        self._align, self._line = 0, b""
        self._module, self._level, self._payload = 3, "l", b""

    def _align_to(self, body: bytes) -> None:
        self._align = body[0] % 48 % 3

    def _feed(self, dots: int) -> None:
        self._end_line()
        self._roll.feed(dots)

    def _character(self, character: bytes) -> None:
        if character == b"\n":
            self._end_line(always=True)
        elif character >= b" ":
            self._line += character

    def _end_line(self, *, always: bool = False) -> None:
        text, self._line = self._line.decode("cp437"), b""
        if text or always:
            picture = Image.new("1", (self._width, _LINE_DOTS), _WHITE)
            ImageDraw.Draw(picture).text((0, 0), text, fill=0, font=ImageFont.load_default(24))
            self._roll.print(picture)

    def _raster(self, body: bytes) -> None:
        """GS v 0: ones are black."""
        columns, rows = int.from_bytes(body[2:4], "little") * 8, int.from_bytes(body[4:6], "little")
        self._place(ImageOps.invert(Image.frombytes("1", (columns, rows), body[6:])))

    def _place(self, picture: Image.Image) -> None:
        room = max(0, self._width - picture.width)
        band = Image.new("1", (self._width, picture.height), _WHITE)
        band.paste(picture, ((0, room // 2, room)[self._align], 0))
        self._roll.print(band)

    def _code(self, body: bytes) -> None:
        """GS ( k: store and print a QR code (cn 49)."""
        function, data = body[3:5], body[5:]
        if body[:1] != b"k":
            self.state.unknown.append((b"\x1d(" + body[:16]).hex())
        elif function == b"1C":
            self._module = data[0]
        elif function == b"1E":
            self._level = "lmqh"[data[0] - 48]
        elif function == b"1P":
            self._payload = data[1:]
        elif function == b"1Q" and self._payload:
            self._place(_draw_code(self._payload, self._level, self._module))

    def _cut(self) -> None:
        self._end_line()
        self.state.cuts += 1
        if receipt := self._roll.cut():
            self.receipts.append(receipt)
            self.state.printed += 1
            self.state.at_exit = self.state.presenter


def _draw_code(payload: bytes, level: str, module: int) -> Image.Image:
    """Without a margin, as printers do it."""
    symbol = segno.make(payload, error=level, micro=False, boost_error=False)
    rows = [bytes(0 if dark else 255 for dark in row) for row in symbol.matrix]
    small = Image.frombytes("L", (len(rows), len(rows)), b"".join(rows))
    size = len(rows) * module
    return small.resize((size, size), Image.Resampling.NEAREST).convert("1")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, emulator: EscposEmulator, port: int) -> None:
        connections: set[socket.socket] = set()
        self._connections = connections

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                if emulator.state.unplugged:
                    return
                connections.add(self.request)
                self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                received = bytearray()
                try:
                    while data := self.request.recv(65536):
                        received += data
                        emulator.take(received, self.request.sendall)
                except OSError:
                    pass  # the cable was pulled
                finally:
                    connections.discard(self.request)

        super().__init__(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def drop(self) -> None:
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # its peer was quicker

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self.drop()
        self._thread.join()
