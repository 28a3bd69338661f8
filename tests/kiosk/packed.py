"""Invented procedures and packs for tests."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from certify import packs
from certify.trust import NamedPack

BUILT_IN = Path("config/procedures/certified-copy.toml").read_text("utf-8")
BEGUN = date(2026, 1, 1)


def procedure(id: str, *, code: str = "1.004873", version: int = 1, title: str = "Hôn nhân") -> str:
    return (
        BUILT_IN.replace('id = "certified-copy"', f'id = "{id}"')
        .replace('code = "2.000815"', f'code = "{code}"')
        .replace("version = 1", f"version = {version}")
        .replace('title = "Chứng thực bản sao"', f'title = "{title}"')
        .replace('title = "Certified copy"', f'title = "{title} (en)"')
    )


def pack(
    procedures: dict[str, str],
    *,
    name: str = "civil-status",
    version: int = 1,
    effective: date = BEGUN,
    withdrawn: tuple[str, ...] = (),
) -> tuple[bytes, NamedPack]:
    data = packs.encode(packs.Pack(name, version, effective, procedures, frozenset(withdrawn)))
    return data, packs.name_of(data)
