"""The kernel's vivid camera through OpenCV's V4L2, as the driver uses it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.camera import OpenCvCamera
from drivers.contract import DeviceError, Fault, Health
from tests.vm.hands import load, users

NODE = Path("/dev/video0")
VIVID = Path("/sys/bus/platform/drivers/vivid")
Story = Callable[[OpenCvCamera], Awaitable[Any]]


@pytest.fixture(autouse=True, scope="module")
def _vivid() -> None:
    """One webcam, without the radios, tuners and outputs that it could have as well."""
    load("vivid", "n_devs=1", "node_types=0x1", "num_inputs=1", "input_types=0x0")


@pytest.fixture(autouse=True)
def _plugged() -> Iterator[None]:
    yield
    if not NODE.exists():
        plug()


def unplug() -> None:
    (VIVID / "unbind").write_text("vivid.0")


def let_go() -> None:
    """Returns when nobody has the node of before open any more, so that its name is free."""
    while users(NODE):
        pass


def plug() -> None:
    (VIVID / "bind").write_text("vivid.0")


def run(story: Story, **options: Any) -> Any:
    async def main() -> Any:
        camera = OpenCvCamera(source=str(NODE), deadline=20, reopen_seconds=20, **options)
        try:
            return await asyncio.wait_for(story(camera), 150)
        finally:
            await camera.close()

    return asyncio.run(main())


def test_frames_come_and_the_node_is_open_only_while_they_are_wanted() -> None:
    async def story(camera: OpenCvCamera) -> None:
        await camera.check()
        assert camera.status().health is Health.READY
        assert users(NODE) == []
        frames = camera.frames()
        pictures = [await anext(frames) for _ in range(5)]
        assert users(NODE)
        await frames.aclose()
        assert users(NODE) == []
        assert len({bytes(picture.pixels.view()) for picture in pictures}) == 5
        assert all(max(p.width, p.height) <= 640 and p.channels == 3 for p in pictures)

    run(story)


@pytest.mark.parametrize("exposure", [None, 156.0], ids=["automatic", "fixed"])
def test_a_camera_without_an_exposure_control_is_left_to_itself(exposure: float | None) -> None:
    async def story(camera: OpenCvCamera) -> None:
        frames = camera.frames()
        await anext(frames)
        await camera.meter(20.0)
        await anext(frames)
        await frames.aclose()

    run(story, exposure=exposure)


def test_unbound_it_is_absent_and_bound_again_it_is_ready() -> None:
    async def story(camera: OpenCvCamera) -> None:
        unplug()
        with pytest.raises(DeviceError) as caught:
            await camera.check()
        assert caught.value.code == Fault.CAMERA_ABSENT
        assert camera.status().health is Health.ABSENT
        plug()
        await camera.check()
        assert camera.status().health is Health.READY
        frames = camera.frames()
        await anext(frames)
        await frames.aclose()

    run(story)


def test_unbound_while_used_and_bound_again_is_a_pause() -> None:
    async def story(camera: OpenCvCamera) -> None:
        frames = camera.frames()
        await anext(frames)
        await asyncio.to_thread(unplug)
        following = asyncio.create_task(anext(frames))
        await asyncio.to_thread(let_go)
        plug()
        await following
        await frames.aclose()

    run(story)
