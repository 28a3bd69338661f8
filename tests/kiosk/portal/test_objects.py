"""The portal's files: in a folder, and in a bucket of a real S3 server."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest

from kiosk.portal import folder
from kiosk.portal.files import Incoming, clear_leftovers, write_once
from kiosk.portal.folder import FolderObjects
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
    assert objects.append(key, 0, b"one two ") == 8
    assert another().size(key) == 8
    with pytest.raises(FileNotFoundError):
        objects.get(key)
    assert another().append(key, 8, b"three") == 13
    assert objects.finish(key, sha256(b"one two three"))
    assert another().finish(key, sha256(b"one two three"))
    assert objects.get(key) == b"one two three"
    assert objects.size(key) == 13
    with pytest.raises(OffsetError):
        objects.append(key, 0, b"late")


@pytest.mark.parametrize("offset", [0, 3, 5])
def test_an_append_starts_where_the_bytes_end(objects: Objects, key: str, offset: int) -> None:
    objects.append(key, 0, b"four")
    with pytest.raises(OffsetError) as caught:
        objects.append(key, offset, b"more")
    assert caught.value.size == 4
    assert objects.size(key) == 4


def test_nothing_cannot_be_finished(objects: Objects, key: str) -> None:
    with pytest.raises(FileNotFoundError):
        objects.finish(key, sha256(b""))


def test_other_bytes_never_become_an_object_and_it_starts_over(
    objects: Objects, incoming: Path, key: str
) -> None:
    objects.append(key, 0, b"wrong")
    assert not objects.finish(key, sha256(b"right"))
    assert objects.size(key) == 0
    with pytest.raises(FileNotFoundError):
        objects.get(key)
    objects.append(key, 0, b"right")
    assert objects.finish(key, sha256(b"right"))
    assert objects.get(key) == b"right"
    assert list(incoming.iterdir()) == []


def test_a_finished_object_outlives_what_an_old_connection_appends(
    objects: Objects, key: str
) -> None:
    objects.append(key, 0, b"right")
    assert objects.finish(key, sha256(b"right"))
    leave_stray(objects, key, b"wrong")
    assert objects.finish(key, sha256(b"right"))
    assert objects.get(key) == b"right"


def test_who_finishes_beside_another_takes_nothing_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has looked for the object and found none when the other one makes it."""
    one, other = FolderObjects(tmp_path), FolderObjects(tmp_path)
    digest, told = folder._digest, []
    rival = Thread(target=lambda: told.append(other.finish("a/b", sha256(b"right"))))

    def look(file: Path) -> str | None:
        found = digest(file)
        if rival.ident is None:
            rival.start()
            rival.join(0.3)  # as far as it gets: it may have to wait for this one
        return found

    one.append("a/b", 0, b"right")
    monkeypatch.setattr(folder, "_digest", look)
    told.append(one.finish("a/b", sha256(b"right")))
    rival.join()
    assert told == [True, True]
    assert one.get("a/b") == b"right"


def leave_stray(objects: Objects, key: str, data: bytes) -> None:
    """What is left when the size was told before another request finished the object."""
    if isinstance(objects, FolderObjects):
        objects._upload(key).write_bytes(data)
    elif isinstance(objects, S3Objects):
        name = f"uploads/{key}/{0:012d}-{len(data):012d}"
        objects._s3.put_object(Bucket=objects._bucket, Key=name, Body=data)


def test_a_damaged_object_gives_way_to_a_good_one(
    objects: Objects, incoming: Path, key: str
) -> None:
    put(objects, incoming, key, b"damaged")
    leave_stray(objects, key, b"right")
    assert objects.finish(key, sha256(b"right"))
    assert objects.get(key) == b"right"
    put(objects, incoming, key, b"damaged")
    assert not objects.finish(key, sha256(b"right"))
    assert objects.size(key) == 0


def test_what_nobody_went_on_with_is_removed(objects: Objects, key: str) -> None:
    whole = f"{key}.whole"
    for name in (key, whole):
        objects.append(name, 0, b"x")
    objects.finish(whole, sha256(b"x"))
    objects.expire(3600)
    assert objects.size(key) == 1
    objects.expire(-3600)
    assert (objects.size(key), objects.size(whole)) == (0, 1)


def test_what_is_told_was_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = FolderObjects(tmp_path)
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.fstat(fd).st_size), real(fd))[1])
    assert folder.append("p", 0, b"abcd") == 4
    assert 4 in synced
    synced.clear()
    assert folder.size("p") == 4
    assert synced == [4]


def test_a_disk_that_fills_keeps_what_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = FolderObjects(tmp_path)
    real = os.pwrite

    def narrow(fd: int, data: memoryview, offset: int) -> int:
        if offset >= 6:
            raise OSError(28, "No space left on device")
        return real(fd, data[:3], offset)

    monkeypatch.setattr(os, "pwrite", narrow)
    with pytest.raises(OSError, match="No space"):
        folder.append("p", 0, b"abcdefghi")
    monkeypatch.undo()
    assert folder.size("p") == 6
    assert folder.append("p", 6, b"ghi") == 9
    assert folder.finish("p", sha256(b"abcdefghi"))


def test_a_connection_thought_dead_spoils_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had looked at the size before another one appended, and writes after."""
    old, new = FolderObjects(tmp_path), FolderObjects(tmp_path)
    real = os.open

    def overtaken(*arguments: Any, **options: Any) -> int:
        monkeypatch.undo()
        new.append("p", 0, b"new bytes")
        return real(*arguments, **options)

    monkeypatch.setattr(os, "open", overtaken)
    with pytest.raises(OffsetError) as caught:
        old.append("p", 0, b"old")
    assert caught.value.size == 9
    assert new.finish("p", sha256(b"new bytes"))


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
