"""A dossier in one file, to be carried by hand when the network stays away.

    magic, 16 bytes | length of the head, 4 bytes big-endian | head | part | part | ...

The head is the JSON of :class:`offline_queue.intake.SignedManifest`, just as it would be sent; the
parts follow as they lie in the outbox, in the order and of the sizes that the manifest names.
Whoever finds the stick reads no more of a citizen than on the wire, that is nothing, and cannot
change a byte unnoticed: digests of all parts are in the manifest, which the device key has signed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from pydantic import ValidationError

from offline_queue.errors import Fault, QueueError
from offline_queue.intake import MAX_MANIFEST, MAX_PART, SignedManifest
from offline_queue.manifest import Manifest, Part

MAGIC = b"mot-cua/bundle/1"
SUFFIX = ".dossier"

_MAX_HEAD = 4 * MAX_MANIFEST  # a manifest inside JSON: each of its quotes is escaped
_CHUNK = 64 * 1024


def pieces(
    manifest: bytes, signature: bytes, ciphertext: Callable[[str], bytes]
) -> Iterator[bytes]:
    """The bundle, to be written one piece after another; ``ciphertext`` gives a part by name."""
    signed = SignedManifest(
        manifest=manifest.decode(), signature=base64.b64encode(signature).decode()
    )
    head = signed.model_dump_json().encode()
    yield MAGIC + len(head).to_bytes(4, "big") + head
    for part in Manifest.decode(manifest).parts:
        yield ciphertext(part.name)


class Reader:
    """A bundle while it is being read, first to last byte. Nothing in it is believed: who takes
    it in checks signature and digests as if it came over the wire.

    Raises QueueError (DAMAGED) for anything that is no bundle, cut off or longer than it says.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        if self._exactly(len(MAGIC)) != MAGIC:
            raise QueueError(Fault.DAMAGED, "not a bundle")
        length = int.from_bytes(self._exactly(4), "big")
        if length > _MAX_HEAD:
            raise QueueError(Fault.DAMAGED, "bundle: head too long")
        try:
            self.signed = SignedManifest.model_validate_json(self._exactly(length))
            self.manifest = Manifest.decode(self.signed.manifest.encode())
        except ValidationError:
            raise QueueError(Fault.DAMAGED, "bundle: malformed head") from None

    def parts(self) -> Iterator[tuple[Part, Iterator[bytes]]]:
        """Each part and its bytes, which must be used up, or skipped, before the next."""
        for part in self.manifest.parts:
            if part.size > MAX_PART:
                raise QueueError(Fault.DAMAGED, f"bundle: part {part.name} too large")
            pieces = self._pieces(part)
            yield part, pieces
            for _ in pieces:
                pass
        if self._file.read(1):
            raise QueueError(Fault.DAMAGED, "bundle: longer than it says")

    def _pieces(self, part: Part) -> Iterator[bytes]:
        digest, left = hashlib.sha256(), part.size
        while left:
            piece = self._exactly(min(left, _CHUNK))
            digest.update(piece)
            left -= len(piece)
            yield piece
        if digest.hexdigest() != part.sha256:
            raise QueueError(Fault.DAMAGED, f"bundle: part {part.name}")

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise QueueError(Fault.DAMAGED, "bundle: cut off")
        return data
