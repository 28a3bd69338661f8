"""Messages between the parent and its children: CBOR, with bulk data in shared memory.

A message is ``>II`` (body length, number of descriptors), then the CBOR body, then the descriptors
(SCM_RIGHTS), each batch of them with one byte. Only plain values and :class:`Blob` are carried, so
a child that was taken over by a hostile image cannot make the parent build objects of its choosing.
Blobs are sealed and an unsealed one is refused: what was handed over cannot be changed any more.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import socket
import struct
import time
from typing import Any, Self

import cbor2

_BLOB_TAG = 40100
_HEADER = struct.Struct(">II")
MAX_BODY = 32 * 1024 * 1024
MAX_BLOBS = 600  # pages of one message; two descriptors each while it is taken apart
_BATCH = 200  # SCM_MAX_FD of Linux is 253
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class Blob:
    """Bytes in anonymous memory (memfd), handed between processes by descriptor, never copied.

    Sealed from the start (memfd_create(2), fcntl(2)): neither end can write, grow or shrink it.
    """

    def __init__(self, fd: int, size: int) -> None:
        self._fd = fd
        self.size = size

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Self:
        view = memoryview(data).cast("B")
        fd = os.memfd_create("kiosk-blob", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(fd, view.nbytes)
            written = 0
            while written < view.nbytes:
                written += os.pwrite(fd, view[written:], written)
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
        except BaseException:
            os.close(fd)
            raise
        return cls(fd, view.nbytes)

    def fileno(self) -> int:
        if self._fd < 0:
            raise ValueError("the blob is closed")
        return self._fd

    def view(self) -> memoryview:
        """The bytes, mapped read-only; the mapping lives as long as the view."""
        if self.size == 0:
            return memoryview(b"")
        # Private, which for reading is the same pages: Linux before 6.7, Debian 12's among them,
        # refuses every shared mapping of memory that is sealed against writing.
        return memoryview(
            mmap.mmap(self.fileno(), self.size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
        )

    def read(self) -> bytes:
        return bytes(self.view())

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.close()


def send(sock: socket.socket, message: Any, end: float | None = None) -> None:
    """``end``: ``time.monotonic()`` by which all of it must be gone.

    Raises TypeError for a value, ValueError for a number of blobs that is not carried,
    TimeoutError.
    """
    blobs: list[Blob] = []

    def encode_blob(encoder: cbor2.CBOREncoder, value: Any) -> None:
        if not isinstance(value, Blob):
            raise TypeError(f"cannot send a {type(value).__name__} between processes")
        encoder.encode(cbor2.CBORTag(_BLOB_TAG, [len(blobs), value.size]))
        blobs.append(value)

    body = cbor2.dumps(message, default=encode_blob)
    if len(blobs) > MAX_BLOBS:
        raise ValueError(f"{len(blobs)} blobs in one message, at most {MAX_BLOBS}")
    _allow_what_is_left(sock, end)
    sock.sendall(_HEADER.pack(len(body), len(blobs)) + body)
    for start in range(0, len(blobs), _BATCH):
        _allow_what_is_left(sock, end)
        socket.send_fds(sock, [b"\0"], [blob.fileno() for blob in blobs[start : start + _BATCH]])


def receive(sock: socket.socket, end: float | None = None) -> Any:
    """The next message, whole by ``end`` (``time.monotonic()``), in however many pieces it comes.

    Raises EOFError when the peer is gone, ValueError on nonsense, TimeoutError.
    """
    length, count = _HEADER.unpack(_exactly(sock, _HEADER.size, end))
    if length > MAX_BODY or count > MAX_BLOBS:
        raise ValueError("malformed message between processes")
    body = _exactly(sock, length, end)
    fds: list[int] = []
    try:
        while len(fds) < count:
            _allow_what_is_left(sock, end)
            fds += _receive_batch(sock, min(_BATCH, count - len(fds)))
        return _decode(body, fds)
    finally:
        for fd in fds:
            os.close(fd)


def _allow_what_is_left(sock: socket.socket, end: float | None) -> None:
    """A time-out of a socket begins anew with each call: a peer that trickles would never be late.

    Raises TimeoutError.
    """
    if end is None:
        return
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("the other process is late")
    sock.settimeout(left)


def _receive_batch(sock: socket.socket, count: int) -> list[int]:
    data, fds, _, _ = socket.recv_fds(sock, 1, count)
    if len(fds) == count:
        return list(fds)
    for fd in fds:
        os.close(fd)
    if not data:
        raise EOFError("the other process is gone")
    raise ValueError("descriptors are missing")


def _decode(body: bytes, fds: list[int]) -> Any:
    blobs: dict[int, Blob] = {}

    def decode_tag(tag: cbor2.CBORTag, _immutable: bool) -> Any:
        if tag.tag != _BLOB_TAG:
            return tag
        index, size = tag.value
        if not 0 <= index < len(fds):
            raise ValueError("a blob without a descriptor")
        if index not in blobs:
            _check_memory(fds[index], size)
            blobs[index] = Blob(os.dup(fds[index]), size)
        return blobs[index]

    try:
        return cbor2.loads(body, tag_hook=decode_tag)
    except (cbor2.CBORError, TypeError) as error:
        raise ValueError("malformed message between processes") from error


def _check_memory(fd: int, size: int) -> None:
    try:
        seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    except OSError:
        raise ValueError("a blob is not anonymous memory") from None
    if seals & _SEALS != _SEALS:
        raise ValueError("a blob is not sealed")
    if not 0 <= size <= os.fstat(fd).st_size:
        raise ValueError("a blob is shorter than announced")


def _exactly(sock: socket.socket, count: int, end: float | None) -> bytes:
    chunks = bytearray()
    while len(chunks) < count:
        _allow_what_is_left(sock, end)
        chunk = sock.recv(min(count - len(chunks), 1 << 20))
        if not chunk:
            raise EOFError("the other process is gone")
        chunks += chunk
    return bytes(chunks)
