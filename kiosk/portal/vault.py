"""The dossiers' files: encrypted parts as the kiosk sent them, and issued copies.

    <state>/incoming/          files on their way in; emptied at start-up
    <state>/dossiers/<id>/     the parts, under their names, still encrypted
    <state>/copies/<id>.pdf    the certified copy, in clear for the citizen's download

Parts stay encrypted on disk and are opened in memory when somebody looks at a case.
"""

from __future__ import annotations

from pathlib import Path

from kiosk.portal.files import Incoming, make_folder, write_durably
from kiosk.portal.keys import PortalKeys
from offline_queue import envelope
from offline_queue.manifest import Manifest


class Vault:
    def __init__(self, state: Path, keys: PortalKeys) -> None:
        self._keys = keys
        self._incoming = state / "incoming"
        self._dossiers = state / "dossiers"
        self._copies = state / "copies"
        for folder in (self._incoming, self._dossiers, self._copies):
            make_folder(folder)
        for leftover in self._incoming.iterdir():
            leftover.unlink()

    def receive(self) -> Incoming:
        return Incoming(self._incoming)

    def keep_part(self, dossier_id: str, name: str, file: Incoming) -> None:
        folder = self._dossiers / dossier_id
        make_folder(folder)
        file.keep(folder / name)

    def data_key(self, manifest: Manifest) -> bytes:
        """Raises KeyError for an envelope key that this portal does not have, QueueError
        (DAMAGED) when the key does not open."""
        return envelope.unwrap(self._keys.envelope[manifest.key.key_id], manifest.id, manifest.key)

    def open_part(self, manifest: Manifest, name: str) -> bytes:
        """The plaintext. Raises KeyError, QueueError (DAMAGED), or OSError without the file."""
        ciphertext = (self._dossiers / str(manifest.id) / name).read_bytes()
        return envelope.decrypt_part(ciphertext, self.data_key(manifest), manifest.id, name)

    def images(self, manifest: Manifest) -> list[bytes]:
        """The scanned pages (JPEG), in order."""
        return [self.open_part(manifest, name) for name in pages_of(manifest)]

    def copy_file(self, dossier_id: str) -> Path:
        return self._copies / f"{dossier_id}.pdf"

    def copy(self, dossier_id: str) -> bytes:
        """The certified copy (PDF). Raises FileNotFoundError before it was issued."""
        return self.copy_file(dossier_id).read_bytes()

    def keep_copy(self, dossier_id: str, pdf: bytes) -> None:
        write_durably(self.copy_file(dossier_id), pdf)


def pages_of(manifest: Manifest) -> list[str]:
    """Names of the parts that hold page images, in order."""
    return [page for paper in manifest.papers for page in paper.pages]
