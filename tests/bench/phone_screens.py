"""QR codes on the screens of telephones, held before a camera: a model of light, glass and sensor.

Written down, and its ranges chosen from what is known of phones and webcams, before any decoder had
seen a picture of it; no picture is thrown away. One mistake was mended after the first look: the
bands of step 5 had fallen on the room too. The steps, in the order of the light:

1. *Screen.* 4 to 10 display pixels a module, each of three stripes with dark gaps between. White
   is 15% to 40% of what the sensor can take.
2. *Glass.* The room's light, 1% to 4%, and one or two mirrored lamps over the code: soft spots or
   strips, half width 3% to 8% of the code, up to four times as long, adding 10% to 90% of what the
   sensor can take.
3. *Place.* 3 to 8 sensor pixels a module (several distances), turned by up to 20 degrees, corners
   moved by up to 5%. The grid of the display beats with the sensor's (moire), as each sensor
   pixel takes the light of its own square only.
4. *Lens.* Out of focus by a deviation of 0.4 to 1.0 sensor pixels.
5. *Rolling shutter.* A dimmed back light is pulsed: bands in its light, 24 to 160 rows apart, 20%
   to 60% deep.
6. *Sensor.* Read noise of 1.5 to 3 levels, shot noise of 0.3 to 0.6 times the level (variance),
   then JPEG of quality 70 to 90, as a webcam sends it. Gray, 640 by 480.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
_Light = npt.NDArray[np.float32]
_WIDTH, _HEIGHT = 640, 480
_FINE = 3  # samples a display pixel, and a sensor pixel, each way


def phone_screen(modules: Callable[[int], npt.NDArray[np.bool_]], seed: int) -> Picture:
    """``modules``: dark modules of the code of a seed, quiet zone included."""
    random = np.random.default_rng((11, seed))
    code = modules(seed)
    screen = _screen(code, random)
    both = np.dstack([screen, _glass(screen.shape[0], random)])
    shining, mirrored = np.moveaxis(_through_lens(both, code.shape[0], random), 2, 0)
    return _sensor(shining * _bands(random) + mirrored, random)


def _screen(code: npt.NDArray[np.bool_], random: np.random.Generator) -> _Light:
    """Light of the display, 1.0 the most that the sensor takes; ``_FINE`` samples a pixel."""
    pixels = int(random.integers(4, 11))
    white = random.uniform(0.15, 0.40)
    display = np.kron(~code, np.ones((pixels, pixels), bool))
    stripes = np.array([[0.6, 1.8, 0.3], [0.6, 1.8, 0.3], [0.0, 0.0, 0.0]], np.float32)
    lit = np.kron(display, stripes * (9 / stripes.sum()))
    return (lit * white).astype(np.float32)


def _glass(side: int, random: np.random.Generator) -> _Light:
    """Light that the glass mirrors: the room's, and lamps."""
    light = np.full((side, side), random.uniform(0.01, 0.04), np.float32)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    for _ in range(int(random.integers(1, 3))):
        centre = random.uniform(0.1, 0.9, 2)
        width, long, angle = random.uniform(0.03, 0.08), random.uniform(1, 4), random.uniform(0, 3)
        along = (x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)
        across = (y - centre[1]) * np.cos(angle) - (x - centre[0]) * np.sin(angle)
        distance = np.sqrt((along / (width * long)) ** 2 + (across / width) ** 2)
        light = light + random.uniform(0.1, 0.9) / (1 + np.exp((distance - 1) * 8))
    return light.astype(np.float32)


def _through_lens(light: _Light, modules: int, random: np.random.Generator) -> _Light:
    """What falls on each pixel of the sensor, the mean over its square; (height, width, 2)."""
    side = light.shape[0]
    seen = random.uniform(3, 8) * modules * _FINE
    angle = np.deg2rad(random.uniform(-20, 20))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * seen / 2
    middle = np.array([_WIDTH, _HEIGHT]) * _FINE / 2
    corners = square @ turn.T + random.uniform(-0.05, 0.05, (4, 2)) * seen + middle
    source = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    warp = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    room = (0.0, float(random.uniform(0.02, 0.3)))
    size = (_WIDTH * _FINE, _HEIGHT * _FINE)
    fine = cv2.warpPerspective(light, warp, size, flags=cv2.INTER_LINEAR, borderValue=room)
    blurred = cv2.GaussianBlur(fine, (0, 0), float(random.uniform(0.4, 1.0)) * _FINE)
    squares = blurred.reshape(_HEIGHT, _FINE, _WIDTH, _FINE, 2)
    return squares.mean(axis=(1, 3), dtype=np.float32)  # type: ignore[no-any-return]


def _bands(random: np.random.Generator) -> _Light:
    """A factor for each row. Pulses are switched on and off, so the wave is steep."""
    apart, phase = random.uniform(24, 160), random.uniform(0, 2 * np.pi)
    wave = np.tanh(3 * np.sin(np.arange(_HEIGHT) * 2 * np.pi / apart + phase))
    factor = 1 - random.uniform(0.2, 0.6) * (0.5 - 0.5 * wave)
    return factor.astype(np.float32)[:, None]


def _sensor(light: _Light, random: np.random.Generator) -> Picture:
    level = np.clip(light, 0, 1) * 255
    variance = random.uniform(1.5, 3.0) ** 2 + random.uniform(0.3, 0.6) * level
    noisy = np.clip(level + random.normal(size=level.shape) * np.sqrt(variance), 0, 255)
    quality = int(random.integers(70, 91))
    _, jpeg = cv2.imencode(".jpg", noisy.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
    picture: Picture = cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE).astype(np.uint8)
    return picture
