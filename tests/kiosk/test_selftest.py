"""``kiosk doctor --self-test`` on emulated devices: what was printed is scanned and read again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from drivers.contract import DeviceError, Fault, Raster
from drivers.wire import Blob
from kiosk import devices, selftest
from tests.kiosk.rig import Rig, rig_in


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with rig_in(tmp_path) as rig:
        yield rig


@pytest.fixture
def bench(rig: Rig) -> Iterator[selftest.Bench]:
    given = rig.settings.devices
    kiosk: Any = SimpleNamespace(
        scanner=devices.scanner(given.scanner, rig.file.parent),
        camera=devices.camera(given.camera),
        reader=devices.code_reader(given.code_reader),
        receipt=devices.receipt_printer(given.receipt_printer),
    )
    yield selftest.bench(kiosk, selftest.ControlHands(rig.controls))

    async def close() -> None:
        for device in vars(kiosk).values():
            await device.close()

    asyncio.run(close())


async def in_order(bench: selftest.Bench) -> dict[str, str]:
    """What each self-test says, or its code."""
    said = {}
    for name, run in selftest.TESTS:
        try:
            said[name] = await run(bench)
        except DeviceError as error:
            said[name] = error.code
    return said


def test_a_slip_is_printed_scanned_and_read(rig: Rig, bench: selftest.Bench) -> None:
    said = asyncio.run(in_order(bench))
    assert said["slip scanned"] == "the printed code was read back"
    assert said["slip read"] == "the printed code came back"
    assert said["camera picture"].startswith("640 x 480")
    assert rig.printer.state.printed == 1


def test_without_a_slip_the_rest_of_the_loop_is_not_called_well(
    rig: Rig, bench: selftest.Bench
) -> None:
    rig.printer.set(paper="out")
    said = asyncio.run(in_order(bench))
    assert said["test slip"] == Fault.RECEIPT_PAPER_OUT
    assert said["slip scanned"] == Fault.SCANNER_EMPTY
    assert said["slip read"] == Fault.READER_GARBLED


def test_another_code_is_not_the_slips(rig: Rig, bench: selftest.Bench) -> None:
    class Swapped(selftest.ControlHands):
        async def show_slip_to_reader(self, payload: str) -> None:
            await super().show_slip_to_reader("somebody else's")

    bench.hands = Swapped(rig.controls)
    bench.printed = True
    with pytest.raises(DeviceError) as raised:
        asyncio.run(selftest.read_slip(bench))
    assert raised.value.code == Fault.READER_GARBLED


@pytest.mark.parametrize(
    ("level", "noise", "word"), [(5, 3, "black"), (150, 0.5, "sharp"), (150, 30, "")]
)
def test_a_picture_must_show_something(level: int, noise: float, word: str) -> None:
    rng = np.random.default_rng(1)
    pixels = np.clip(rng.normal(level, noise, (60, 80, 3)), 0, 255).astype(np.uint8)

    class Camera:
        async def frames(self) -> Any:
            yield Raster(Blob.of(pixels.tobytes()), 80, 60, 3)

    kiosk: Any = SimpleNamespace(camera=Camera())
    looking = selftest.camera_frame(selftest.bench(kiosk, selftest.PersonsHands(print)))
    if word:
        with pytest.raises(DeviceError, match=word):
            asyncio.run(looking)
    else:
        assert asyncio.run(looking).startswith("80 x 60")
