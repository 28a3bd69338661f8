"""A camera is found by what it is, whichever number the kernel gave it this time."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.camera import OpenCvCamera
from drivers.camera_sources import look_for, node_of
from drivers.contract import DeviceError, Fault


def attach(root: Path, node: str, *, usb: str, index: str = "0", serial: str = "A1") -> None:
    """As Linux shows a camera: /sys/class/video4linux/videoN/device is its USB interface."""
    interface = root / "devices" / usb / f"{usb}:1.0"
    interface.mkdir(parents=True, exist_ok=True)
    for name, value in (("idVendor", "046d"), ("idProduct", "0825"), ("serial", serial)):
        (interface.parent / name).write_text(value + "\n")
    about = root / "class" / node
    about.mkdir(parents=True)
    (about / "index").write_text(index + "\n")
    (about / "device").symlink_to(interface)
    (root / "dev").mkdir(exist_ok=True)
    (root / "dev" / node).touch()


def found(root: Path, source: str) -> str:
    return Path(node_of(source, root / "dev", root / "class")).name


def test_by_vendor_and_product_wherever_it_is(tmp_path: Path) -> None:
    attach(tmp_path, "video0", usb="1-1", index="1")
    attach(tmp_path, "video3", usb="1-1")
    assert found(tmp_path, "usb:046D:0825") == "video3"


def test_by_serial_number_among_equals(tmp_path: Path) -> None:
    attach(tmp_path, "video0", usb="1-1", serial="A1")
    attach(tmp_path, "video2", usb="1-2", serial="B2")
    assert found(tmp_path, "usb:046d:0825:B2") == "video2"


def test_a_lasting_link_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "video4").touch()
    link = tmp_path / "usb-Maker_Camera-video-index0"
    link.symlink_to(tmp_path / "video4")
    assert node_of(str(link)) == str(link)
    link.unlink()
    with pytest.raises(DeviceError):
        node_of(str(link))


@pytest.mark.parametrize("source", ["usb:046d:0826", "usb:046d:0825:C3"])
def test_another_model_or_piece_is_not_it(tmp_path: Path, source: str) -> None:
    attach(tmp_path, "video0", usb="1-1")
    with pytest.raises(DeviceError) as caught:
        found(tmp_path, source)
    assert caught.value.code == Fault.CAMERA_ABSENT


@pytest.mark.parametrize("source", ["usb:046d", "usb:46d:825", "usb:046d:0825:", "usb:"])
def test_what_names_no_device_is_refused_before_it_is_looked_for(source: str) -> None:
    with pytest.raises(ValueError, match="not vvvv:pppp"):
        OpenCvCamera(source=source)


def test_folders_and_patterns_are_there(tmp_path: Path) -> None:
    look_for(str(tmp_path))
    look_for(str(tmp_path / "f%03d.png"))
    for source in ("", str(tmp_path / "none.avi"), "http://127.0.0.1:1/x", "http://[/x"):
        with pytest.raises(DeviceError):
            look_for(source)
