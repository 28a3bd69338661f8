"""A code held before the camera, over the real wire and through the codes' own child."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import segno
from PIL import Image

from drivers.camera import OpenCvCamera
from drivers.camera_codes import read_code
from drivers.contract import DeviceError, Fault, Health, Raster
from drivers.emulators.mjpeg import MjpegCamera
from tests.drivers.image_devices import encoded

PAYLOAD = "vneid:0123456789abcdef0123456789abcdef"
WALL = encoded(Image.new("RGB", (640, 480), (120, 118, 110)))


@pytest.fixture
def stream() -> Iterator[MjpegCamera]:
    with MjpegCamera([WALL], fps=30) as emulator:
        yield emulator


class Watcher:
    """Does ``deed`` when the first frame was shown."""

    def __init__(self, deed: object = None) -> None:
        self.shown = 0
        self._deed = deed

    def __call__(self, frame: Raster) -> None:
        assert frame.channels == 3
        self.shown += 1
        if self.shown == 2 and callable(self._deed):
            self._deed()


def read(stream: MjpegCamera, show: Watcher, *, but: str = "") -> str:
    async def main() -> str:
        camera = OpenCvCamera(source=stream.url, deadline=2.0, reopen_seconds=0.2)
        try:
            return await read_code(camera, show, but=but)
        finally:
            assert camera.status().health is not Health.BUSY
            await camera.close()

    return asyncio.run(main())


def test_a_code_that_is_held_up_is_read(stream: MjpegCamera) -> None:
    show = Watcher(lambda: stream.hold(PAYLOAD))
    assert read(stream, show) == PAYLOAD
    assert show.shown >= 3


def test_a_code_that_was_refused_does_not_count_again(stream: MjpegCamera) -> None:
    stream.hold("vneid:old")
    assert read(stream, Watcher(lambda: stream.hold(PAYLOAD)), but="vneid:old") == PAYLOAD


def test_of_two_codes_neither_counts(stream: MjpegCamera, tmp_path: Path) -> None:
    both = Image.new("RGB", (640, 480), "white")
    for place, text in ((10, "một"), (330, "hai")):
        out = io.BytesIO()
        segno.make(text, error="m").save(out, kind="png", scale=8)
        both.paste(Image.open(out).convert("RGB"), (place, 40))
    (tmp_path / "both.png").write_bytes(encoded(both))
    stream.show([tmp_path / "both.png"])
    assert read(stream, Watcher(lambda: stream.hold(PAYLOAD))) == PAYLOAD


def test_a_camera_that_stops_is_told(stream: MjpegCamera) -> None:
    def switch_off() -> None:
        stream.state.stopped = True

    with pytest.raises(DeviceError) as caught:
        read(stream, Watcher(switch_off))
    assert caught.value.code == Fault.CAMERA_STOPPED
