"""Faces through the real child: dlib, its models, its memory."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from drivers.contract import DeviceError, Raster
from drivers.contract import Fault as DeviceFault
from drivers.wire import Blob
from kiosk.failures import Fault, KioskError
from kiosk.identity import compare, face_worker
from kiosk.identity.faces import FaceMatcher, FaceResult
from kiosk.sandbox import people


def picture(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg)).convert("RGB")


def frame(image: Image.Image | bytes) -> Raster:
    rgb = picture(image) if isinstance(image, bytes) else image
    return Raster(Blob.of(rgb.tobytes()), rgb.width, rgb.height, len(rgb.getbands()))


@pytest.fixture(scope="module")
def matcher() -> Iterator[FaceMatcher]:
    matcher = FaceMatcher()
    asyncio.run(matcher.load_reference(people.portrait()))
    yield matcher
    asyncio.run(matcher.forget())


def look(matcher: FaceMatcher, image: Image.Image | bytes) -> FaceResult:
    return asyncio.run(matcher.compare(frame(image)))


def test_the_person_on_the_photo_matches_in_every_frame(matcher: FaceMatcher) -> None:
    frames = people.camera_frames(4)
    assert len(set(frames)) == 4
    for jpeg in frames:
        result = look(matcher, jpeg)
        assert (result.found, result.match, result.guidance) == (True, True, "ok")
        assert result.distance is not None
        assert 0 < result.distance < 0.35


def test_a_stranger_does_not_match(matcher: FaceMatcher) -> None:
    for jpeg in people.stranger_frames(3):
        result = look(matcher, jpeg)
        assert (result.found, result.match, result.guidance) == (True, False, "ok")
        assert result.distance is not None
        assert result.distance > 0.65


def test_nobody_there(matcher: FaceMatcher) -> None:
    assert look(matcher, people.empty_frames(1)[0]) == FaceResult(False, None, False, "no-face")


def test_a_black_frame_is_too_dark(matcher: FaceMatcher) -> None:
    black = Image.new("RGB", people.FRAME_SIZE)
    assert look(matcher, black) == FaceResult(False, None, False, "too-dark")


def test_a_face_in_the_shadow_is_too_dark_to_judge(matcher: FaceMatcher) -> None:
    dim = picture(people.camera_frames(1)[0]).point(lambda value: value // 7)
    assert look(matcher, dim).guidance == "too-dark"


def test_a_face_far_away_is_asked_closer(matcher: FaceMatcher) -> None:
    room = Image.new("RGB", people.FRAME_SIZE, (150, 150, 150))
    room.paste(picture(people.camera_frames(1)[0]).resize((213, 160)), (200, 200))
    assert replace(look(matcher, room), luma=None) == FaceResult(True, None, False, "come-closer")


@pytest.mark.parametrize("light", [1.0, 0.4])
def test_a_moving_face_is_asked_to_hold_still(matcher: FaceMatcher, light: float) -> None:
    blurred = picture(people.camera_frames(1)[0]).filter(ImageFilter.GaussianBlur(5))
    moving = blurred.point(lambda value: int(value * light))
    seen = look(matcher, moving)
    assert replace(seen, luma=None) == FaceResult(True, None, False, "hold-still")
    assert seen.luma is not None


def test_a_sharp_face_in_dim_light_is_compared(matcher: FaceMatcher) -> None:
    dim = picture(people.camera_frames(1)[0]).point(lambda value: int(value * 0.4))
    assert look(matcher, dim).match


def test_a_gray_camera(matcher: FaceMatcher) -> None:
    assert look(matcher, picture(people.camera_frames(1)[0]).convert("L")).match


def test_the_threshold_decides(matcher: FaceMatcher) -> None:
    jpeg = people.camera_frames(1)[0]
    distance = look(matcher, jpeg).distance
    assert distance is not None
    strict = FaceMatcher(threshold=distance - 0.001)
    strict._child = matcher._child
    assert not look(strict, jpeg).match


def test_of_two_faces_the_larger_counts(matcher: FaceMatcher) -> None:
    both = picture(people.stranger_frames(1)[0]).crop((160, 0, 480, 480)).resize((160, 240))
    scene = picture(people.camera_frames(1)[0])
    scene.paste(both, (0, 240))
    assert look(matcher, scene).match


def test_a_photo_without_a_face_is_no_reference_and_leaves_no_older_one() -> None:
    async def story() -> None:
        matcher = FaceMatcher()
        try:
            for photo in (b"", b"garbage", people.empty_frames(1)[0]):
                await matcher.load_reference(people.portrait())
                with pytest.raises(DeviceError) as caught:
                    await matcher.load_reference(photo)
                assert caught.value.code == Fault.FACE_NO_REFERENCE
                await _assert_knows_nobody(matcher)
        finally:
            await matcher.forget()

    asyncio.run(story())


def test_forgetting_ends_the_process_that_knew_the_face() -> None:
    async def story() -> None:
        matcher = FaceMatcher()
        await matcher.load_reference(people.portrait())
        assert matcher._child
        process = matcher._child.pid
        assert process
        await matcher.forget()
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
        await _assert_knows_nobody(matcher)
        await matcher.forget()

    asyncio.run(story())


async def _assert_knows_nobody(matcher: FaceMatcher) -> None:
    with pytest.raises(DeviceError) as caught:
        await matcher.compare(frame(people.camera_frames(1)[0]))
    assert caught.value.code == Fault.FACE_NO_REFERENCE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces")
    (folder / "photo.jpg").write_bytes(people.portrait())
    (folder / "camera.jpg").write_bytes(people.camera_frames(1)[0])
    (folder / "stranger.jpg").write_bytes(people.stranger_frames(1)[0])
    (folder / "room.jpg").write_bytes(people.empty_frames(1)[0])
    (folder / "text.jpg").write_bytes(b"not an image")
    return folder


def test_two_files(folder: Path) -> None:
    row = compare.compare_files(folder / "photo.jpg", folder / "camera.jpg")
    assert (row.match, row.reason) == (True, "ok")
    assert row.score is not None
    assert row.score > 0.65


def test_a_table_of_pairs(folder: Path) -> None:
    pairs = [
        ("photo.jpg", "camera.jpg", "1", "ok"),
        ("photo.jpg", "stranger.jpg", "0", "ok"),
        ("room.jpg", "photo.jpg", "0", "no-face-in-first"),
        ("photo.jpg", "room.jpg", "0", "no-face-in-second"),
        ("text.jpg", "photo.jpg", "0", "unreadable-first"),
        ("photo.jpg", "text.jpg", "0", "unreadable-second"),
        ("photo.jpg", "absent.jpg", "0", "missing-second"),
        ("photo.jpg", "null\x01.jpg", "0", "missing-second"),
    ]
    source, target = folder / "in.csv", folder / "out.csv"
    lines = [f"{first},{second},note {n}" for n, (first, second, *_) in enumerate(pairs)]
    source.write_text("path1,path2,note\n" + "\n".join(lines) + "\n")
    done: list[int] = []
    assert compare.read_pair_count(source) == len(pairs)
    assert compare.compare_csv(source, target, progress=done.append) == len(pairs)
    assert done == list(range(1, len(pairs) + 1))
    with target.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(r["path1"], r["path2"], r["match"], r["reason"]) for r in rows] == pairs
    assert [row["note"] for row in rows] == [f"note {n}" for n in range(len(pairs))]
    assert [bool(row["score"]) for row in rows] == [row["reason"] == "ok" for row in rows]
    assert float(rows[0]["score"]) > 0.5 > float(rows[1]["score"])


def test_a_table_without_a_header(folder: Path) -> None:
    source, target = folder / "bare.csv", folder / "bare-out.csv"
    source.write_text(f"{folder}/photo.jpg,{folder}/photo.jpg\n")
    assert compare.compare_csv(source, target) == 1
    assert target.read_text().splitlines() == [
        "path1,path2,score,match,reason",
        f"{folder}/photo.jpg,{folder}/photo.jpg,1.0000,1,ok",
    ]


@pytest.mark.parametrize("table", [b"path1,path2\na.jpg\n", b"\xff\xfe\x00"])
def test_a_broken_table(tmp_path: Path, table: bytes) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(table)
    for path in (source, tmp_path / "absent.csv"):
        with pytest.raises(KioskError) as caught:
            compare.compare_csv(path, tmp_path / "out.csv")
        assert caught.value.code == Fault.INPUT_UNREADABLE


def test_a_file_that_kills_the_child_fails_its_pair_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, camera = str(folder / "photo.jpg"), str(folder / "camera.jpg")
    before = FaceMatcher.compare_images

    async def deadly(matcher: FaceMatcher, first: bytes, second: bytes) -> object:
        if first == second and matcher._child and matcher._child.pid:
            os.kill(matcher._child.pid, signal.SIGSEGV)
            matcher._child._process.wait()  # type: ignore[union-attr]
            raise DeviceError(DeviceFault.CHILD_DIED)
        return await before(matcher, first, second)

    monkeypatch.setattr(FaceMatcher, "compare_images", deadly)
    rows = list(compare.compare_pairs([(photo, camera), (photo, photo), (photo, camera)]))
    assert [row.reason for row in rows] == ["ok", "failed", "ok"]
    assert rows[2].score == rows[0].score


def test_an_image_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    find = face_worker._largest_face

    def counted(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> object:
        looks.append(1)
        return find(image)

    monkeypatch.setattr(face_worker, "_largest_face", counted)
    worker = face_worker.FaceWorker()
    portrait, camera = people.portrait(), people.camera_frames(1)[0]
    for second in (camera, camera, portrait):
        assert worker.compare_images(Blob.of(portrait), Blob.of(second))["reason"] == "ok"
    assert len(looks) == 2
