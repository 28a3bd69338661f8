"""Messages between the parent and its children: CBOR, with bulk data in shared memory.

A message is ``>II`` (body length, number of descriptors), then the CBOR body; descriptors travel
with the first byte (SCM_RIGHTS). Only plain values and :class:`Blob` are carried, so a child that
was taken over by a hostile image cannot make the parent build objects of its choosing.
"""

from __future__ import annotations

import mmap
import os
import socket
import struct
from typing import Any, Self

import cbor2

_BLOB_TAG = 40100
_HEADER = struct.Struct(">II")
MAX_BODY = 32 * 1024 * 1024
MAX_BLOBS = 64


class Blob:
    """Bytes in anonymous memory (memfd), handed between processes by descriptor, never copied."""

    def __init__(self, fd: int, size: int) -> None:
        self._fd = fd
        self.size = size

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Self:
        view = memoryview(data).cast("B")
        fd = os.memfd_create("kiosk-blob", os.MFD_CLOEXEC)
        try:
            os.ftruncate(fd, view.nbytes)
            written = 0
            while written < view.nbytes:
                written += os.pwrite(fd, view[written:], written)
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
        return memoryview(mmap.mmap(self.fileno(), self.size, prot=mmap.PROT_READ))

    def read(self) -> bytes:
        return bytes(self.view())

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.close()


def send(sock: socket.socket, message: Any) -> None:
    blobs: list[Blob] = []

    def encode_blob(encoder: cbor2.CBOREncoder, value: Any) -> None:
        if not isinstance(value, Blob):
            raise TypeError(f"cannot send a {type(value).__name__} between processes")
        encoder.encode(cbor2.CBORTag(_BLOB_TAG, [len(blobs), value.size]))
        blobs.append(value)

    body = cbor2.dumps(message, default=encode_blob)
    data = _HEADER.pack(len(body), len(blobs)) + body
    sent = socket.send_fds(sock, [data], [blob.fileno() for blob in blobs])
    sock.sendall(memoryview(data)[sent:])


def receive(sock: socket.socket) -> Any:
    """The next message. Raises EOFError when the peer is gone, ValueError on nonsense."""
    head, fds, _, _ = socket.recv_fds(sock, _HEADER.size, MAX_BLOBS)
    try:
        return _receive_body(sock, head, fds)
    except BaseException:
        for fd in fds:
            os.close(fd)
        raise


def _receive_body(sock: socket.socket, head: bytes, fds: list[int]) -> Any:
    head += _exactly(sock, _HEADER.size - len(head))
    length, count = _HEADER.unpack(head)
    if length > MAX_BODY or count != len(fds):
        raise ValueError("malformed message between processes")
    blobs: dict[int, Blob] = {}

    def decode_tag(tag: cbor2.CBORTag, _immutable: bool) -> Any:
        if tag.tag != _BLOB_TAG:
            return tag
        index, size = tag.value
        if os.fstat(fds[index]).st_size < size:
            raise ValueError("a blob is shorter than announced")
        return blobs.setdefault(index, Blob(os.dup(fds[index]), size))

    message = cbor2.loads(_exactly(sock, length), tag_hook=decode_tag)
    for fd in fds:
        os.close(fd)
    fds.clear()
    return message


def _exactly(sock: socket.socket, count: int) -> bytes:
    chunks = bytearray()
    while len(chunks) < count:
        chunk = sock.recv(min(count - len(chunks), 1 << 20))
        if not chunk:
            raise EOFError("the other process is gone")
        chunks += chunk
    return bytes(chunks)
