"""Proof that erased dossiers are gone: what the disk's files hold, byte by byte.

Looked at are the rows, the folder of the parts, and the raw bytes of the database and its
write-ahead log, used or free: every wrapped key in them must be one that a living row names.
What the drive itself keeps behind its own back no program sees; :func:`caveats` says so.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import apsw

from offline_queue import envelope, files
from offline_queue.manifest import Manifest
from offline_queue.store import Store

_LOCAL_SIZE = len(envelope.LOCAL) + 12 + envelope.KEY_SIZE + envelope.TAG
_PORTAL = re.compile(rb'"wrapped":"([A-Za-z0-9+/=]+)')
_LEAST = 16
"""Shorter pieces of base64 cannot be told from chance; a wrapped key has over 100 letters."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``code``: what is wrong; ``where``: a dossier's id, a day, or a file name."""

    code: str
    where: str


@dataclass(frozen=True, slots=True)
class Report:
    """``erased``: rows looked at; ``scanned``: bytes of database and log read through."""

    erased: int
    in_charge: int
    scanned: int
    findings: tuple[Finding, ...]
    caveats: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not self.findings


def audit(folder: Path, machine_key: Path, today: date) -> Report:
    """Of the outbox in ``folder``, which other processes may have open: what they are erasing this
    moment shows, and is gone at the next look. Raises QueueError."""
    store = Store(folder / "outbox.db")
    try:
        store.scrub()
        with store.writing() as db, files.translated("outbox"):  # nobody changes it meanwhile
            found = [
                *_rows(db),
                *_day_keys(db, today),
                *_files(db, folder),
                *_machine_key(machine_key),
                *_residue(db, folder),
            ]
            erased = db.execute("select count(*) from dossier where state = 'erased'").get
            total = db.execute("select count(*) from dossier").get
            scanned = sum(file.stat().st_size for file in _database(folder))
    finally:
        store.close()
    return Report(erased, total - erased, scanned, tuple(found), caveats(folder))


def _rows(db: apsw.Connection) -> Iterator[Finding]:
    keyed = db.execute(
        "select id from dossier where state = 'erased' and (manifest is not null or signature is"
        " not null or draft_key is not null or exists (select 1 from part where dossier = id))"
    )
    yield from (Finding("erased-has-key", dossier) for (dossier,) in keyed)
    reopened = db.execute(
        "select id from dossier where state not in ('draft', 'erased')"
        " and (draft_key is not null or day_key is not null)"
    )
    yield from (Finding("locked-opens-here", dossier) for (dossier,) in reopened)


def _day_keys(db: apsw.Connection, today: date) -> Iterator[Finding]:
    needless = db.execute(
        "select day from day_key where day <> ? and id not in"
        " (select day_key from dossier where state = 'draft')",
        (today.isoformat(),),
    )
    yield from (Finding("day-key-outlived", day) for (day,) in needless)


def _files(db: apsw.Connection, folder: Path) -> Iterator[Finding]:
    """In the outbox's folder lie the database, and parts that a row names; all else is stray, be it
    a part that should be gone or something in clear."""
    parts = folder / "parts"
    known = {
        parts / dossier / file for dossier, file in db.execute("select dossier, file from part")
    }
    known |= {folder / f"outbox.db{suffix}" for suffix in ("", "-wal", "-shm")}
    for file in sorted(folder.rglob("*")):
        if not file.is_dir() and file not in known:
            yield Finding("stray-file", str(file.relative_to(folder)))


def _machine_key(file: Path) -> Iterator[Finding]:
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield Finding("machine-key-readable", file.name)


def _residue(db: apsw.Connection, folder: Path) -> Iterator[Finding]:
    """Wrapped keys in the raw bytes that no living row names."""
    local = {key for (key,) in db.execute("select draft_key from dossier where draft_key not null")}
    local |= {key for (key,) in db.execute("select wrapped from day_key")}
    manifests = db.execute("select manifest from dossier where manifest is not null")
    portal = {Manifest.decode(manifest).key.wrapped.encode() for (manifest,) in manifests}
    for file in _database(folder):
        data = file.read_bytes()
        if any(key not in local for key in _local_keys(data)):
            yield Finding("draft-key-residue", file.name)
        if not all(_is_of(piece, portal) for piece in _PORTAL.findall(data)):
            yield Finding("manifest-residue", file.name)


def _local_keys(data: bytes) -> Iterator[bytes]:
    start = data.find(envelope.LOCAL)
    while start >= 0:
        yield data[start : start + _LOCAL_SIZE]
        start = data.find(envelope.LOCAL, start + 1)


def _is_of(piece: bytes, living: set[bytes]) -> bool:
    """A page may end in the middle of a key: then a beginning is all there is to see."""
    return len(piece) < _LEAST or any(key.startswith(piece[:_LEAST]) for key in living)


def _database(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.glob("outbox.db*")) if not file.name.endswith("-shm")]


def caveats(folder: Path) -> tuple[str, ...]:
    """What this look cannot exclude."""
    return (
        "flash may keep earlier copies of overwritten database pages and removed files until its"
        " controller reuses the blocks",
        "such a copy of a part opens with the portal's private key, or with three things at once:"
        " copies of its draft key's and its day key's wraps from that flash, and the machine key",
        f"this file system passes discards on at once: {_discards(folder)}; otherwise run fstrim",
        "bundles on sticks are not erased from here; they open with the portal's key alone",
    )


def _discards(folder: Path) -> str:
    """From mountinfo (proc(5)): the mount point that is the longest beginning of ``folder``."""
    real, best, answer = str(folder.resolve()), "", "unknown"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, rest = line.partition(" - ")
        point, options = mount.split()[4], rest.split()[2]
        if f"{real}/".startswith(f"{point.rstrip('/')}/") and len(point) >= len(best):
            best, answer = point, "yes" if "discard" in options.split(",") else "no"
    return answer
