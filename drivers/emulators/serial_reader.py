"""A serial code reader: a pseudo-terminal on which a person "shows" codes."""

from __future__ import annotations

import os
import pty
import select
import threading
import tty
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drivers.emulators.control import Control

_PATIENCE = 2.0  # seconds a full line is waited for before the rest of a payload is lost


@dataclass
class ReaderState:
    """``shown`` counts payloads; ``plugged`` follows the actions plug and unplug."""

    port: str = ""
    plugged: bool = False
    shown: int = 0


class SerialReaderEmulator:
    """Control: actions ``show`` ({"payload": ...}), ``garbage``, ``unplug`` and ``plug``.

    ``link``: a name for the port that stays the same when it is plugged in again; it is there only
    while the reader is plugged in, as a udev name is.
    """

    def __init__(self, link: Path | None = None, *, control_port: int = 0) -> None:
        self.state = ReaderState()
        self._link = link
        self._lock = threading.Lock()
        self._master = self._slave = -1
        self.plug()
        actions: dict[str, Callable[..., None]] = {
            "show": self.show,
            "garbage": self.garbage,
            "unplug": self.unplug,
            "plug": self.plug,
        }
        self._control = Control(self.state, actions, control_port)

    @property
    def address(self) -> str:
        """As in the settings."""
        return f"serial:{self.state.port}"

    @property
    def control_url(self) -> str:
        return self._control.url

    def close(self) -> None:
        self._control.close()
        self.unplug()

    def show(self, payload: str) -> None:
        self.send(payload.encode() + b"\r")

    def garbage(self) -> None:
        """A payload in a code page that is not UTF-8."""
        self.send(b"Nguy\xcc\xd2n V\xffn A\r")

    def send(self, data: bytes) -> None:
        """Raw bytes. Raises OSError when unplugged, or when nobody empties a full line."""
        with self._lock:
            if not self.state.plugged:
                raise OSError("the reader is unplugged")
            while data:
                if not select.select([], [self._master], [], _PATIENCE)[1]:
                    raise OSError("nobody reads the port")
                data = data[os.write(self._master, data) :]
            self.state.shown += 1

    def plug(self) -> None:
        with self._lock:
            if self.state.plugged:
                return
            self._master, self._slave = pty.openpty()
            tty.setraw(self._slave)  # no echo before anyone has opened the port
            os.set_blocking(self._master, False)
            name = os.ttyname(self._slave)
            if self._link:
                self._link.unlink(missing_ok=True)
                self._link.symlink_to(name)
            self.state.port = str(self._link or name)
            self.state.plugged = True

    def unplug(self) -> None:
        with self._lock:
            if not self.state.plugged:
                return
            if self._link:
                self._link.unlink(missing_ok=True)
            os.close(self._master)
            os.close(self._slave)
            self.state.plugged = False
