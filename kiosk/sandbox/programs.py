"""The sandbox's programs: processes that say on their first line where they listen."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kiosk.failures import Fault, KioskError

_START_SECONDS = 60.0


class Program:
    """``python -m MODULE ARGUMENTS``, started at once; its stderr goes to ``log``."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._arguments = tuple(arguments)
        self._environment = {**os.environ, **(environment or {})}
        self._log = log
        self._process = self._launch()

    def wait_until_ready(self) -> dict[str, Any]:
        """The JSON object of the first line. Raises KioskError (SERVICE_FAILED)."""
        assert self._process.stdout
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if select.select([self._process.stdout], [], [], 0.2)[0]:
                line = self._process.stdout.readline()
                if line.strip():
                    answer: dict[str, Any] = json.loads(line)
                    return answer
        raise KioskError(Fault.SERVICE_FAILED, f"{self.name}, see {self._log}")

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """End it in order, or by force when it does not listen."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _launch(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                # When this process dies, in whatever way, the program must not stay behind.
                ["setpriv", "--pdeathsig", "TERM", sys.executable, "-m", *self._arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
