"""The outbox: dossiers from the first draft until the portal has signed for them.

Metadata is in SQLite (:mod:`offline_queue.store`), parts are encrypted files beside it
(:mod:`offline_queue.parts`). A part is on disk before its row is committed; a key is gone before
its files are. What a crash leaves in between is put right by the next opening. ``docs/outbox.md``
tells it whole, ``docs/states.md`` has the states and their owners.

Two processes have the outbox open: ``kiosk run`` writes and locks drafts, ``kiosk link`` sends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import apsw

from offline_queue import budget, entries, envelope, files, keys, meter
from offline_queue.budget import Budget, Room
from offline_queue.clock import boot_id, since_boot, utc_now
from offline_queue.entries import Dossier, State
from offline_queue.errors import Fault, QueueError
from offline_queue.intake import Receipt
from offline_queue.manifest import Manifest, Part, WrappedKey
from offline_queue.parts import PartFiles, new_name
from offline_queue.store import Store

__all__ = ["Dossier", "Outbox", "State"]

log = logging.getLogger(__name__)

UNLIMITED = Budget()
TICK_SECONDS = 600.0
"""So often, at least, the meter is written down while a sender runs."""
_PRUNE_AT_ONCE = 500


class Outbox:
    """Every method raises QueueError: NOT_FOUND, ILLEGAL_MOVE, BUSY, DISK_FULL, READ_ONLY, IO,
    DAMAGED. An error leaves everything as it was before the call."""

    def __init__(
        self,
        folder: Path,
        *,
        machine_key: Path,
        clock: Callable[[], datetime] = utc_now,
        budget: Budget = UNLIMITED,
        settled: Callable[[UUID, State, str], None] = lambda *_: None,
    ) -> None:
        """``machine_key``: file with the key of this machine, made (0600) on first use.
        ``settled``: told of what is accepted or rejected (and why) just before the commit. After a
        crash in between it is told again; what it raises stops the move."""
        self._clock = clock
        self._folder = folder
        self._budget = budget
        self._settled = settled
        self._parts = PartFiles(folder / "parts")
        with files.translated("machine key"):
            self._keys = keys.LocalKeys(files.make_once(machine_key, envelope.new_key()))
        self._store = Store(folder / "outbox.db")
        with files.translated("outbox"):
            files.sync_folder(folder)  # the database's name, which SQLite itself does not sync
        self._tidy()

    def close(self) -> None:
        self._store.close()

    # -- room --------------------------------------------------------------------------------

    def can_hold(self, size: int) -> Room:
        """Could a dossier of ``size`` bytes be held now? Asked before a citizen starts, and
        answered by a commit too: where the disk takes none, this raises QueueError."""
        with files.translated("outbox"):
            disk = budget.disk_of(self._folder)
        if disk.read_only:
            return budget.room_for(size, self._budget, disk, 0, 0.0)
        with self._store.writing() as db:
            now = meter.tick(db, self._clock())
            stalled = entries.stalled(db, now)
            return budget.room_for(size, self._budget, disk, entries.used(db), stalled)

    # -- drafts (kiosk run) ------------------------------------------------------------------

    def new_draft(self, id: UUID, procedure: str) -> None:
        """Raises QueueError (NOT_ENROLLED) before :meth:`set_portal_key`: what could never be
        sent is not begun."""
        with self._store.writing() as db:
            entries.portal_key(db)
            number, draft_key = self._keys.new_draft(db, id, self._today())
            db.execute(
                "insert into dossier (id, state, procedure, day_key, draft_key, created_at,"
                " changed_at, boot_id, monotonic, moved_meter)"
                " values (?, 'draft', ?, ?, ?, ?, ?, ?, ?, ?)",
                (str(id), procedure, number, draft_key, self._wall(), *self._instant(db)),
            )

    def put_part(self, id: UUID, name: str, media_type: str, data: bytes | memoryview) -> Part:
        """Encrypt and keep ``data``, in place of an earlier part of that name.

        Raises QueueError: LOCKED when the dossier is no draft any more, NO_ROOM when it would take
        of the reserve; ValueError for a name that the manifest would not take.
        """
        Part(name=name, media_type=media_type, size=0, sha256="0" * 64)
        file = new_name()
        try:
            with self._store.writing() as db:
                ciphertext = envelope.encrypt_part(data, self._keys.data_key(db, id), id, name)
                self._require_reserve(memoryview(data).nbytes)
                written = self._parts.write(id, file, ciphertext)
                replaced = entries.part_files(db, id, name)
                db.execute(
                    "insert into part (dossier, name, media_type, file, size, sha256)"
                    " values (?, ?, ?, ?, ?, ?) on conflict do update set media_type ="
                    " excluded.media_type, file = excluded.file, size = excluded.size,"
                    " sha256 = excluded.sha256",
                    (str(id), name, media_type, file, written.size, written.sha256),
                )
        except BaseException:
            self._parts.forget(id, file)
            raise
        self._clear(id, replaced)
        return Part(name=name, media_type=media_type, size=written.size, sha256=written.sha256)

    def read_part(self, id: UUID, name: str) -> bytes:
        """Plaintext of a draft's part. Raises QueueError (LOCKED) when it is no draft any more."""
        with self._store.reading() as db:
            data_key = self._keys.data_key(db, id)
            ciphertext = self._parts.read(id, *entries.part_file(db, id, name))
        return envelope.decrypt_part(ciphertext, data_key, id, name)

    def drop_part(self, id: UUID, name: str) -> None:
        with self._store.writing() as db:
            self._keys.data_key(db, id)
            file, _ = entries.part_file(db, id, name)
            db.execute("delete from part where dossier = ? and name = ?", (str(id), name))
        self._clear(id, [file])

    def discard(self, id: UUID) -> None:
        """Draft to erased: its key destroyed, its files removed."""
        self._erase(id, only_from=State.DRAFT)

    def lock(self, id: UUID, build: Callable[[WrappedKey, tuple[Part, ...]], Manifest]) -> Manifest:
        """Draft to locked; on return it is on disk for good and can no longer be opened here.

        ``build`` makes the manifest from the wrapped key and the parts; it must not call the
        outbox. When it raises, the draft stays a draft.
        """
        with self._store.writing() as db:
            data_key = self._keys.data_key(db, id)
            wrapped = envelope.wrap(data_key, id, *entries.portal_key(db))
            parts = entries.parts(db, id)
            manifest = build(wrapped, parts)
            if (manifest.id, manifest.key, manifest.parts) != (id, wrapped, parts):
                raise ValueError("the manifest is of another dossier, key or parts")
            self._move(
                db,
                id,
                State.LOCKED,
                manifest=manifest.encode(),
                sequence=entries.next_sequence(db),
                locked_meter=meter.read(db, self._clock()),
                draft_key=None,
                day_key=None,
            )
            keys.drop_day_keys(db, self._today())
        self._store.scrub()
        return manifest

    # -- looking -----------------------------------------------------------------------------

    def get(self, id: UUID) -> Dossier:
        with self._store.reading() as db:
            found = entries.select(db, "where id = ?", (str(id),))
        if not found:
            raise QueueError(Fault.NOT_FOUND, str(id))
        return found[0]

    def list(self, *, after: UUID | None = None, limit: int = -1) -> tuple[Dossier, ...]:
        """Oldest first: the next ``limit`` behind the one named ``after``, or all of them."""
        with self._store.reading() as db:
            return entries.select(
                db,
                "where rowid > coalesce((select rowid from dossier where id = ?), 0)"
                " order by rowid limit ?",
                (str(after), limit),
            )

    def drafts(self) -> tuple[Dossier, ...]:
        with self._store.reading() as db:
            return entries.select(db, "where state = 'draft' order by rowid")

    def waiting(self) -> int:
        """How many locked dossiers the portal has not signed for, the rejected not counted."""
        with self._store.reading() as db:
            count: int = db.execute(
                "select count(*) from dossier indexed by waiting"
                " where state in ('locked', 'sending', 'unknown')"
            ).get
            return count

    def oldest(self) -> float:
        """Seconds that the oldest of those has waited, whatever the wall clock did; else 0."""
        with self._store.reading() as db:
            return entries.oldest(db, meter.read(db, self._clock()))

    # -- a person decides (kiosk queue) ------------------------------------------------------

    def hold(self, id: UUID) -> None:
        """Not to be sent until released. It keeps its place; an attempt under way goes on."""
        self._set_held(id, True)

    def release(self, id: UUID) -> None:
        self._set_held(id, False)

    def retry(self, id: UUID) -> None:
        """Rejected or unknown to locked, to be signed and sent anew under the same id."""
        with self._store.writing() as db:
            self._move(db, id, State.LOCKED, signature=None, problem=None)

    # -- sending (kiosk link) ----------------------------------------------------------------

    def set_portal_key(self, key_id: str, raw: bytes) -> None:
        """The portal's X25519 key (32 bytes) for dossiers locked from now on."""
        if len(raw) != envelope.KEY_SIZE:
            raise ValueError("an X25519 public key has 32 bytes")
        with self._store.writing() as db:
            db.execute("insert or replace into portal_key values (1, ?, ?)", (key_id, raw))

    def recover(self) -> None:
        """Sending to unknown, and interrupted erasing finished: for the one process that sends,
        while it sends nothing. What it was sending when it died or the disk was full, it must ask
        for before it sends again. Now and then the meter advances and old receipts go."""
        with self._store.reading() as db:
            interrupted = entries.select(db, "where state = 'sending'")
        for dossier in interrupted:
            self.mark_unknown(dossier.id, dossier.problem)
        self._finish_erasing()
        self._advance()

    def next_to_send(self) -> Dossier | None:
        """The dossier whose turn it is, locked or unknown and not held: by sequence, but one that
        got no answer stands behind those with fewer attempts, so that it holds nobody up."""
        with self._store.reading() as db:
            found = entries.select(
                db,
                "indexed by turn where state in ('locked', 'unknown') and held = 0"
                " order by attempts, sequence limit 1",
            )
        return found[0] if found else None

    def unsigned(self) -> Dossier | None:
        """The first that waits without the device's signature, which a hand-carried one needs."""
        with self._store.reading() as db:
            found = entries.select(
                db,
                "indexed by unsigned where state in ('locked', 'unknown') and signature is null"
                " order by sequence limit 1",
            )
        return found[0] if found else None

    def ciphertext(self, id: UUID, name: str) -> bytes:
        """A part as it is sent. Raises QueueError (DAMAGED) when the file is not as it was."""
        with self._store.reading() as db:
            return self._parts.read(id, *entries.part_file(db, id, name))

    def begin(self, id: UUID) -> None:
        with self._store.writing() as db:
            self._move(db, id, State.SENDING)

    def store_signature(self, id: UUID, signature: bytes) -> None:
        with self._store.writing() as db:
            entries.require(db, id, *entries.WAITING)
            db.execute("update dossier set signature = ? where id = ?", (signature, str(id)))

    def mark_unknown(self, id: UUID, problem: str | None = None) -> None:
        """No usable answer came; the portal may hold the dossier or not."""
        with self._store.writing() as db:
            self._move(db, id, State.UNKNOWN, problem=problem)
            db.execute("update dossier set attempts = attempts + 1 where id = ?", (str(id),))

    def accept(self, id: UUID, receipt: Receipt) -> None:
        """The portal has signed for it (the caller checked): keep the receipt, destroy the rest."""
        with self._store.writing() as db:
            self._move(db, id, State.ACCEPTED, receipt=receipt.model_dump_json(), problem=None)
            db.execute("update meter set receipt_at = elapsed")
            self._settled(id, State.ACCEPTED, "")
        self._erase(id, only_from=State.ACCEPTED)

    def reject(self, id: UUID, problem: str) -> None:
        """``problem``: the code that says why; a person must decide, then :meth:`retry`."""
        with self._store.writing() as db:
            self._move(db, id, State.REJECTED, problem=problem)
            self._settled(id, State.REJECTED, problem)

    # -- within ------------------------------------------------------------------------------

    def _move(self, db: apsw.Connection, id: UUID, to: State, **columns: Any) -> None:
        """The one way to another state; the database refuses what is not legal."""
        changed = {"state": to.value, **columns}
        assignments = "".join(f"{column} = ?, " for column in changed)
        db.execute(
            f"update dossier set {assignments} changed_at = ?, boot_id = ?, monotonic = ?,"  # noqa: S608
            " moved_meter = ? where id = ?",
            (*changed.values(), *self._instant(db), str(id)),
        )
        if db.changes() == 0:
            raise QueueError(Fault.NOT_FOUND, str(id))

    def _set_held(self, id: UUID, held: bool) -> None:
        with self._store.writing() as db:
            entries.require(db, id, *entries.IN_CHARGE)
            db.execute("update dossier set held = ? where id = ?", (held, str(id)))

    def _require_reserve(self, size: int) -> None:
        with files.translated("outbox"):
            disk = budget.disk_of(self._folder)
        limit = Budget(reserve=self._budget.reserve)
        budget.room_for(size, limit, disk, 0, 0.0).require()

    def _erase(self, id: UUID, only_from: State) -> None:
        """The key first, then the files: after a cut in between, files without a key remain."""
        with self._store.writing() as db:
            if only_from is State.ACCEPTED and entries.state_of(db, id) is State.ERASED:
                return  # the other process, opening the outbox, has finished it
            entries.require(db, id, only_from)
            self._move(
                db,
                id,
                State.ERASED,
                manifest=None,
                signature=None,
                draft_key=None,
                day_key=None,
                held=0,
            )
            db.execute("delete from part where dossier = ?", (str(id),))
            keys.drop_day_keys(db, self._today())
        self._store.scrub()
        self._sweep(id)

    def _clear(self, id: UUID, names: Sequence[str]) -> None:
        """Files that no row names any more: what stays now goes with the dossier's folder."""
        try:
            self._parts.remove(id, names)
        except QueueError as error:
            log.warning("a replaced part stays for now: %s", error.code)

    def _sweep(self, id: UUID) -> None:
        """The files of an erased dossier, whose key is gone: when this fails, it is done later."""
        try:
            self._parts.remove_all(id)
            with self._store.writing() as db:
                db.execute("update dossier set swept = 1 where id = ?", (str(id),))
        except QueueError as error:
            log.warning("files of an erased dossier stay for now: %s", error.code)

    def _finish_erasing(self) -> None:
        with self._store.reading() as db:
            accepted = entries.select(db, "where state = 'accepted'")
            unswept = entries.select(db, "indexed by unswept where state = 'erased' and swept = 0")
        for dossier in accepted:
            self._erase(dossier.id, only_from=State.ACCEPTED)
        for dossier in unswept:
            self._sweep(dossier.id)

    def _tidy(self) -> None:
        """At the opening: what a crash left behind. Files of drafts that no row names go, their
        commit never came; the other process may be writing a part this moment, but not inside our
        transaction."""
        self._finish_erasing()
        with self._store.writing() as db:
            meter.tick(db, self._clock())
            keys.drop_day_keys(db, self._today())
            for draft in entries.select(db, "where state = 'draft'"):
                self._parts.keep_only(draft.id, entries.part_files(db, draft.id))

    def _advance(self) -> None:
        with self._store.reading() as db:
            now = meter.read(db, self._clock())
            written = db.execute("select elapsed from meter").get
        if now - written < TICK_SECONDS:
            return
        with self._store.writing() as db:
            meter.tick(db, self._clock())
            entries.prune(db, now - self._budget.receipts, _PRUNE_AT_ONCE)

    def _wall(self) -> str:
        return self._clock().isoformat()

    def _today(self) -> date:
        return self._clock().date()

    def _instant(self, db: apsw.Connection) -> tuple[str, str, float, float]:
        return self._wall(), boot_id(), since_boot(), meter.tick(db, self._clock())
