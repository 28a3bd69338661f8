"""A keyboard wedge made through /dev/uinput."""

from __future__ import annotations


def test_x() -> None:
    pass
