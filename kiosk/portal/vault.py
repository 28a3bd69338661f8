"""The dossiers' files: encrypted parts as the kiosk sent them, and issued copies.

    <state>/incoming/        local files on their way in; those of processes that ended are removed
    dossiers/<id>/<name>     objects: the parts, under their names, still encrypted
    copies/<id>.pdf          objects: the certified copy, in clear for the citizen's download

Parts stay encrypted and are opened in memory when somebody looks at a case.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from kiosk.portal.answers import TEXT
from kiosk.portal.files import Incoming, clear_leftovers, make_folder
from kiosk.portal.keys import PortalKeys
from kiosk.portal.objects import Objects
from offline_queue import envelope
from offline_queue.manifest import Manifest, Part


class Vault:
    """``incoming``: a local folder, on the file system of the objects if these are files."""

    def __init__(self, incoming: Path, objects: Objects, keys: PortalKeys) -> None:
        self._keys = keys
        self._incoming = incoming
        self._objects = objects
        make_folder(incoming)
        clear_leftovers(incoming)

    def receive(self) -> Incoming:
        return Incoming(self._incoming)

    def keep_part(self, dossier_id: str, name: str, file: Incoming) -> None:
        self._objects.put(part_key(dossier_id, name), file)

    def data_key(self, manifest: Manifest) -> bytes:
        """Raises KeyError for an envelope key that this portal does not have, QueueError
        (DAMAGED) when the key does not open."""
        return envelope.unwrap(self._keys.envelope[manifest.key.key_id], manifest.id, manifest.key)

    def open_part(self, manifest: Manifest, name: str) -> bytes:
        """The plaintext. Raises KeyError, QueueError (DAMAGED), or OSError without the file."""
        ciphertext = self._objects.get(part_key(str(manifest.id), name))
        return envelope.decrypt_part(ciphertext, self.data_key(manifest), manifest.id, name)

    def holds(self, dossier_id: str, part: Part) -> bool:
        """Is what lies here the very part that the manifest names? Raises OSError."""
        try:
            held = self._objects.get(part_key(dossier_id, part.name))
        except FileNotFoundError:
            return False
        return hashlib.sha256(held).hexdigest() == part.sha256

    def drop_part(self, dossier_id: str, name: str) -> None:
        self._objects.delete(part_key(dossier_id, name))

    def images(self, manifest: Manifest) -> list[bytes]:
        """The scanned pages (JPEG), in order."""
        return [self.open_part(manifest, name) for name in pages_of(manifest)]

    def text(self, manifest: Manifest) -> bytes:
        """Sizes and words of these pages (certify.pages.encode_text)."""
        return self.open_part(manifest, TEXT)

    def copy(self, dossier_id: str) -> bytes:
        """The certified copy (PDF). Raises FileNotFoundError before it was issued."""
        return self._objects.get(_copy_key(dossier_id))

    def keep_copy(self, dossier_id: str, pdf: bytes) -> None:
        with self.receive() as file:
            file.write(pdf)
            self._objects.put(_copy_key(dossier_id), file)


def part_key(dossier_id: str, name: str) -> str:
    return f"dossiers/{dossier_id}/{name}"


def _copy_key(dossier_id: str) -> str:
    return f"copies/{dossier_id}.pdf"


def pages_of(manifest: Manifest) -> list[str]:
    """Names of the parts that hold page images, in order."""
    return [page for paper in manifest.papers for page in paper.pages]
