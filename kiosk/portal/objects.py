"""Where the portal's files lie: one interface, a folder or an S3-compatible store behind it.

A key is a path of plain names (``dossiers/<id>/page-001.jpg``). An object is written once and
whole; what is sent in several goes becomes an object when it is finished:

    size = objects.size(key)               # what an earlier go left behind, 0 at first
    size = objects.append(key, size, piece)
    objects.finish(key, sha256)            # from now on an object, if that is its digest

Two connections may append to one key at once, an old one that hangs and a new one: no byte that
was counted is ever replaced by another one's, and the digest is compared before anything becomes
an object.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from kiosk.portal.files import Incoming
from kiosk.portal.settings import PortalSettings


class ObjectsError(OSError):
    """The store does not answer or refuses: the same again may succeed."""


class OffsetError(ValueError):
    """An append that does not start where the bytes end. ``size``: where that is."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the next byte is number {size}")
        self.size = size


class Objects(Protocol):
    """Every method may raise OSError. What was answered survives a power cut."""

    def put(self, key: str, file: Incoming) -> None:
        """Replaces an object of that key. ``file`` is used up."""

    def get(self, key: str) -> bytes:
        """Raises FileNotFoundError, also for what is not finished."""

    def delete(self, key: str) -> None:
        """The object and whatever was appended. No error if there is nothing."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys of objects below ``prefix``, which ends with a slash."""

    def append(self, key: str, offset: int, data: bytes) -> int:
        """Add bytes; answers the new size. Of a failed append a beginning may be kept.

        Raises OffsetError when ``offset`` is not, or no longer, :meth:`size`.
        """

    def size(self, key: str) -> int:
        """Bytes of the object, or of what was appended so far."""

    def finish(self, key: str, sha256: str) -> bool:
        """Make an object of what was appended if that is its digest (hex), and else delete it.
        Once more is no error; an object that has this digest stays whatever was appended since.

        Raises FileNotFoundError when nothing was appended.
        """

    def expire(self, seconds: float) -> None:
        """Forget what was not finished and what nobody has appended to for so long."""


def open_objects(settings: PortalSettings, incoming: Path) -> Objects:
    """``incoming``: a local folder for files on their way."""
    if settings.bucket is not None:
        from kiosk.portal.s3 import S3Objects  # a portal on files never loads boto3

        return S3Objects(
            settings.bucket,
            incoming,
            endpoint=settings.bucket_endpoint,
            region=settings.bucket_region,
        )
    from kiosk.portal.folder import FolderObjects

    return FolderObjects(settings.state)
