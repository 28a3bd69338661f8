"""A network camera: Motion JPEG as multipart/x-mixed-replace over HTTP."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Self

import segno
from PIL import Image

from drivers.emulators.control import Control
from drivers.emulators.loopback import LoopbackServer

_BOUNDARY = "frame"


@dataclass
class MjpegState:
    """``held``: somebody holds a code before the camera.

    ``stopped``: streams end and none begins; ``silent``: streams stay open without frames;
    ``frozen``: the same picture again and again, to the last bit, as of a camera that hangs.

    ``scene`` counts the calls of ``show``; ``viewers`` the streams open now; ``frames_sent`` the
    frames of all streams.
    """

    stopped: bool = False
    silent: bool = False
    frozen: bool = False
    held: bool = False
    fps: float = 15.0
    scene: int = 0
    viewers: int = 0
    frames_sent: int = 0


class MjpegCamera:
    """Shows ``frames`` (image files) over and over, from construction until ``close``.

    Control actions. ``show``: paths of image files that are the scene from now on. ``hold``: a
    telephone with the code of ``payload`` before the scene; ``take_away``: no longer.
    Raises ValueError for a frame that is no whole image.
    """

    def __init__(self, frames: Sequence[bytes], fps: float = 15.0, port: int = 0) -> None:
        self.state = MjpegState(fps=fps)
        self._frames = _lively(frames)
        self._held: tuple[bytes, ...] = ()
        self._last = b""
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._server = LoopbackServer(_handler(self), port)
        self._control = Control(
            self.state, {"show": self.show, "hold": self.hold, "take_away": self.take_away}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}/stream.mjpg"

    @property
    def address(self) -> str:
        return self.url

    @property
    def control_url(self) -> str:
        return self._control.url

    def show(self, paths: Sequence[Path | str]) -> None:
        """Raises OSError for a file that cannot be read, ValueError for one that is no image."""
        frames = _lively([Path(path).read_bytes() for path in paths])
        with self._lock:
            self._frames = frames
            self.state.scene += 1

    def hold(self, payload: str) -> None:
        self._held = _lively([_telephone(payload)])
        self.state.held = True

    def take_away(self) -> None:
        self.state.held, self._held = False, ()

    def close(self) -> None:
        self._closed.set()
        self._server.close()
        self._control.close()

    def stream(self) -> Iterator[bytes]:
        """Frames at their pace, until the camera stops."""
        with self._lock:
            self.state.viewers += 1
        try:
            number = 0
            while not self.state.stopped:
                frames = self._held or self._frames
                if frames and not self.state.silent:
                    if not (self.state.frozen and self._last):
                        self._last = frames[number % len(frames)]
                        number += 1
                    yield self._last
                    self.state.frames_sent += 1
                if self._closed.wait(1 / self.state.fps):
                    return
        finally:
            with self._lock:
                self.state.viewers -= 1


def _telephone(payload: str) -> bytes:
    """A lit screen of 300 pixels, a little askew, in a gray room of 640 by 480."""
    code = io.BytesIO()
    segno.make(payload, error="m").save(code, kind="png", scale=6, border=4)
    screen = Image.open(code).convert("RGB").resize((300, 300), Image.Resampling.BILINEAR)
    turned = screen.rotate(7, Image.Resampling.BILINEAR, expand=True, fillcolor=(90, 90, 85))
    room = Image.new("RGB", (640, 480), (90, 90, 85))
    room.paste(turned, (150, 70))
    out = io.BytesIO()
    room.save(out, "PNG")
    return out.getvalue()


def _lively(frames: Sequence[bytes]) -> tuple[bytes, ...]:
    """JPEGs of which no two in a row are equal: a sensor never sees the same light twice."""
    pictures = tuple(_as_jpeg(frame) for frame in frames)
    return (*pictures, _with_noise(pictures[0])) if len(pictures) == 1 else pictures


def _with_noise(picture: bytes) -> bytes:
    """A bright or dark spot of eight pixels in the corner."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    dark = image.getpixel((0, 0)) > (128, 128, 128)  # type: ignore[operator]
    image.paste((0, 0, 0) if dark else (255, 255, 255), (0, 0, 8, 8))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95)
    return out.getvalue()


def _as_jpeg(data: bytes) -> bytes:
    try:
        image = Image.open(io.BytesIO(data))
        rgb = image.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"not a readable image: {error}") from None
    if image.format == "JPEG":
        return data
    out = io.BytesIO()
    rgb.save(out, "JPEG", quality=95)
    return out.getvalue()


def _handler(camera: MjpegCamera) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            if self.path != "/stream.mjpg" or camera.state.stopped:
                self.send_error(404 if self.path != "/stream.mjpg" else 503)
                return
            self.send_response(200)
            kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
            self.send_header("Content-Type", kind)
            self.end_headers()
            for frame in camera.stream():
                head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(frame)}"
                self.wfile.write(head.encode() + b"\r\n\r\n" + frame + b"\r\n")

    return Handler
