"""Writing what was found into a settings file, and nothing else in it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from kiosk.failures import Fault, KioskError
from kiosk.found import Found
from kiosk.settings import Settings


@dataclass(frozen=True, slots=True)
class Plan:
    """``write``: to be set. ``kept``: the settings already name another. ``unclear``: several of
    one kind, so a person must choose."""

    write: tuple[Found, ...]
    kept: tuple[Found, ...]
    unclear: tuple[Found, ...]


def plan(found: Iterable[Found], settings: Settings) -> Plan:
    """What is set stays; of a kind of which several are attached none is taken."""
    candidates = list(dict.fromkeys(found))
    write, kept, unclear = [], [], []
    for one in candidates:
        alike = [other for other in candidates if other.section == one.section]
        if is_set(settings, one.section):
            kept.append(one)
        elif len(alike) > 1:
            unclear.append(one)
        else:
            write.append(one)
    return Plan(tuple(write), tuple(kept), tuple(unclear))


def is_set(settings: Settings, section: str) -> bool:
    """Whether the settings name a device of this kind."""
    values = getattr(settings.devices, section)
    keys = {"url", "device", "port", "source", "address", "uri", "reader"}
    return any(getattr(values, key, "") for key in keys)


def write(file: Path, chosen: Iterable[Found]) -> None:
    """Set address, profile and what else is known of each; comments and other keys stay.

    Raises KioskError (SETTINGS_INVALID) when the file cannot be read or written.
    """
    try:
        document = tomlkit.parse(file.read_text("utf-8")) if file.exists() else tomlkit.document()
        for one in chosen:
            table = _table(_table(document, "devices"), one.section)
            if one.profile:
                table["profile"] = one.profile
            for key, value in ((one.key, one.value), *one.also):
                table[key] = value
        half = file.with_name(f"{file.name}.part")
        half.write_text(tomlkit.dumps(document), "utf-8")
        if file.exists():
            half.chmod(file.stat().st_mode & 0o777)
        os.replace(half, file)
    except OSError as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"{file}: {error.strerror}") from None
    except TOMLKitError as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"{file}: {error}") from None


def _table(parent: tomlkit.TOMLDocument | tomlkit.items.Table, name: str) -> tomlkit.items.Table:
    if name not in parent:
        parent[name] = tomlkit.table(is_super_table=name == "devices")
    table = parent[name]
    if not isinstance(table, dict):
        raise KioskError(Fault.SETTINGS_INVALID, f"{name} is not a table")
    return table  # type: ignore[return-value]
