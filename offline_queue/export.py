"""Out of the outbox onto a stick: see :mod:`offline_queue.bundle` for what is written."""

from __future__ import annotations

from pathlib import Path

from offline_queue import bundle, files
from offline_queue.entries import IN_CHARGE
from offline_queue.errors import Fault, QueueError
from offline_queue.outbox import Dossier, Outbox


def export(outbox: Outbox, dossier: Dossier, folder: Path) -> Path:
    """Write ``<id>.dossier`` into ``folder``, durably, in place of an earlier one. The dossier
    stays in the outbox as it is: it is erased when the portal's receipt is there.

    Raises QueueError: UNSIGNED when link has not signed it yet, ILLEGAL_MOVE for one that is not
    locked, DAMAGED, and those of the stick: DISK_FULL, READ_ONLY, IO.
    """
    if dossier.state not in IN_CHARGE or dossier.manifest is None:
        raise QueueError(Fault.ILLEGAL_MOVE, f"{dossier.id} is {dossier.state}")
    if dossier.signature is None:
        raise QueueError(Fault.UNSIGNED, str(dossier.id), retryable=True)
    target = folder / f"{dossier.id}{bundle.SUFFIX}"
    content = bundle.pieces(
        dossier.manifest, dossier.signature, lambda name: outbox.ciphertext(dossier.id, name)
    )
    with files.translated(target.name):
        files.write_durably(target, content)
    return target
