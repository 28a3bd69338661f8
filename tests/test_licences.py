"""Everything we install may be used by a kiosk, and docs/decisions says what it is."""

from __future__ import annotations

import re
from importlib.metadata import version

import pytest
from packaging.version import Version

from tests import licences

RECORD = (licences.ROOT / "docs/decisions/0011-licences.md").read_text("utf-8")
LGPL_OF_QT = {"QtQuick", "QtQuick.Layouts", "QtQuick.Shapes", "QtQuick.Templates"}


def test_every_locked_package_has_a_licence_that_is_allowed() -> None:
    found = {name: licences.licence_of(name) for name in licences.locked()}
    assert len(found) > 80
    assert {name: said for name, said in found.items() if not licences.is_allowed(said)} == {}


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("", False),
        ("Apache-2.0 AND MIT", True),
        ("MIT AND GPL-2.0-only", False),
        ("GPL-2.0-only OR LGPL-3.0-only", True),
        ("GPL-2.0-only OR MIT AND AGPL-3.0-only", False),
    ],
)
def test_one_of_an_or_and_all_of_an_and(expression: str, allowed: bool) -> None:
    assert licences.is_allowed(expression) is allowed


def test_what_was_read_by_hand_is_still_installed_and_on_record() -> None:
    assert set(licences.READ_BY_HAND) <= set(licences.locked())
    for name, (_, why) in licences.READ_BY_HAND.items():
        assert f"| {name} | {why} |" in RECORD


def test_the_installed_packages_are_the_locked_ones() -> None:
    """Otherwise the licences above are those of other versions."""
    lock = (licences.ROOT / "requirements.lock").read_text("utf-8")
    pinned = re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE)
    assert len(pinned) == len(licences.locked())
    for name, wanted in pinned:
        assert Version(version(name)) == Version(wanted), name


def test_the_record_lists_every_package_and_its_licence() -> None:
    """``python -m tests.licences`` prints the table that belongs there."""
    assert "\n".join(licences.table()) in RECORD


def test_the_record_lists_every_debian_package() -> None:
    lines = (licences.ROOT / "packages.apt").read_text("utf-8").splitlines()
    wanted = {line.partition("#")[0].strip() for line in lines} - {""}
    assert len(wanted) > 20
    assert {name for name in wanted if f"`{name}`" not in RECORD} == set()


def test_nothing_under_the_agpl_is_installed_by_us() -> None:
    packages = (licences.ROOT / "packages.apt").read_text("utf-8")
    assert "ghostscript" not in packages
    assert {"pymupdf", "ghostscript"}.isdisjoint(licences.locked())


def test_qml_uses_the_lgpl_parts_of_qt_only() -> None:
    """The wheel also carries modules under the GPL, as Qt Virtual Keyboard."""
    sources = [file.read_text("utf-8") for file in (licences.ROOT / "ui").rglob("*.qml")]
    imported = {name for text in sources for name in re.findall(r"^import (Qt[\w.]*)", text, re.M)}
    assert "QtQuick" in imported
    assert imported <= LGPL_OF_QT
