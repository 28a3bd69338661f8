"""The journal: who did what, in an order that cannot be changed unseen.

One file per writer, one JSON line an entry, each carrying the hash of the one before. Dossiers
appear only as HMACs under a key of the day; destroying the key makes the references meaningless.
An entry cut off the end shows only when the next manifest, which carries the head, reaches the
portal: until then a loss of the newest entries on a stolen or broken kiosk cannot be seen. Heads
of the other writers come along in the entry ``locking``.

    <folder>/<writer>.jsonl    the entries
    <folder>/keys/<day>        32 random bytes, shared by all writers
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from offline_queue import files

GENESIS = "0" * 64
KEY_DAYS = 90
"""So many day keys stay, which is as long as the receipts of erased dossiers do. Counted are days
on which something was written, not days of the calendar: a clock that jumps destroys nothing."""


class Journal:
    """Appends to ``folder/<writer>.jsonl``; every entry is on disk before ``append`` returns.

    Both may raise QueueError (DISK_FULL, READ_ONLY, IO), and then nothing was appended.
    """

    def __init__(
        self,
        folder: Path,
        writer: str,
        clock: Callable[[], datetime],
        key_days: int = KEY_DAYS,
    ) -> None:
        self._folder = folder
        self._keys = folder / "keys"
        self._clock = clock
        self._lock = threading.Lock()
        self._key_days = key_days
        self._path = folder / f"{writer}.jsonl"
        with files.translated("journal"):
            files.make_folder(self._keys)
            self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            files.sync_folder(folder)
            self._drop_torn_tail()
        entries = list(read(self._path))
        self._count = len(entries)
        self._size = self._path.stat().st_size
        self._head = entry_hash(entries[-1]) if entries else GENESIS

    @property
    def head(self) -> str:
        return self._head

    def other_heads(self) -> dict[str, str]:
        """The heads of the other writers of this folder as they are now, by ``<writer>_head``."""
        others = sorted(set(self._folder.glob("*.jsonl")) - {self._path})
        return {f"{path.stem}_head": _last_hash(path) for path in others}

    def append(self, event: str, dossier: str = "", **facts: str | int | bool) -> None:
        """``facts`` are codes and counts, never a name, a number or an answer of a person."""
        with self._lock:
            self._append(event, dossier, facts)

    def _append(self, event: str, dossier: str, facts: dict[str, Any]) -> None:
        entry: dict[str, Any] = {
            "n": self._count,
            "previous": self._head,
            "at": self._clock().isoformat(timespec="seconds"),
            "event": event,
            **facts,
        }
        if dossier:
            entry["dossier"] = self.reference(dossier)
        with files.translated("journal"):
            self._write(_line(entry))
        self._count += 1
        self._head = entry_hash(entry)

    def reference(self, dossier: str) -> str:
        with files.translated("journal"):
            key = self._key(self._clock().date().isoformat())
        return hmac.new(key, dossier.encode(), hashlib.sha256).hexdigest()[:32]

    def close(self) -> None:
        os.close(self._file)

    def _write(self, line: bytes) -> None:
        """Whole or not at all: a disk that fills in the middle of a line must not break the chain
        of what comes later."""
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fsync(self._file)
        except OSError:
            os.truncate(self._path, self._size)
            raise
        self._size += len(line)

    def _key(self, day: str) -> bytes:
        path = self._keys / day
        if not path.exists():
            self._destroy_old_keys(day)
        return files.make_once(path, secrets.token_bytes(32))

    def _destroy_old_keys(self, day: str) -> None:
        """Before the key of ``day`` is made: of those there are, as many stay as may, less one."""
        days = sorted(path for path in self._keys.iterdir() if path.suffix == "")
        for path in days[: max(0, len(days) - self._key_days + 1)]:
            files.remove(path)
        files.sync_folder(self._keys)

    def _drop_torn_tail(self) -> None:
        """After a power cut the last line may be incomplete, or not what was written: its event
        was never acknowledged."""
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        last = data.rfind(b"\n", 0, max(0, whole - 1)) + 1
        if whole and not _is_entry(data[last:whole]):
            whole = last
        if whole != len(data):
            os.truncate(self._path, whole)
            os.fsync(self._file)


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


def _last_hash(path: Path) -> str:
    """Of the last line that is whole: its writer may be in the middle of the next."""
    data = path.read_bytes()
    lines = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
    return hashlib.sha256(lines[-1]).hexdigest() if lines else GENESIS


def _is_entry(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _line(entry: dict[str, Any]) -> bytes:
    text = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode() + b"\n"
