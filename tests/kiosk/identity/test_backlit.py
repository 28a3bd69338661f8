"""A window behind the person: is the dark face compared better after its light is raised?

The picture is the sandbox's own, with less light on the person, white behind, and the noise
of a sensor at that light. It says nothing about other faces.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from kiosk.identity import face_worker as inside
from kiosk.sandbox import people

Pixels = inside.Pixels


def backlit(jpeg: bytes, share: float, seed: int) -> Pixels:
    """``share`` of the light on the person, in linear light; shot and read noise of a webcam."""
    frame = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))
    light = (frame / 255.0) ** 2.2 * share
    person = Image.new("L", people.FRAME_SIZE, 0)
    draw = ImageDraw.Draw(person)
    draw.ellipse((170, 10, 470, 430), fill=255)
    draw.ellipse((40, 330, 600, 900), fill=255)
    window = 1 - np.asarray(person.filter(ImageFilter.GaussianBlur(12)))[..., None] / 255.0
    light = np.clip(light + window, 0, 1)
    noise = np.random.default_rng(seed).normal(size=light.shape)
    seen = np.clip(light + noise * np.sqrt(0.00002 + 0.0005 * light), 0, 1)
    return np.asarray(np.rint(255 * seen ** (1 / 2.2)), np.uint8)


def distances(share: float, frames: list[bytes]) -> list[tuple[float, float]]:
    """(as it is, with its light raised) of each picture in which a face is found."""
    reference: Any = inside._template_of_file(people.portrait())
    found = []
    for seed, jpeg in enumerate(frames):
        frame = backlit(jpeg, share, seed)
        if (box := inside._largest_face(frame)) is None:
            continue
        raised = inside._well_lit(frame, inside._mean_luma(frame, box))
        pair = (inside._template(picture, box) for picture in (frame, raised))
        plain, better = (inside._distance(template, reference) for template in pair)
        found.append((plain, better))
    return found


@pytest.mark.parametrize("share", [0.05, 0.1])
def test_a_backlit_face_comes_closer_to_its_photo(share: float) -> None:
    pairs = np.array(distances(share, people.camera_frames(4)))
    assert len(pairs) == 4
    assert pairs[:, 1].mean() < pairs[:, 0].mean() - 0.02


def test_a_backlit_stranger_stays_one() -> None:
    pairs = np.array(distances(0.1, people.stranger_frames(3)))
    assert len(pairs)
    assert pairs[:, 1].min() > 0.6


def test_a_face_in_good_light_is_left_as_it_is() -> None:
    frame = np.full((8, 8, 3), 120, np.uint8)
    assert inside._well_lit(frame, 120.0) is frame
    assert inside._well_lit(frame // 2, 60.0).mean() == pytest.approx(110, abs=1)
