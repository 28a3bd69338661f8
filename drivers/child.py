"""The inside of a supervised child: ``python -m drivers.child MODULE:FACTORY FD``.

The factory (a class, usually) is called once with the start options and gives an object whose
public methods answer calls by keyword arguments. Errors with a ``code`` keep it; anything else is
a defect.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import socket
import sys
import traceback
from typing import Any

from drivers import wire

_PR_SET_PDEATHSIG = 1


def main(target: str, fd: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _allow_descriptors()
    sock = socket.socket(fileno=fd)
    module, _, factory = target.partition(":")
    worker: Any = None
    while True:
        try:
            call = wire.receive(sock)
        except EOFError:
            return
        try:
            if worker is None:
                worker = getattr(importlib.import_module(module), factory)(**call["options"])
            answer = {"ok": _method(worker, call["method"])(**call["arguments"])}
        except Exception as error:
            answer = {"error": _describe(error)}
        wire.send(sock, answer)


def _allow_descriptors() -> None:
    """A message of many pages holds two descriptors a page for a moment."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * wire.MAX_BLOBS + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def _method(worker: Any, name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    return getattr(worker, name)


def _describe(error: Exception) -> dict[str, Any]:
    code = getattr(error, "code", None)
    if code is None:
        # No message: it may hold a citizen's data, and this goes to the log.
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{os.path.basename(where.filename)}:{where.lineno}"
        return {"code": "child.defect", "detail": f"{type(error).__name__} at {place}"}
    return {
        "code": str(code),
        "detail": str(getattr(error, "detail", "")),
        "retryable": bool(getattr(error, "retryable", False)),
        "paper_inside": bool(getattr(error, "paper_inside", False)),
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
