"""A private pcscd with vsmartcard's virtual reader: own socket, own reader, loopback only.

pcscd takes no name for its socket, but one that systemd has opened for it: here we are systemd.
vpcd listens on every address of the machine; a preloaded ``bind`` keeps it on loopback. (vpcd can
also be told a host to connect to, but then it aborts pcscd when that connection ends.)
"""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

_SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>
typedef int (*binder)(int, const struct sockaddr *, socklen_t);
int bind(int fd, const struct sockaddr *address, socklen_t length) {
    struct sockaddr_in loopback;
    if (address->sa_family == AF_INET && length == sizeof loopback) {
        loopback = *(const struct sockaddr_in *) address;
        loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address = (const struct sockaddr *) &loopback;
    }
    return ((binder) dlsym(RTLD_NEXT, "bind"))(fd, address, length);
}
"""
_DRIVER = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
_START_SECONDS = 10.0
_TRIES = 3
_PORTS = range(20_000, 32_000)  # below those that the kernel gives to others meanwhile
_LISTENING = "0A"  # in /proc/net/tcp


class PcscDaemon:
    """``socket_path`` serves PC/SC while it runs; slot N of the reader listens on ``port + N``,
    another one with each start."""

    NAME = "Emulated Card Reader"
    SLOTS = 2

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.socket_path = folder / "pcscd.comm"
        self.port = 0
        self._shim = folder / "loopback.so"
        self._process: subprocess.Popen[bytes] | None = None
        source = folder / "loopback.c"
        source.write_text(_SHIM)
        build = ["gcc", "-shared", "-fPIC", "-o", str(self._shim), str(source)]
        subprocess.run(build, check=True)

    def start(self, *, plugged: bool = True) -> None:
        """With the reader, or with none. Raises OSError when pcscd does not come up."""
        for tries_left in reversed(range(_TRIES)):
            self.port = _free_ports(self.SLOTS)
            try:
                self._start(plugged)
                return
            except OSError:
                self.stop()
                if not tries_left:
                    raise

    def _start(self, plugged: bool) -> None:
        config = self._folder / "reader.conf"
        config.write_text(self._reader() if plugged else "")
        with socket.socket(socket.AF_UNIX) as listener:
            self.socket_path.unlink(missing_ok=True)
            listener.bind(str(self.socket_path))
            listener.listen()
            self._process = self._launch(listener.fileno(), config)
        if plugged:
            self._wait_for_slots()

    def stop(self) -> None:
        """Nobody is told: clients find their connections closed, as when pcscd dies."""
        process, self._process = self._process, None
        self.socket_path.unlink(missing_ok=True)
        if process:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def _reader(self) -> str:
        lines = {
            "FRIENDLYNAME": f'"{self.NAME}"',
            "DEVICENAME": f"/dev/null:{self.port:#x}",
            "LIBPATH": _DRIVER,
            "CHANNELID": f"{self.port:#x}",
        }
        return "".join(f"{key} {value}\n" for key, value in lines.items())

    def _launch(self, listener: int, config: Path) -> subprocess.Popen[bytes]:
        environment = f"LISTEN_PID=$$ LISTEN_FDS=1 LD_PRELOAD='{self._shim}'"
        program = f"/usr/sbin/pcscd --foreground --config '{config}'"
        script = f"exec 3<&0 </dev/null; {environment} exec {program}"
        with (self._folder / "pcscd.log").open("ab") as log:
            return subprocess.Popen(["sh", "-c", script], stdin=listener, stdout=log, stderr=log)

    def _wait_for_slots(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not all(_listens(self.port + slot) for slot in range(self.SLOTS)):
            assert self._process
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise OSError(f"pcscd did not start, see {self._folder / 'pcscd.log'}")
            time.sleep(0.02)


def _listens(port: int) -> bool:
    """Without a connection, which vpcd would take for a card."""
    wanted = f"0100007F:{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(line.split()[1] == wanted and line.split()[3] == _LISTENING for line in lines)


def _free_ports(count: int) -> int:
    """The first of ``count`` ports in a row that nobody uses now."""
    while True:
        port = secrets.choice(_PORTS)
        try:
            for following in range(port, port + count):
                socket.create_server(("127.0.0.1", following)).close()
        except OSError:
            continue
        return port
