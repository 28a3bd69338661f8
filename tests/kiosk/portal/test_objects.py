"""The portal's files: in a folder, and in a bucket of a real S3 server."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from kiosk.portal.files import Incoming, clear_leftovers, write_once
from kiosk.portal.objects import Objects, ObjectsError, OffsetError, open_objects
from kiosk.portal.s3 import S3Objects
from tests.kiosk.portal.backends import Storage
from tests.kiosk.portal.line import settings_in


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    folder = tmp_path / "portal" / "incoming"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def another(storage: Storage, tmp_path: Path, incoming: Path) -> Callable[[], Objects]:
    """Each call is what another process would have."""
    settings = settings_in(tmp_path, **storage.settings)
    return lambda: open_objects(settings, incoming)


@pytest.fixture
def objects(another: Callable[[], Objects]) -> Objects:
    return another()


@pytest.fixture
def key() -> str:
    return f"dossiers/{uuid4()}/page-001.jpg"


def put(objects: Objects, incoming: Path, key: str, data: bytes) -> None:
    with Incoming(incoming) as file:
        file.write(data)
        objects.put(key, file)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_an_object_is_replaced_listed_and_deleted(
    objects: Objects, incoming: Path, key: str
) -> None:
    put(objects, incoming, key, b"first")
    put(objects, incoming, key, b"second")
    folder = key.rpartition("/")[0]
    assert objects.get(key) == b"second"
    assert list(objects.keys(f"{folder}/")) == [key]
    assert objects.size(key) == 6
    objects.delete(key)
    objects.delete(key)
    assert list(objects.keys(f"{folder}/")) == []
    assert objects.size(key) == 0
    assert list(incoming.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        objects.get(key)


def test_what_is_appended_becomes_an_object_when_finished(
    objects: Objects, another: Callable[[], Objects], key: str
) -> None:
    assert objects.append(key, 0, [b"one ", b"two "]) == 8
    assert another().size(key) == 8
    with pytest.raises(FileNotFoundError):
        objects.get(key)
    assert another().append(key, 8, [b"three"]) == 13
    assert objects.finish(key) == sha256(b"one two three")
    assert objects.finish(key) == sha256(b"one two three")
    assert objects.get(key) == b"one two three"
    assert objects.size(key) == 13


@pytest.mark.parametrize("offset", [0, 3, 5])
def test_an_append_starts_where_the_bytes_end(objects: Objects, key: str, offset: int) -> None:
    objects.append(key, 0, [b"four"])
    with pytest.raises(OffsetError) as caught:
        objects.append(key, offset, [b"more"])
    assert caught.value.size == 4
    assert objects.size(key) == 4


def test_what_came_before_the_line_broke_is_kept(objects: Objects, key: str) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        objects.append(key, 0, breaking())
    assert objects.append(key, objects.size(key), [b" and half"]) == 13
    assert objects.finish(key) == sha256(b"half and half")


def test_two_connections_that_overlap_send_one_file(
    objects: Objects, another: Callable[[], Objects], key: str
) -> None:
    """A stalled one ends after a new one went on from the same place."""

    def stalled() -> Iterator[bytes]:
        yield b"0123"
        assert another().append(key, another().size(key), [b"0123456789"[another().size(key) :]])
        yield b"45"

    objects.append(key, 0, stalled())
    size = objects.size(key)
    objects.append(key, size, [b"0123456789abc"[size:]])
    assert objects.finish(key) == sha256(b"0123456789abc")


def test_nothing_cannot_be_finished(objects: Objects, key: str) -> None:
    with pytest.raises(FileNotFoundError):
        objects.finish(key)


def test_a_wrong_upload_is_deleted_and_starts_over(objects: Objects, key: str) -> None:
    objects.append(key, 0, [b"wrong"])
    objects.delete(key)
    assert objects.size(key) == 0
    objects.append(key, 0, [b"right"])
    assert objects.finish(key) == sha256(b"right")


def test_a_store_that_is_not_there_is_an_error_of_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    nobody = S3Objects("portal", tmp_path, endpoint="http://127.0.0.1:1", region="us-east-1")
    with pytest.raises(ObjectsError):
        nobody.get("dossiers/x")


def test_a_bucket_that_is_not_there_is_no_missing_object(shared: Storage, tmp_path: Path) -> None:
    endpoint = shared.settings["bucket_endpoint"]
    with pytest.raises(ObjectsError, match="NoSuchBucket"):
        S3Objects("nowhere", tmp_path, endpoint=endpoint, region="us-east-1").get("dossiers/x")


def test_leftovers_go_and_what_is_under_way_stays(tmp_path: Path) -> None:
    (tmp_path / "cut-off").write_bytes(b"half a part")
    with Incoming(tmp_path) as file:
        file.write(b"part")
        clear_leftovers(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1
        file.keep(tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == b"part"


def test_of_two_first_ones_the_first_stays(tmp_path: Path) -> None:
    write_once(tmp_path / "key", b"first")
    write_once(tmp_path / "key", b"second")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"first"]
