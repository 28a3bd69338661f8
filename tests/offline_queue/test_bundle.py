"""Dossiers on a stick: whole or refused, signed or not exported, and still in the outbox."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import pytest

from offline_queue import signatures
from offline_queue.bundle import Reader
from offline_queue.errors import Fault, QueueError
from offline_queue.export import export
from offline_queue.outbox import State
from tests.offline_queue.invented import locked_dossier, new_id
from tests.offline_queue.small_portal import SmallPortal
from tests.offline_queue.test_uploader import Line


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with SmallPortal() as portal:
        line = Line(tmp_path, portal)
        yield line
        line.outbox.close()


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def offline_dossier(line: Line, *pages: bytes) -> UUID:
    """Locked and signed, and the network is gone."""
    dossier = locked_dossier(line.outbox, *pages)
    line.portal.fault("dossiers", *["500"] * 3)
    line.step()
    return dossier


def read(bundle: Path) -> dict[str, bytes]:
    with bundle.open("rb") as file:
        return read_from(file)


def read_from(file: BinaryIO) -> dict[str, bytes]:
    return {part.name: b"".join(pieces) for part, pieces in Reader(file).parts()}


def test_a_bundle_holds_what_would_be_sent(line: Line, stick: Path) -> None:
    dossier = offline_dossier(line, b"one", b"", bytes(200_000))
    bundle = export(line.outbox, line.outbox.get(dossier), stick)
    assert bundle.name == f"{dossier}.dossier"
    assert list(stick.iterdir()) == [bundle]
    assert read(bundle) == {
        name: line.outbox.ciphertext(dossier, name)
        for name in ("page-1.jpg", "page-2.jpg", "page-3.jpg")
    }
    with bundle.open("rb") as file:
        signed = Reader(file).signed
    signature = base64.b64decode(signed.signature)
    manifest = signed.manifest.encode()
    key = line.key.public_key()
    assert manifest == line.outbox.get(dossier).manifest
    assert signatures.verify(key, signatures.MANIFEST, manifest, signature)
    assert line.outbox.get(dossier).state is State.UNKNOWN


def test_link_signs_while_it_waits_for_the_network(line: Line, stick: Path) -> None:
    offline_dossier(line)
    later = locked_dossier(line.outbox)
    with pytest.raises(QueueError) as caught:
        export(line.outbox, line.outbox.get(later), stick)
    assert caught.value.code == Fault.UNSIGNED
    assert list(stick.iterdir()) == []
    assert line.uploader.pause() > 0
    line.uploader.step()
    assert line.outbox.get(later).state is State.LOCKED
    assert export(line.outbox, line.outbox.get(later), stick).exists()


def test_a_draft_is_not_exported(line: Line, stick: Path) -> None:
    dossier = new_id()
    line.outbox.new_draft(dossier, "certified-copy")
    with pytest.raises(QueueError) as caught:
        export(line.outbox, line.outbox.get(dossier), stick)
    assert caught.value.code == Fault.ILLEGAL_MOVE


def test_every_cut_and_every_changed_byte_is_noticed(line: Line, stick: Path) -> None:
    dossier = offline_dossier(line, b"one", b"two")
    bundle = export(line.outbox, line.outbox.get(dossier), stick)
    whole = bundle.read_bytes()
    head = 20 + int.from_bytes(whole[16:20], "big")
    for length in (0, 10, 18, 100, head, len(whole) - 1):
        refused(whole[:length])
    refused(whole + b"x")
    for place in (0, 17, 20, head, len(whole) - 1):
        changed = bytearray(whole)
        changed[place] ^= 0xFF
        refused(bytes(changed))


def test_a_head_without_end_is_not_read(line: Line) -> None:
    refused(b"mot-cua/bundle/1" + (2**32 - 1).to_bytes(4, "big"))


def refused(data: bytes) -> None:
    with pytest.raises(QueueError) as caught:
        read_from(io.BytesIO(data))
    assert caught.value.code == Fault.DAMAGED
