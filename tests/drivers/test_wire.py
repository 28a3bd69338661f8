"""What goes between two processes: plain values and sealed memory, however many pages."""

from __future__ import annotations

import mmap
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cbor2
import pytest

from drivers import wire
from drivers.wire import Blob

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    left, right = socket.socketpair()
    with left, right:
        left.settimeout(10)
        right.settimeout(10)
        yield left, right


def carried(pair: Pair, message: Any) -> Any:
    sender = threading.Thread(target=wire.send, args=(pair[0], message))
    sender.start()
    try:
        return wire.receive(pair[1])
    finally:
        sender.join()


def open_handles() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_more_pages_than_one_batch_of_descriptors(pair: Pair) -> None:
    pages = [Blob.of(f"page {number}".encode()) for number in range(300)]
    received = carried(pair, {"pages": pages, "last": "after them"})
    assert [page.read() for page in received["pages"]] == [page.read() for page in pages]
    assert carried(pair, "the next message") == "the next message"


def test_too_many_pages_are_refused_before_anything_is_sent(pair: Pair) -> None:
    blob = Blob.of(b"x")
    with pytest.raises(ValueError, match="at most"):
        wire.send(pair[0], [blob] * (wire.MAX_BLOBS + 1))
    assert carried(pair, 7) == 7


def test_a_page_cannot_be_changed_after_it_was_handed_over(pair: Pair) -> None:
    mine = Blob.of(b"as scanned")
    theirs = carried(pair, mine)
    with pytest.raises(PermissionError):
        os.pwrite(mine.fileno(), b"forged", 0)
    with pytest.raises(PermissionError):
        os.ftruncate(mine.fileno(), 0)
    with pytest.raises(PermissionError):
        mmap.mmap(mine.fileno(), mine.size)
    assert theirs.read() == b"as scanned"


def _unsealed() -> int:
    fd = os.memfd_create("loose", os.MFD_ALLOW_SEALING)
    os.write(fd, b"loose")
    return fd


def _file() -> int:
    return os.open("/proc/self/exe", os.O_RDONLY)


def _sealed() -> int:
    blob = Blob.of(b"short")
    return os.dup(blob.fileno())


@pytest.mark.parametrize(
    ("make", "index", "size"),
    [(_unsealed, 0, 5), (_file, 0, 5), (_sealed, 0, 6), (_sealed, 0, -1), (_sealed, 1, 5)],
)
def test_memory_that_cannot_be_trusted_is_refused(
    pair: Pair, make: Any, index: int, size: int
) -> None:
    body = cbor2.dumps(cbor2.CBORTag(40100, [index, size]))
    before = open_handles()
    fd = make()
    pair[0].sendall(wire._HEADER.pack(len(body), 1) + body)
    socket.send_fds(pair[0], [b"\0"], [fd])
    os.close(fd)
    with pytest.raises(ValueError, match="malformed"):
        wire.receive(pair[1])
    assert open_handles() == before


def test_descriptors_that_do_not_come_are_missed(pair: Pair) -> None:
    pair[0].sendall(wire._HEADER.pack(1, 1) + b"\x00" + b"\0")
    with pytest.raises(ValueError, match="missing"):
        wire.receive(pair[1])


def test_a_peer_that_goes_between_body_and_pages(pair: Pair) -> None:
    pair[0].sendall(wire._HEADER.pack(1, 1) + b"\x00")
    pair[0].close()
    with pytest.raises(EOFError):
        wire.receive(pair[1])


def test_a_page_is_mapped_so_that_older_kernels_allow_it() -> None:
    """Linux before 6.7 refuses shared mappings of write-sealed memory; this one may be newer."""
    blob = Blob.of(b"page")
    with blob.view():
        lines = Path("/proc/self/maps").read_text().splitlines()
    (line,) = [line for line in lines if "memfd:kiosk-blob" in line]
    assert line.split()[1] == "r--p"
