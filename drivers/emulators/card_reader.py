"""A contactless reader with two places, on a real pcscd, and the cards held to it."""

from __future__ import annotations

import shutil
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from drivers.emulators.card import Card, FileCard
from drivers.emulators.control import Control
from drivers.emulators.loopback import cut
from drivers.emulators.pcsc_daemon import PcscDaemon

# ISO/IEC 14443 as PC/SC shows it (part 3, 3.1.3.2.3): T=0 is named first, T=1 may be used.
CONTACTLESS_ATR = bytes.fromhex("3B888001000000000000000009")
T0_ATR = bytes.fromhex("3B0400000000")
OTHER_PROTOCOL_ATR = bytes.fromhex("3B800E8E")  # offers T=14 only
_ATRS = {"t1": CONTACTLESS_ATR, "t0": T0_ATR, "other": OTHER_PROTOCOL_ATR}
_GARBAGE = b"\x00\x07\xff"
_ATR_REQUEST = 4
_POLL_SECONDS = 0.5  # pcscd looks every 0.4 s, and a person does not swap cards faster
SAMPLE_FILES = {0x0001: b"A card that stands in for a card.", 0x0002: bytes(range(256)) * 12}


@dataclass
class CardReaderState:
    """``held``: cards there. ``torn_at``, ``mute_at``, ``garbage_at``: number of the command (from
    1, counted since the card was held) at which it happens, 0 never. ``delay``: seconds before
    each answer. ``protocol`` of the next card: t1, t0 or other.
    """

    held: int = 0
    running: bool = False
    plugged: bool = True
    torn_at: int = 0
    mute_at: int = 0
    garbage_at: int = 0
    delay: float = 0.0
    protocol: str = "t1"


class CardReaderEmulator:
    """Control: ``hold`` ({"slot": 0 or 1, "kind": a name in ``kinds``}), ``take_away``, ``unplug``,
    ``plug``, ``die``, ``restart`` (pcscd's).
    """

    def __init__(
        self,
        make_card: Callable[[], Card] = lambda: FileCard(SAMPLE_FILES),
        *,
        kinds: Mapping[str, Callable[[], Card]] | None = None,
        control_port: int = 0,
    ) -> None:
        self.state = CardReaderState()
        self._kinds = {**(kinds or {}), "": make_card}
        self._folder = Path(tempfile.mkdtemp(prefix="kiosk-card-reader-"))
        self._held: dict[int, _HeldCard] = {}
        self._empty_since = 0.0
        self._daemon = PcscDaemon(self._folder)
        self.restart()
        actions: dict[str, Callable[..., None]] = {
            "hold": self.hold,
            "take_away": self.take_away,
            "unplug": self.unplug,
            "plug": self.plug,
            "die": self.die,
            "restart": self.restart,
        }
        self._control = Control(self.state, actions, control_port)

    @property
    def address(self) -> str:
        """Path of pcscd's socket."""
        return str(self._daemon.socket_path)

    @property
    def control_url(self) -> str:
        return self._control.url

    def close(self) -> None:
        self._control.close()
        self.die()
        shutil.rmtree(self._folder, ignore_errors=True)

    def hold(self, slot: int = 0, kind: str = "") -> None:
        """Raises OSError without a reader, ValueError for a place or card it does not have."""
        if kind not in self._kinds:
            raise ValueError(f"kind: one of {sorted(self._kinds)}")
        if slot not in range(self._daemon.SLOTS):
            raise ValueError(f"slot: 0 to {self._daemon.SLOTS - 1}")
        if not (self.state.running and self.state.plugged):
            raise OSError("there is no reader to hold a card to")
        if slot in self._held:
            self.take_away()
        time.sleep(max(0.0, self._empty_since + _POLL_SECONDS - time.monotonic()))
        self._held[slot] = _HeldCard(self._kinds[kind](), self.state, self._daemon.port + slot)
        self.state.held = len(self._held)

    def take_away(self) -> None:
        """Every card."""
        if self._held:
            self._empty_since = time.monotonic()
        for held in self._held.values():
            held.take_away()
        self._held.clear()
        self.state.held = 0

    def unplug(self) -> None:
        """pcscd stays, without a reader."""
        self.state.plugged = False
        self.restart()

    def plug(self) -> None:
        self.state.plugged = True
        self.restart()

    def die(self) -> None:
        """pcscd is gone; ``restart`` brings it back."""
        self.take_away()
        self._daemon.stop()
        self._empty_since = 0.0
        self.state.running = False

    def restart(self) -> None:
        self.die()
        self._daemon.start(plugged=self.state.plugged)
        self.state.running = True


class _HeldCard:
    """One card in vpcd's field: two bytes of length, then a control byte or a command."""

    def __init__(self, card: Card, state: CardReaderState, port: int) -> None:
        self._card = card
        self._state = state
        self._atr = _ATRS[state.protocol]
        self._gone = threading.Event()
        self._commands = 0
        self._sock = socket.create_connection(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def take_away(self) -> None:
        self._gone.set()
        cut(self._sock)
        self._thread.join()
        self._sock.close()

    def _serve(self) -> None:
        try:
            while not self._gone.is_set():
                message = self._receive(struct.unpack(">H", self._receive(2))[0])
                if len(message) > 1:
                    self._answer(message)
                elif message[0] == _ATR_REQUEST:
                    self._send(self._atr)
                else:
                    self._card.reset()
        except (OSError, EOFError):
            cut(self._sock)  # taken away, torn, or pcscd is gone

    def _answer(self, apdu: bytes) -> None:
        self._commands += 1
        if self._commands == self._state.torn_at:
            raise EOFError
        if self._commands == self._state.mute_at:
            self._gone.wait()
        self._gone.wait(self._state.delay)
        garbage = self._commands == self._state.garbage_at
        self._send(_GARBAGE if garbage else self._card.answer(apdu))

    def _receive(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            # vpcd sends length and body apart and waits for no answer between: without an
            # immediate acknowledgement each command takes 40 ms.
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            chunk = self._sock.recv(count - len(data))
            if not chunk:
                raise EOFError
            data += chunk
        return data

    def _send(self, data: bytes) -> None:
        self._sock.sendall(struct.pack(">H", len(data)) + data)
