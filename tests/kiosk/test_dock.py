"""Every button of the dock does at an emulator what it says, through the emulator's control."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from drivers.emulators.card_reader import CardReaderEmulator
from drivers.emulators.escl import EsclScanner
from drivers.emulators.escpos import EscposEmulator
from drivers.emulators.ipp import IppEmulator
from drivers.emulators.mjpeg import MjpegCamera
from drivers.emulators.serial_reader import SerialReaderEmulator
from kiosk.sandbox.cards import purse
from kiosk.sandbox.dock import Dock, Props
from tests.drivers.image_devices import encoded, page


@pytest.fixture
def props(tmp_path: Path) -> Props:
    sheet = tmp_path / "sheet.png"
    sheet.write_bytes(encoded(page(1)))
    return Props([sheet, sheet], [sheet], [sheet], lambda: "vneid-code")


@pytest.fixture
def controls(tmp_path: Path) -> Iterator[dict[str, str]]:
    with EsclScanner() as scanner, MjpegCamera([encoded(page(1))]) as camera:
        reader, printer = SerialReaderEmulator(tmp_path / "reader"), EscposEmulator()
        document_printer = IppEmulator()
        cards = CardReaderEmulator(kinds=purse(tmp_path / "card-state"))
        yield {
            "scanner": scanner.control_url,
            "camera": camera.control_url,
            "code-reader": reader.control_url,
            "receipt-printer": printer.control_url,
            "document-printer": document_printer.control_url,
            "card-reader": cards.control_url,
        }
        reader.close()
        printer.close()
        document_printer.close()
        cards.close()


def after(controls: dict[str, str], props: Props, device: str, *names: str) -> dict[str, Any]:
    """The device's state when all these buttons were pressed, and what the dock says of it."""
    with closing(Dock(controls, props)) as dock:
        for name in names:
            dock.press(device, name)
        dock._hand.submit(dock._look).result(10)
        state: dict[str, Any] = requests.get(controls[device], timeout=5).json()
        return {**state, "told": dock.lights()[device]}


@pytest.mark.parametrize(
    ("device", "names", "told"),
    [
        ("scanner", ["load"], ("2 sheets in, 0 scanned", True)),
        ("scanner", ["load", "jam"], ("jam; 2 sheets in, 0 scanned", False)),
        ("scanner", ["jam2"], ("waits to jam; 0 sheets in, 0 scanned", False)),
        ("scanner", ["lid", "mend"], ("0 sheets in, 0 scanned", True)),
        ("code-reader", ["phone", "other"], ("2 codes shown", True)),
        ("code-reader", ["unplug"], ("unplugged", False)),
        ("code-reader", ["unplug", "plug"], ("0 codes shown", True)),
        ("code-reader", ["unplug", "phone"], ("refused: HTTPError", False)),
        ("camera", ["silent"], ("frozen", False)),
        ("camera", ["off"], ("off", False)),
        ("camera", ["off", "on", "stranger"], ("closed", True)),
        ("receipt-printer", ["low"], ("roll low, 0 slips", False)),
        ("receipt-printer", ["out", "cover"], ("paper out, cover open, 0 slips", False)),
        ("receipt-printer", ["out", "refill", "cutter", "mend"], ("0 slips", True)),
        ("document-printer", ["out", "cover"], ("paper out, cover open, 0 jobs", False)),
        ("document-printer", ["unplug"], ("unplugged, 0 jobs", False)),
        ("document-printer", ["toner", "mend", "unplug", "plug"], ("0 jobs", True)),
        ("card-reader", ["hold", "two"], ("two cards", False)),
        ("card-reader", ["hold", "away"], ("no card", True)),
        ("card-reader", ["unplug"], ("unplugged", False)),
    ],
)
def test_what_a_hand_does_is_seen(
    controls: dict[str, str],
    props: Props,
    device: str,
    names: list[str],
    told: tuple[str, bool],
) -> None:
    with closing(Dock(controls, props)) as dock:
        dock._closed.set()  # the eye would look again after the last press
        dock._eye.join()
        for name in names:
            dock.press(device, name)
        dock._hand.submit(lambda: None).result(10)
        assert dock.lights()[device] == told


def test_every_button_is_taken_by_its_device(controls: dict[str, str], props: Props) -> None:
    """The control knows the action and its arguments: nothing is answered with an error."""
    with closing(Dock(controls, props)) as dock:
        dock._closed.set()
        dock._eye.join()
        for panel in dock.panels:
            for button in (*panel.buttons, *panel.buttons[:2]):
                if (panel.device, button.name) != ("code-reader", "phone"):
                    dock.press(panel.device, button.name)
                dock._hand.submit(lambda: None).result(10)
                assert "refused" not in dock.lights()[panel.device][0], button.name


def test_a_code_is_fresh_at_each_press(controls: dict[str, str]) -> None:
    codes = iter(["one", "two"])
    props = Props([], [], [], lambda: next(codes))
    assert after(controls, props, "code-reader", "phone", "phone")["shown"] == 2
    assert next(codes, None) is None


def test_a_device_that_is_missing_has_no_panel(controls: dict[str, str], props: Props) -> None:
    del controls["camera"]
    with closing(Dock(controls, props)) as dock:
        assert [panel.device for panel in dock.panels] == [
            "scanner",
            "code-reader",
            "receipt-printer",
            "document-printer",
            "card-reader",
        ]
        with pytest.raises(LookupError, match="camera has no off"):
            dock.press("camera", "off")


def test_an_emulator_that_is_gone_is_said(props: Props) -> None:
    reader = SerialReaderEmulator()
    with closing(Dock({"code-reader": reader.control_url}, props)) as dock:
        reader.close()
        dock._look()
        assert dock.lights()["code-reader"] == ("its emulator is gone", False)
