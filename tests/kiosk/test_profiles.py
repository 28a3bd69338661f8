"""Profiles are data: all that ship are valid, and a wrong one is told by file, key and reason."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import Health
from drivers.serial_line import SerialWire
from kiosk import devices
from kiosk.failures import KioskError
from kiosk.profiles import (
    CameraProfile,
    CodeReaderProfile,
    ReceiptPrinterProfile,
    ScannerProfile,
    names,
    parse,
    profile,
)
from kiosk.settings import (
    CameraSettings,
    CodeReaderSettings,
    Devices,
    ReceiptPrinterSettings,
    ScannerSettings,
)

FOLDER = resources.files("config") / "devices"
SCANNER = 'kind = "scanner"\ntitle = "Some scanner"\nsource = "its datasheet"\n'
READER = 'kind = "code-reader"\ntitle = "Some reader"\nsource = "its manual"\n'
PRINTER = 'kind = "receipt-printer"\ntitle = "Some printer"\nsource = "its datasheet"\n'


@pytest.mark.parametrize("name", names())
def test_what_ships_is_valid_and_says_that_nobody_tried_it(name: str) -> None:
    text = (FOLDER / f"{name}.toml").read_text("utf-8")
    found = parse(text, name)
    assert found.source
    assert found.tried or "Not tried on a device." in text


def test_there_is_a_generic_one_of_every_kind() -> None:
    kinds = {parse((FOLDER / f"{n}.toml").read_text("utf-8"), n).kind for n in names()}
    assert kinds == {"scanner", "code-reader", "camera", "receipt-printer"}


def test_the_defaults_are_profiles() -> None:
    given = Devices()
    assert profile(given.scanner.profile, ScannerProfile, "x")
    assert profile(given.code_reader.profile, CodeReaderProfile, "x")
    assert profile(given.camera.profile, CameraProfile, "x")
    assert profile(given.receipt_printer.profile, ReceiptPrinterProfile, "x")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("kind = ", "some.toml: "),
        (SCANNER.replace("scanner", "toaster", 1), "some.toml: kind: "),
        (SCANNER.replace('source = "its datasheet"\n', ""), "some.toml: source: "),
        (SCANNER + "no_cancel = 7\n", "some.toml: no_cancel: "),
        (SCANNER + "colour = true\n", "some.toml: colour: "),
        (SCANNER + 'texts = { "Paper gone" = "device.scanner.hungry" }\n', "some.toml: texts"),
        (PRINTER + 'dots = { "80" = 577 }\n', "some.toml: dots"),
        (PRINTER + 'dots = { "80" = 576 }\nstatus = [5]\n', "some.toml: status"),
    ],
)
def test_a_wrong_one_is_told_by_file_key_and_reason(text: str, reason: str) -> None:
    with pytest.raises(KioskError, match=re.escape(reason)) as raised:
        parse(text, "some.toml")
    assert raised.value.code == "settings.invalid"


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(KioskError, match=r"devices\.scanner\.profile.*generic-escl"):
        devices.scanner(ScannerSettings(profile="no-such"), Path("unused"))


def test_a_profile_of_another_kind_is_refused() -> None:
    with pytest.raises(KioskError, match="epson-tm-t88v is for a receipt-printer"):
        devices.scanner(ScannerSettings(profile="epson-tm-t88v"), Path("unused"))


def test_paper_that_the_model_does_not_take_is_refused() -> None:
    wrong = ReceiptPrinterSettings(profile="epson-tm-t88v", address="tcp://h:9100", width_mm=58)
    with pytest.raises(KioskError, match=r"width_mm: epson-tm-t88v has no paper of 58 mm"):
        devices.receipt_printer(wrong)


def test_the_settings_baud_wins_over_the_profile() -> None:
    def wire(**given: Any) -> Any:
        line = CodeReaderSettings(
            profile="generic-serial-stx-etx", address="serial:/dev/ttyS0", **given
        )
        return vars(devices.code_reader(line))["_wire"]

    assert wire() == SerialWire("/dev/ttyS0", 9600, b"\x03")
    assert wire(baud=19200) == SerialWire("/dev/ttyS0", 19200, b"\x03")


def test_an_address_that_no_reader_has_is_told_by_its_key() -> None:
    with pytest.raises(KioskError, match=r"devices\.code_reader\.address: ") as raised:
        devices.code_reader(CodeReaderSettings(address="/dev/ttyACM0"))
    assert raised.value.code == "settings.invalid"


def test_a_camera_is_absent_from_the_start_without_a_source_and_refused_with_a_wrong_one() -> None:
    assert devices.camera(CameraSettings()).status().health is Health.ABSENT
    with pytest.raises(KioskError, match=r"camera\.source: '046d'"):
        devices.camera(CameraSettings(source="usb:046d"))


def test_a_profile_says_what_a_payload_looks_like() -> None:
    text = READER + 'suffix = "\\t"\nsymbologies = ["Q"]\naim = true\nfallback = "cp1258"\n'
    found = parse(text, "some.toml")
    assert isinstance(found, CodeReaderProfile)
    assert (found.symbologies, found.aim, found.fallback) == (("Q",), True, "cp1258")
    for wrong in ('symbologies = ["QR"]', 'fallback = "utf-16"', "aim = 3"):
        with pytest.raises(KioskError, match=r"some\.toml: "):
            parse(f"{READER}{wrong}\n", "some.toml")
