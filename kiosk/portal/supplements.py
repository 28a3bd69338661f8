"""Something is missing: the officer asks, the citizen answers with a new dossier.

The answer names the asking dossier as its ``parent``. A filing joins its parent, which goes on. A
dossier that asks for a certified copy is a new scan of the whole: it takes the parent's place, and
the parent is stopped. An answer that does not fit (another person's, to nothing that was asked) is
a dossier of its own, with a note for the officer: it was accepted, so nothing is lost.
"""

from __future__ import annotations

from kiosk.portal.casebook import Casebook
from kiosk.portal.store import Dossier, Processing, Store
from offline_queue.manifest import Manifest

REPLACED = "Đã được thay bằng hồ sơ {code}"
JOINED = "Bổ sung cho hồ sơ {code}"
NO_PARENT = "Bổ sung cho một hồ sơ không chờ bổ sung, cán bộ cần xem lại"


class Supplements:
    def __init__(self, store: Store, casebook: Casebook) -> None:
        self._store = store
        self._casebook = casebook

    def arrive(self, manifest: Manifest, child: Dossier) -> Processing | None:
        """After the child's line in the casebook was made, in the same transaction. Answers the
        state that its parent came into, if it has one."""
        if manifest.parent is None:
            return None
        parent = self._store.dossier(str(manifest.parent))
        if parent is None or not self._fits(parent, child):
            self._store.change(child.id, note=NO_PARENT)
            return None
        if manifest.mode == "filing":
            return self._join(parent, child)
        return self._replace(parent, child)

    def _fits(self, parent: Dossier, child: Dossier) -> bool:
        lines = self._casebook.line(parent.id), self._casebook.line(child.id)
        if lines[0] is None or lines[1] is None or not lines[0].citizen:
            return False
        same = lines[0].citizen == lines[1].citizen
        return same and parent.processing == Processing.SUPPLEMENT

    def _join(self, parent: Dossier, child: Dossier) -> Processing:
        self._store.change(parent.id, processing=Processing.ACCEPTED, note=None)
        self._casebook.event(parent.id, Processing.ACCEPTED, words=child.code)
        words = JOINED.format(code=parent.code)
        self._store.change(child.id, processing=Processing.DONE, note=words)
        self._casebook.event(child.id, Processing.DONE, words=words)
        return Processing.ACCEPTED

    def _replace(self, parent: Dossier, child: Dossier) -> Processing:
        words = REPLACED.format(code=child.code)
        self._store.change(parent.id, processing=Processing.STOPPED, note=words)
        self._casebook.event(parent.id, Processing.STOPPED, words=words)
        return Processing.STOPPED
