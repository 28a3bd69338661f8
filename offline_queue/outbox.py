"""The outbox: dossiers from the first draft until the portal has signed for them.

Metadata is in SQLite (:mod:`offline_queue.store`), parts are encrypted files beside it. A part is
on disk before its row is committed; a key is gone before its files are. What a crash leaves in
between is put right by the next opening. ``docs/states.md`` has the states and their owners.

Two processes have the outbox open: ``kiosk run`` writes and locks drafts, ``kiosk link`` sends.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import apsw

from offline_queue import entries, envelope, files
from offline_queue.clock import boot_id, since_boot, utc_now
from offline_queue.entries import Dossier, State
from offline_queue.errors import Fault, QueueError
from offline_queue.intake import Receipt
from offline_queue.manifest import Manifest, Part, WrappedKey
from offline_queue.store import Store

__all__ = ["Dossier", "Outbox", "State"]

_DAY_KEY_CONTEXT = b"mot-cua/day-key/1"


class Outbox:
    """Every method raises QueueError: NOT_FOUND, ILLEGAL_MOVE, BUSY, DISK_FULL, DAMAGED.

    An error leaves everything as it was before the call.
    """

    def __init__(
        self, folder: Path, *, machine_key: Path, clock: Callable[[], datetime] = utc_now
    ) -> None:
        """``machine_key``: file with the key of this machine, made (0600) on first use."""
        self._clock = clock
        self._blobs = folder / "parts"
        with files.translated("outbox"):
            self._blobs.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._machine_key = files.make_once(machine_key, envelope.new_key())
        if len(self._machine_key) != envelope.KEY_SIZE:
            raise QueueError(Fault.DAMAGED, "machine key")
        self._store = Store(folder / "outbox.db")
        self._finish_erasing()
        self._remove_orphans()

    def close(self) -> None:
        self._store.close()

    # -- drafts (kiosk run) ------------------------------------------------------------------

    def new_draft(self, id: UUID, procedure: str) -> None:
        """Raises QueueError (NOT_ENROLLED) before :meth:`set_portal_key`: what could never be
        sent is not begun."""
        with self._store.writing() as db:
            entries.portal_key(db)
            number, day_key = self._day_key(db)
            draft_key = envelope.wrap_local(envelope.new_key(), day_key, id.bytes)
            db.execute(
                "insert into dossier (id, state, procedure, day_key, draft_key, created_at,"
                " changed_at, boot_id, monotonic) values (?, 'draft', ?, ?, ?, ?, ?, ?, ?)",
                (str(id), procedure, number, draft_key, self._wall(), *self._instant()),
            )

    def put_part(self, id: UUID, name: str, media_type: str, data: bytes | memoryview) -> Part:
        """Encrypt and keep ``data``, in place of an earlier part of that name.

        Raises QueueError (LOCKED) when the dossier is no draft any more, ValueError for a name
        that the manifest would not take.
        """
        Part(name=name, media_type=media_type, size=0, sha256="0" * 64)
        file = self._blobs / secrets.token_hex(16)
        try:
            with self._store.writing() as db, files.translated(f"part {name}"):
                ciphertext = envelope.encrypt_part(data, self._data_key(db, id), id, name)
                written = files.write_durably(file, ciphertext)
                replaced = entries.part_files(db, id, name)
                db.execute(
                    "insert into part (dossier, name, media_type, file, size, sha256)"
                    " values (?, ?, ?, ?, ?, ?) on conflict do update set media_type ="
                    " excluded.media_type, file = excluded.file, size = excluded.size,"
                    " sha256 = excluded.sha256",
                    (str(id), name, media_type, file.name, written.size, written.sha256),
                )
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        self._unlink(replaced)
        return Part(name=name, media_type=media_type, size=written.size, sha256=written.sha256)

    def read_part(self, id: UUID, name: str) -> bytes:
        """Plaintext of a draft's part. Raises QueueError (LOCKED) when it is no draft any more."""
        with self._store.reading() as db:
            data_key = self._data_key(db, id)
            ciphertext = self._read(db, id, name)
        return envelope.decrypt_part(ciphertext, data_key, id, name)

    def drop_part(self, id: UUID, name: str) -> None:
        with self._store.writing() as db:
            self._data_key(db, id)
            dropped = entries.part_files(db, id, name)
            if not dropped:
                raise QueueError(Fault.NOT_FOUND, f"part {name} of {id}")
            db.execute("delete from part where dossier = ? and name = ?", (str(id), name))
        self._unlink(dropped)

    def discard(self, id: UUID) -> None:
        """Draft to erased: its key destroyed, its files removed."""
        self._erase(id, only_from=State.DRAFT)

    def lock(self, id: UUID, build: Callable[[WrappedKey, tuple[Part, ...]], Manifest]) -> Manifest:
        """Draft to locked; on return it is on disk for good and can no longer be opened here.

        ``build`` makes the manifest from the wrapped key and the parts; it must not call the
        outbox. When it raises, the draft stays a draft.
        """
        with self._store.writing() as db:
            data_key = self._data_key(db, id)
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
                draft_key=None,
                day_key=None,
            )
            self._drop_day_keys(db)
        self._store.scrub()
        return manifest

    # -- looking -----------------------------------------------------------------------------

    def get(self, id: UUID) -> Dossier:
        with self._store.reading() as db:
            found = entries.select(db, "where id = ?", (str(id),))
        if not found:
            raise QueueError(Fault.NOT_FOUND, str(id))
        return found[0]

    def list(self) -> tuple[Dossier, ...]:
        """All of them, oldest first."""
        with self._store.reading() as db:
            return entries.select(db, "order by rowid")

    def drafts(self) -> tuple[Dossier, ...]:
        with self._store.reading() as db:
            return entries.select(db, "where state = 'draft' order by rowid")

    def waiting(self) -> int:
        """How many locked dossiers the portal has not signed for, the rejected not counted."""
        with self._store.reading() as db:
            count: int = db.execute(
                "select count(*) from dossier where state in ('locked', 'sending', 'unknown')"
            ).get
            return count

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
        for before it sends again."""
        with self._store.reading() as db:
            interrupted = entries.select(db, "where state = 'sending'")
        for dossier in interrupted:
            self.mark_unknown(dossier.id, dossier.problem)
        self._finish_erasing()

    def next_to_send(self) -> Dossier | None:
        """The dossier whose turn it is, locked or unknown: by sequence, but one that got no answer
        stands behind those with fewer attempts, so that it holds nobody up."""
        with self._store.reading() as db:
            found = entries.select(
                db, "where state in ('locked', 'unknown') order by attempts, sequence limit 1"
            )
        return found[0] if found else None

    def ciphertext(self, id: UUID, name: str) -> bytes:
        """A part as it is sent. Raises QueueError (DAMAGED) when the file is not as it was."""
        with self._store.reading() as db:
            return self._read(db, id, name)

    def begin(self, id: UUID) -> None:
        with self._store.writing() as db:
            self._move(db, id, State.SENDING)

    def store_signature(self, id: UUID, signature: bytes) -> None:
        with self._store.writing() as db:
            entries.require(db, id, State.SENDING)
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
        self._erase(id, only_from=State.ACCEPTED)

    def reject(self, id: UUID, problem: str) -> None:
        """``problem``: the code that says why; a person must decide, then :meth:`retry`."""
        with self._store.writing() as db:
            self._move(db, id, State.REJECTED, problem=problem)

    def retry(self, id: UUID) -> None:
        """Rejected or unknown to locked, to be signed and sent anew under the same id."""
        with self._store.writing() as db:
            self._move(db, id, State.LOCKED, signature=None, problem=None)

    # -- within ------------------------------------------------------------------------------

    def _move(self, db: apsw.Connection, id: UUID, to: State, **columns: Any) -> None:
        """The one way to another state; the database refuses what is not legal."""
        changed = {"state": to.value, **columns}
        assignments = "".join(f"{column} = ?, " for column in changed)
        db.execute(
            f"update dossier set {assignments} changed_at = ?, boot_id = ?, monotonic = ?"  # noqa: S608
            " where id = ?",
            (*changed.values(), *self._instant(), str(id)),
        )
        if db.changes() == 0:
            raise QueueError(Fault.NOT_FOUND, str(id))

    def _erase(self, id: UUID, only_from: State) -> None:
        """The key first, then the files: after a cut in between, files without a key remain."""
        with self._store.writing() as db:
            if only_from is State.ACCEPTED and entries.state_of(db, id) is State.ERASED:
                return  # the other process, opening the outbox, has finished it
            entries.require(db, id, only_from)
            self._move(
                db, id, State.ERASED, manifest=None, signature=None, draft_key=None, day_key=None
            )
            leftover = entries.part_files(db, id)
            db.execute("delete from part where dossier = ?", (str(id),))
            self._drop_day_keys(db)
        self._store.scrub()
        self._unlink(leftover)

    def _finish_erasing(self) -> None:
        with self._store.reading() as db:
            accepted = entries.select(db, "where state = 'accepted'")
        for dossier in accepted:
            self._erase(dossier.id, only_from=State.ACCEPTED)

    def _remove_orphans(self) -> None:
        """Files that no row names: their commit never came. The other process may be writing a
        part this moment, but not inside our transaction."""
        with self._store.writing() as db, files.translated("outbox"):
            self._drop_day_keys(db)
            known = {name for (name,) in db.execute("select file from part")}
            self._unlink(file.name for file in self._blobs.iterdir() if file.name not in known)

    def _unlink(self, names: Iterable[str]) -> None:
        for name in list(names):
            (self._blobs / name).unlink(missing_ok=True)

    def _read(self, db: apsw.Connection, id: UUID, name: str) -> bytes:
        row = db.execute(
            "select file, sha256 from part where dossier = ? and name = ?", (str(id), name)
        ).fetchone()
        if row is None:
            raise QueueError(Fault.NOT_FOUND, f"part {name} of {id}")
        with files.translated(f"part {name} of {id}"):
            ciphertext: bytes = (self._blobs / row[0]).read_bytes()
        if hashlib.sha256(ciphertext).hexdigest() != row[1]:
            raise QueueError(Fault.DAMAGED, f"part {name} of {id}")
        return ciphertext

    def _data_key(self, db: apsw.Connection, id: UUID) -> bytes:
        """Only a draft's: locking and erasing remove the wrap that this opens."""
        if entries.state_of(db, id) is not State.DRAFT:
            raise QueueError(Fault.LOCKED, str(id))
        draft_key, wrapped_day_key = db.execute(
            "select draft_key, wrapped from dossier join day_key on day_key = day_key.id"
            " where dossier.id = ?",
            (str(id),),
        ).get
        day_key = envelope.unwrap_local(wrapped_day_key, self._machine_key, _DAY_KEY_CONTEXT)
        return envelope.unwrap_local(draft_key, day_key, id.bytes)

    def _day_key(self, db: apsw.Connection) -> tuple[int, bytes]:
        row = db.execute(
            "select id, wrapped from day_key where day = ? order by id desc limit 1",
            (self._today(),),
        ).fetchone()
        if row is not None:
            return row[0], envelope.unwrap_local(row[1], self._machine_key, _DAY_KEY_CONTEXT)
        day_key = envelope.new_key()
        wrapped = envelope.wrap_local(day_key, self._machine_key, _DAY_KEY_CONTEXT)
        db.execute("insert into day_key (day, wrapped) values (?, ?)", (self._today(), wrapped))
        return db.last_insert_rowid(), day_key

    def _drop_day_keys(self, db: apsw.Connection) -> None:
        """A day key goes when its day is over and its last draft is locked or discarded; with it
        goes whatever copy of a draft's wrap the flash still holds."""
        db.execute(
            "delete from day_key where day <> ? and id not in"
            " (select day_key from dossier where state = 'draft')",
            (self._today(),),
        )

    def _wall(self) -> str:
        return self._clock().isoformat()

    def _today(self) -> str:
        return self._clock().date().isoformat()

    def _instant(self) -> tuple[str, str, float]:
        return self._wall(), boot_id(), since_boot()
