"""The units: systemd itself reads them, and its own measure of exposure stays low."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

UNITS = Path("systemd")


@pytest.mark.parametrize(("unit", "most"), [("kiosk-link.service", 1.2), ("kiosk.service", 4.0)])
def test_exposure(unit: str, most: float) -> None:
    """Of 10, all doors open. The screen needs a terminal, devices, PAM; link needs a network."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", UNITS / unit],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= most


def test_link_is_started_again_however_often_it_ends() -> None:
    unit = (UNITS / "kiosk-link.service").read_text()
    assert re.search(r"^\[Unit\]\n(?:(?!\[).*\n)*StartLimitIntervalSec=0$", unit, re.MULTILINE)
    assert re.search(r"^Restart=always$", unit, re.MULTILINE)


def test_what_they_start_is_a_command() -> None:
    from kiosk.__main__ import cli

    for file in UNITS.glob("*.service"):
        (start,) = re.findall(r"^ExecStart=.*/bin/kiosk (\w+)$", file.read_text(), re.MULTILINE)
        assert start in cli.commands


def test_udev_rules_are_well_formed_and_give_the_kiosk_its_groups() -> None:
    """The grammar of udev(7), since Debian 12 has no ``udevadm verify``, and groups that exist."""
    pair = r'[A-Z]+(?:\{[\w/]+\})?(?:==|!=|\+=|:=|=)"[^"]*"'
    service = (UNITS / "kiosk.service").read_text()
    (held,) = re.findall(r"^SupplementaryGroups=(.*)$", service, re.MULTILINE)
    lines = (UNITS / "60-kiosk.rules").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert len(rules) >= 5
    for rule in rules:
        assert re.fullmatch(rf"{pair}(?:, {pair})*", rule), rule
        assert set(re.findall(r'GROUP="(\w+)"', rule)) <= set(held.split())
        assert "==" in rule, "it would match everything"
