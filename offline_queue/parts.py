"""The parts' files: encrypted, one folder for each dossier, under random names.

    parts/<dossier id>/<32 hex digits>

The database says which file is which part. A file is on disk before the row that names it, so
whatever no row names was never promised to anybody. Because each dossier has its folder, looking
for such leftovers means looking at the drafts alone, however many dossiers wait.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from offline_queue import files
from offline_queue.errors import Fault, QueueError
from offline_queue.files import Written


class PartFiles:
    """Raises QueueError: DISK_FULL, READ_ONLY, IO, DAMAGED."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with files.translated("outbox"):
            files.make_folder(folder)

    def write(self, dossier: UUID, file: str, chunks: Iterable[bytes]) -> Written:
        """``file`` is a name from :func:`new_name`. On return it is on disk."""
        with files.translated(f"part of {dossier}"):
            files.make_folder(self._of(dossier))
            return files.write_new(self._of(dossier) / file, chunks)

    def read(self, dossier: UUID, file: str, sha256: str) -> bytes:
        """Raises QueueError (DAMAGED) when the file is not as it was written."""
        with files.translated(f"part of {dossier}"):
            ciphertext = (self._of(dossier) / file).read_bytes()
        if hashlib.sha256(ciphertext).hexdigest() != sha256:
            raise QueueError(Fault.DAMAGED, f"part of {dossier}")
        return ciphertext

    def remove(self, dossier: UUID, names: Collection[str]) -> None:
        """Durably: what was replaced or dropped does not come back after a power cut."""
        if not names:
            return
        with files.translated(f"part of {dossier}"):
            for name in names:
                files.remove(self._of(dossier) / name)
            files.sync_folder(self._of(dossier))

    def forget(self, dossier: UUID, file: str) -> None:
        """After an error of any kind; what cannot be removed now goes at the next opening."""
        with suppress(OSError):
            files.remove(self._of(dossier) / file)

    def keep_only(self, dossier: UUID, names: Collection[str]) -> None:
        folder = self._of(dossier)
        if folder.is_dir():
            self.remove(dossier, [f.name for f in folder.iterdir() if f.name not in names])

    def remove_all(self, dossier: UUID) -> None:
        with files.translated(f"parts of {dossier}"):
            files.remove_folder(self._of(dossier))

    def _of(self, dossier: UUID) -> Path:
        return self.folder / str(dossier)


def new_name() -> str:
    return secrets.token_hex(16)
