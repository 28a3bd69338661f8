"""The exposure goes where the face is well lit, in steps, and the camera gets its own back."""

from __future__ import annotations

from typing import Any

import cv2
import pytest

from drivers.exposure import FaceExposure, better

MODE, VALUE = cv2.CAP_PROP_AUTO_EXPOSURE, cv2.CAP_PROP_EXPOSURE


class Sensor:
    """A capture whose picture of a face follows its exposure, as light and sRGB curve have it."""

    def __init__(self, light: float, *, own: float = 150.0, obeys: bool = True) -> None:
        self.values = {MODE: 3.0, VALUE: own}
        self._own = own
        self._light = light
        self._obeys = obeys

    def get(self, prop: int) -> float:
        return self.values[prop]

    def set(self, prop: int, value: float) -> bool:
        if not self._obeys and prop == VALUE:
            return False
        self.values[prop] = value
        if prop == MODE and value == 3:
            self.values[VALUE] = self._own
        return True

    @property
    def luma(self) -> float:
        return float(min(255 * (self._light * self.values[VALUE]) ** (1 / 2.2), 255))


def followed(sensor: Any, frames: int = 8) -> FaceExposure:
    exposure = FaceExposure(cv2, sensor, None)
    for _ in range(frames):
        exposure.follow(sensor.luma)
    return exposure


@pytest.mark.parametrize("light", [0.0002, 0.0004, 0.005, 0.02])
def test_a_dark_or_glaring_face_comes_right(light: float) -> None:
    sensor = Sensor(light)
    assert not 80 <= sensor.luma <= 160
    exposure = followed(sensor)
    assert 80 <= sensor.luma <= 160
    exposure.restore()
    assert (sensor.values[MODE], sensor.values[VALUE]) == (3, 150)


def test_a_well_lit_face_leaves_the_camera_alone() -> None:
    sensor = Sensor(0.001)
    followed(sensor)
    assert sensor.values[MODE] == 3


def test_no_step_is_larger_than_two_and_none_goes_out_of_reach() -> None:
    assert better(100, 1, 100) == 200
    assert better(100, 255, 100) == 50
    assert better(1500, 1, 100) == 1600
    assert better(2, 255, 2) == 1


def test_a_camera_that_cannot_be_told_is_left_to_itself() -> None:
    sensor = Sensor(0.0002, obeys=False)
    followed(sensor)
    assert sensor.values[MODE] == 3


def test_a_fixed_exposure_stays() -> None:
    sensor = Sensor(0.0002)
    exposure = FaceExposure(cv2, sensor, 90)
    exposure.follow(sensor.luma)
    exposure.restore()
    assert (sensor.values[MODE], sensor.values[VALUE]) == (1, 90)
