"""Real OpenCV against the MJPEG emulator: frames are new, upright and small, faults have codes."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from drivers.camera import OpenCvCamera
from drivers.contract import DeviceError, Fault, Health, Raster
from drivers.emulators.mjpeg import MjpegCamera
from tests.drivers.image_devices import Pixels, encoded, picture

RED, GREEN, BLUE = (200, 30, 30), (30, 180, 40), (20, 40, 190)


def scene(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Image.Image:
    image = Image.new("RGB", (1280, 720), bottom)
    image.paste(top, (0, 0, 1280, 360))
    return image


FRAME = encoded(scene(RED, GREEN), "JPEG", quality=95)


@pytest.fixture
def stream() -> Iterator[MjpegCamera]:
    with MjpegCamera([FRAME], fps=50) as emulator:
        yield emulator


def run(story: Any, **options: Any) -> Any:
    async def main() -> Any:
        camera = OpenCvCamera(**options)
        try:
            return await story(camera)
        finally:
            await camera.close()

    return asyncio.run(main())


async def one(camera: OpenCvCamera) -> Pixels:
    frames = camera.frames()
    pixels = picture(await anext(frames)).pixels
    await frames.aclose()
    return pixels


async def work(stream: MjpegCamera, action: str, **arguments: Any) -> None:
    url = f"{stream.control_url}/{action}"
    answer = await asyncio.to_thread(requests.post, url, json=arguments, timeout=5)
    answer.raise_for_status()


async def drain(frames: AsyncIterator[Raster]) -> list[float]:
    """The mean level of every frame until the camera stops."""
    levels: list[float] = []

    async def take_all() -> None:
        async for raster in frames:
            levels.append(float(picture(raster).pixels.mean()))  # noqa: PERF401

    with pytest.raises(DeviceError) as caught:
        await take_all()
    assert caught.value.code == Fault.CAMERA_STOPPED
    return levels


def near(pixel: Any, colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(np.asarray(pixel, int) - colour).max() < 25)


def wait_for(condition: Any, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("rotation", "shape", "place"),
    [
        (0, (360, 640), (30, 320)),
        (90, (640, 360), (320, 330)),
        (180, (360, 640), (330, 320)),
        (270, (640, 360), (320, 30)),
    ],
)
def test_frames_are_rgb_small_and_turned_clockwise(
    stream: MjpegCamera, rotation: int, shape: tuple[int, int], place: tuple[int, int]
) -> None:
    pixels = run(one, source=stream.url, rotation=rotation)
    assert pixels.shape == (*shape, 3)
    assert near(pixels[place], RED)
    opposite = (shape[0] - 1 - place[0], shape[1] - 1 - place[1])
    assert near(pixels[opposite], GREEN)


def test_open_only_while_frames_are_taken(stream: MjpegCamera) -> None:
    async def story(camera: OpenCvCamera) -> None:
        for _ in range(2):
            frames = camera.frames()
            assert stream.state.viewers == 0
            picture(await anext(frames))
            assert stream.state.viewers == 1
            assert camera.status().health is Health.BUSY
            await frames.aclose()
            wait_for(lambda: stream.state.viewers == 0)
            assert camera.status().health is Health.READY

    run(story, source=stream.url)


def test_a_slow_reader_still_sees_the_newest_frame(stream: MjpegCamera, tmp_path: Path) -> None:
    (tmp_path / "next.png").write_bytes(encoded(scene(BLUE, BLUE)))

    async def pass_by(count: int) -> None:
        end = stream.state.frames_sent + count
        await asyncio.to_thread(wait_for, lambda: stream.state.frames_sent >= end)

    async def story(camera: OpenCvCamera) -> bool:
        frames = camera.frames()
        picture(await anext(frames))
        await pass_by(5)
        await work(stream, "show", paths=[str(tmp_path / "next.png")])
        assert stream.state.scene == 1
        await pass_by(20)
        newest = picture(await anext(frames)).pixels
        await frames.aclose()
        return near(newest[100, 100], BLUE)

    assert run(story, source=stream.url)


@pytest.mark.parametrize("fault", ["stopped", "silent", "frozen"])
def test_a_stream_that_ends_is_a_stopped_camera_and_can_start_again(
    stream: MjpegCamera, fault: str
) -> None:
    async def story(camera: OpenCvCamera) -> None:
        frames = camera.frames()
        picture(await anext(frames))
        await work(stream, "set", **{fault: True})
        await drain(frames)
        assert camera.status().code == Fault.CAMERA_STOPPED
        setattr(stream.state, fault, False)
        assert near((await one(camera))[10, 10], RED)

    run(story, source=stream.url, deadline=1.0, reopen_seconds=0.3)


def test_a_plug_pulled_and_put_back_is_a_pause(stream: MjpegCamera) -> None:
    async def story(camera: OpenCvCamera) -> None:
        frames = camera.frames()
        picture(await anext(frames))
        stream.state.stopped = True
        await asyncio.to_thread(wait_for, lambda: stream.state.viewers == 0)
        stream.state.stopped = False
        while not stream.state.viewers:  # first what was on its way when it broke off
            picture(await anext(frames))
        picture(await anext(frames))
        assert camera.status().health is Health.BUSY
        await frames.aclose()

    run(story, source=stream.url, reopen_seconds=20)


def test_a_check_tells_without_opening(stream: MjpegCamera) -> None:
    async def story(camera: OpenCvCamera) -> None:
        assert camera.status().health is Health.OPENING
        await camera.check()
        assert camera.status().health is Health.READY
        assert (camera._child.pid, stream.state.frames_sent) == (None, 0)
        stream.state.stopped = True  # something is there, but it gives no pictures
        with pytest.raises(DeviceError):
            await one(camera)
        await camera.check()
        assert camera.status().health is Health.FAULT
        assert camera.status().code == Fault.CAMERA_STOPPED
        stream.close()
        with pytest.raises(DeviceError) as caught:
            await camera.check()
        assert caught.value.code == camera.status().code == Fault.CAMERA_ABSENT

    run(story, source=stream.url)


@pytest.mark.parametrize("source", ["/dev/video99", "no-such-file.avi", "usb:1234:5678", "gone"])
def test_what_cannot_be_opened_is_absent(stream: MjpegCamera, source: str) -> None:
    if source == "gone":
        stream.state.stopped = True
        source = stream.url

    async def story(camera: OpenCvCamera) -> None:
        with pytest.raises(DeviceError) as caught:
            await one(camera)
        assert caught.value.code == Fault.CAMERA_ABSENT
        assert camera.status().health is Health.ABSENT

    run(story, source=source)


def test_a_camera_that_comes_back_needs_no_restart(stream: MjpegCamera) -> None:
    async def story(camera: OpenCvCamera) -> None:
        stream.state.stopped = True
        with pytest.raises(DeviceError):
            await one(camera)
        stream.state.stopped = False
        assert near((await one(camera))[10, 10], RED)

    run(story, source=stream.url)


def test_a_file_plays_at_its_own_pace_and_ends(tmp_path: Path) -> None:
    import cv2

    path = str(tmp_path / "film.avi")
    film = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (320, 240))
    for level in range(0, 250, 50):
        film.write(np.full((240, 320, 3), level, np.uint8))
    film.release()

    levels = run(lambda camera: drain(camera.frames()), source=path)
    assert levels == sorted(set(levels))
    assert len(levels) >= 3

    async def story(camera: OpenCvCamera) -> None:
        frames = camera.frames()
        picture(await anext(frames))
        assert path in opened_by(camera)
        await frames.aclose()
        assert path not in opened_by(camera)

    run(story, source=path)


def opened_by(camera: OpenCvCamera) -> list[str]:
    return [os.readlink(file) for file in Path(f"/proc/{camera._child.pid}/fd").iterdir()]


@pytest.mark.parametrize("pattern", ["", "f%02d.png"])
def test_pictures_of_a_folder_come_in_order(tmp_path: Path, pattern: str) -> None:
    for number in range(4):
        level = 40 + 50 * number
        image = Image.new("RGB", (320, 240), (level, level, level))
        (tmp_path / f"f{number:02d}.png").write_bytes(encoded(image))
    (tmp_path / "notes.txt").write_text("no picture")
    levels = run(lambda camera: drain(camera.frames()), source=str(tmp_path / pattern))
    assert levels == sorted(set(levels))
    assert set(levels) <= {40, 90, 140, 190}
    assert len(levels) >= 3


def test_a_camera_that_mirrors_is_set_right_before_it_is_turned(tmp_path: Path) -> None:
    image = Image.new("RGB", (320, 240), GREEN)
    image.paste(RED, (0, 0, 160, 240))
    for number in range(30):
        (tmp_path / f"{number:02d}.png").write_bytes(encoded(image))
    assert near(run(one, source=str(tmp_path))[120, 40], RED)
    assert near(run(one, source=str(tmp_path), mirrored=True)[120, 40], GREEN)
    assert near(run(one, source=str(tmp_path), mirrored=True, rotation=90)[40, 120], GREEN)


def test_a_scene_that_is_no_picture_is_refused(stream: MjpegCamera, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    answer = requests.post(
        f"{stream.control_url}/show", json={"paths": [str(tmp_path / "text.png")]}, timeout=5
    )
    assert (answer.status_code, stream.state.scene) == (400, 0)


def test_a_crooked_rotation_is_refused() -> None:
    with pytest.raises(ValueError, match="45"):
        OpenCvCamera(source="/dev/video0", rotation=45)
