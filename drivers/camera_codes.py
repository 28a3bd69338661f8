"""The camera in place of the code reader: a code that somebody holds before it.

Frames are decoded in the codes' own child, and what is found is a payload like any other: at most
4096 characters of data, never a command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from drivers.contract import Camera, Raster
from drivers.supervisor import Child, ChildSpec

_SPEC = ChildSpec("codes", "drivers.codes:CodesWorker", deadline=10.0, nice=5)


async def read_code(camera: Camera, show: Callable[[Raster], None], *, but: str = "") -> str:
    """The first payload before the camera. ``show`` gets every frame, at the pace of the camera;
    the newest is decoded whenever the last one is. ``but`` is passed over: a code that was refused
    is still held up when the next one is waited for. Of two codes in a picture neither counts.

    The camera is open, and the child there, only while this runs. Raises DeviceError: CAMERA_*,
    CHILD_*.
    """
    child = Child(_SPEC)
    decoding: asyncio.Task[list[str]] | None = None
    try:
        async with aclosing(camera.frames()) as frames:
            async for frame in frames:
                show(frame)
                if decoding and decoding.done():
                    found, decoding = decoding.result(), None
                    if len(found) == 1 and found[0] != but:
                        return found[0]
                decoding = decoding or asyncio.create_task(_decoded(child, frame))
    finally:
        await child.close()
        if decoding:  # its child is gone, so it is over; what came of it matters no more
            await asyncio.wait({decoding})
            decoding.exception()
    raise AssertionError("frames() ends by an error only")


async def _decoded(child: Child, frame: Raster) -> list[str]:
    payloads: list[str] = await child.call(
        "decode_frame",
        pixels=frame.pixels,
        width=frame.width,
        height=frame.height,
        channels=frame.channels,
    )
    return payloads
