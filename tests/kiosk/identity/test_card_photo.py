"""The photo out of a chip, JPEG or JPEG 2000, is a reference for the face before the camera."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from drivers.wire import Blob
from kiosk.identity.face_worker import FaceWorker
from kiosk.identity.groups import photo
from kiosk.sandbox.card_state import dg2
from kiosk.sandbox.people import camera_frames, card_portrait


@pytest.mark.parametrize("form", ["JPEG", "JPEG2000"])
def test_the_face_on_the_card_is_found_again(form: str) -> None:
    stored = io.BytesIO()
    Image.open(io.BytesIO(card_portrait())).save(stored, form)
    worker = FaceWorker()
    worker.load_reference(Blob.of(photo(dg2(stored.getvalue()))))
    frame = Image.open(io.BytesIO(camera_frames(1)[0])).convert("RGB")
    seen = worker.compare(Blob.of(frame.tobytes()), frame.width, frame.height, 3)
    assert seen["distance"] < 0.4
