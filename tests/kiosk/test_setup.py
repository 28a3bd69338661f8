"""What is attached becomes settings: nothing that is set is changed, nothing else is touched."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from drivers.emulators.card_reader import CardReaderEmulator
from drivers.emulators.hid_descriptors import KEYBOARD, pos_descriptor
from kiosk import finder, setup
from kiosk.__main__ import cli
from kiosk.failures import KioskError
from kiosk.found import Found
from kiosk.settings import CameraSettings, Devices, Settings, load
from tests.drivers.nodes import Machine

CAMERA = Found("camera", "source", "/dev/video0", "generic-v4l2", "a camera")
SECOND = Found("camera", "source", "/dev/video2", "generic-v4l2", "another camera")
PRINTER = Found("receipt_printer", "address", "usb:04b8:0202", "generic-escpos", "a printer")
FILE = """# our kiosk
[site]
kiosk_id = "kiosk-77"   # on the door

[devices.scanner]
url = "http://10.0.0.5/eSCL"
"""


def usb(*classes: int, wire: int = 2) -> list[list[SimpleNamespace]]:
    """A USB device with one configuration. ``wire``: protocol of its interfaces."""

    class Device(list):  # type: ignore[type-arg]
        idVendor, idProduct = 0x04B8, 0x0202  # noqa: N815

    faces = [SimpleNamespace(bInterfaceClass=kind, bInterfaceProtocol=wire) for kind in classes]
    return Device([faces])


def test_one_of_a_kind_is_taken_and_of_several_none() -> None:
    plan = setup.plan([CAMERA, PRINTER], Settings())
    assert plan.write == (CAMERA, PRINTER)
    plan = setup.plan([CAMERA, SECOND, PRINTER, PRINTER], Settings())
    assert (plan.write, plan.unclear) == ((PRINTER,), (CAMERA, SECOND))


def test_what_is_set_stays() -> None:
    given = Settings(devices=Devices(camera=CameraSettings(source="/dev/video9")))
    plan = setup.plan([CAMERA, PRINTER], given)
    assert (plan.write, plan.kept) == ((PRINTER,), (CAMERA,))


def test_only_what_was_found_is_written(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text(FILE)
    file.chmod(0o640)
    setup.write(file, [CAMERA, PRINTER])
    text = file.read_text()
    assert text.startswith(FILE)
    assert file.stat().st_mode & 0o777 == 0o640
    settings = load(file)
    assert settings.devices.camera.source == "/dev/video0"
    assert settings.devices.receipt_printer.address == "usb:04b8:0202"
    assert settings.devices.scanner.url == "http://10.0.0.5/eSCL"
    assert [entry.name for entry in tmp_path.iterdir()] == ["kiosk.toml"]


def test_a_new_file_holds_only_devices(tmp_path: Path) -> None:
    setup.write(tmp_path / "new.toml", [CAMERA])
    assert load(tmp_path / "new.toml").devices.camera.profile == "generic-v4l2"
    assert "[site]" not in (tmp_path / "new.toml").read_text()


@pytest.mark.parametrize("text", ["[devices", "devices = 3\n"])
def test_a_file_that_is_no_settings_file_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text(text)
    with pytest.raises(KioskError) as raised:
        setup.write(file, [CAMERA])
    assert raised.value.code == "settings.invalid"
    assert file.read_text() == text


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(KioskError, match="No such file"):
        setup.write(tmp_path / "none" / "kiosk.toml", [CAMERA])


def test_printers_are_found_by_their_class() -> None:
    assert finder.usb_printers([usb(3), usb(3, 7)]) == [
        Found("receipt_printer", "address", "usb:04b8:0202", "generic-escpos", "USB printer")
    ]


def test_a_page_printer_with_ipp_over_usb_is_no_receipt_printer() -> None:
    assert finder.usb_printers([usb(7, wire=4)]) == []


def test_card_readers_are_found_by_the_part_of_the_name_that_lasts(tmp_path: Path) -> None:
    emulator = CardReaderEmulator()
    try:
        (found,) = asyncio.run(finder.card_readers(emulator.address))
        emulator.die()
        assert asyncio.run(finder.card_readers(emulator.address)) == []
    finally:
        emulator.close()
    assert (found.section, found.value) == ("card_reader", "Emulated Card Reader ?? ??")
    setup.write(tmp_path / "kiosk.toml", [found])
    settings = load(tmp_path / "kiosk.toml")
    assert settings.devices.card_reader.reader == found.value
    assert setup.plan([found], settings).kept == (found,)


def test_of_the_nodes_of_a_camera_the_first_is_found(tmp_path: Path) -> None:
    for node, index in (("video0", "0"), ("video1", "1")):
        (tmp_path / "dev").mkdir(exist_ok=True)
        (tmp_path / "dev" / node).touch()
        (tmp_path / "sys" / node).mkdir(parents=True)
        (tmp_path / "sys" / node / "index").write_text(f"{index}\n")
        (tmp_path / "sys" / node / "name").write_text("HD Camera\n")
    (found,) = finder.cameras(tmp_path / "dev", tmp_path / "sys")
    assert (found.value, found.what) == (str(tmp_path / "dev" / "video0"), "HD Camera")
    link = tmp_path / "dev" / "v4l" / "by-id" / "usb-Maker_HD_Camera-video-index0"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "dev" / "video0")
    (found,) = finder.cameras(tmp_path / "dev", tmp_path / "sys")
    assert found.value == str(link)


def test_serial_ports_by_the_name_that_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = tmp_path / "ttyACM0"
    node.touch()
    (tmp_path / "serial" / "by-id").mkdir(parents=True)
    link = tmp_path / "serial" / "by-id" / "usb-ACME_Reader_1234-if00"
    link.symlink_to(node)
    ports = [
        SimpleNamespace(device=str(node), vid=0x1234, manufacturer="ACME", product="Reader"),
        SimpleNamespace(device="/dev/ttyS0", vid=None, manufacturer=None, product=None),
    ]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: ports)
    (found,) = finder.serial_ports(tmp_path)
    assert (found.value, found.what) == (f"serial:{link}", "ACME Reader")


def test_sane_that_crashes_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "SaneFinder", None)
    monkeypatch.setattr(finder, "__name__", "tests.kiosk.test_setup")
    assert asyncio.run(finder.sane_scanners()) == []


class SaneFinder:
    """Run in the child in place of the real one."""

    def devices(self) -> None:
        raise SystemExit(11)


def found_by(monkeypatch: pytest.MonkeyPatch, *found: Found) -> None:
    async def everything(escl: str, ipp: str, *, pcsc: str) -> list[Found]:
        return list(found)

    monkeypatch.setattr(finder, "everything", everything)


def test_the_command_asks_before_it_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text('[site]\nenvironment = "test"\n')
    command = ["devices", "setup", "--settings", str(file), "--into", str(file)]
    found_by(monkeypatch, CAMERA, SECOND, PRINTER)
    no = CliRunner().invoke(cli, command, input="n\n")
    assert no.exit_code == 1
    assert load(file).devices == Devices()
    yes = CliRunner().invoke(cli, [*command, "--yes"])
    assert yes.exit_code == 0
    assert "several of a kind" in yes.output
    assert load(file).devices.receipt_printer.address == "usb:04b8:0202"
    assert load(file).devices.camera.source == ""
    again = CliRunner().invoke(cli, command)
    assert (again.exit_code, "nothing to write" in again.output) == (0, True)


def test_where_nothing_is_found_it_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text('[site]\nenvironment = "test"\n')
    found_by(monkeypatch)
    done = CliRunner().invoke(cli, ["devices", "setup", "--settings", str(file)])
    assert done.exit_code == 0
    assert "pcscd" in done.output
    assert "SANE" in done.output


def test_readers_are_found_by_what_they_say_of_themselves(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    pipes = [
        machine.hidraw("hidraw0", KEYBOARD),
        machine.hidraw("hidraw1", pos_descriptor()),
        machine.keyboard("event1"),  # the same reader, which can type as well
        machine.keyboard("event2", "CR-0002"),
        machine.keyboard("event3", "K-1"),
    ]
    (machine.sys / "input" / "event3" / "device" / "name").write_text("Office keyboard\n")
    found = finder.hid_readers(machine.dev, machine.sys)
    assert [(one.value, one.profile) for one in found] == [
        ("hid-pos:1209:0001:CR-0001", "generic-hid-pos"),
        ("wedge:1209:0001:CR-0002", "generic-wedge"),
    ]
    assert finder.hid_readers(tmp_path / "none", tmp_path / "none") == []
    for pipe in pipes:
        pipe.pull()
