"""The journal: who did what, in an order that cannot be changed unseen.

One file per writer, one JSON line an entry, each carrying the hash of the one before. Dossiers
appear only as HMACs under a key of the day; destroying the key makes the references meaningless.
An entry cut off the end shows only when the next manifest, which carries the head, reaches the
portal: until then a loss of the newest entries on a stolen or broken kiosk cannot be seen.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

GENESIS = "0" * 64


class Journal:
    """Appends to ``folder/<writer>.jsonl``; every entry is on disk before ``append`` returns."""

    def __init__(self, folder: Path, writer: str, clock: Callable[[], datetime]) -> None:
        self._keys = folder / "keys"
        self._keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._clock = clock
        self._path = folder / f"{writer}.jsonl"
        self._drop_torn_tail()
        entries = list(read(self._path)) if self._path.exists() else []
        self._count = len(entries)
        self._head = entry_hash(entries[-1]) if entries else GENESIS
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    @property
    def head(self) -> str:
        return self._head

    def append(self, event: str, dossier: str = "", **facts: str | int | bool) -> None:
        """``facts`` are codes and counts, never a name, a number or an answer of a person."""
        entry: dict[str, Any] = {
            "n": self._count,
            "previous": self._head,
            "at": self._clock().isoformat(timespec="seconds"),
            "event": event,
            **facts,
        }
        if dossier:
            entry["dossier"] = self.reference(dossier)
        os.write(self._file, _line(entry))
        os.fsync(self._file)
        self._count += 1
        self._head = entry_hash(entry)

    def reference(self, dossier: str) -> str:
        key = self._key(self._clock().date().isoformat())
        return hmac.new(key, dossier.encode(), hashlib.sha256).hexdigest()[:32]

    def close(self) -> None:
        os.close(self._file)

    def _key(self, day: str) -> bytes:
        path = self._keys / day
        if not path.exists():
            new = path.with_suffix(".new")
            new.write_bytes(secrets.token_bytes(32))
            new.chmod(0o600)
            new.rename(path)
        return path.read_bytes()

    def _drop_torn_tail(self) -> None:
        """After a power cut the last line may be incomplete; its event was never acknowledged."""
        if not self._path.exists():
            return
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            os.truncate(self._path, whole)


def read(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text("utf-8").splitlines():
        yield json.loads(line)


def verify(path: Path) -> int | None:
    """The number of the first entry that does not follow from the one before, or None if all do."""
    previous = GENESIS
    for position, entry in enumerate(read(path)):
        if entry["n"] != position or entry["previous"] != previous:
            return position
        previous = entry_hash(entry)
    return None


def entry_hash(entry: dict[str, Any]) -> str:
    return hashlib.sha256(_line(entry)).hexdigest()


def _line(entry: dict[str, Any]) -> bytes:
    text = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode() + b"\n"
