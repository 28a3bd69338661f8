"""Settings: documented with their defaults, strict, and precise about what is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from kiosk.failures import Fault, KioskError
from kiosk.settings import Settings, load


def test_the_documented_file_is_exactly_the_defaults() -> None:
    documented = tomllib.loads(Path("config/kiosk.toml").read_text("utf-8"))
    defaults = Settings().model_dump(mode="json", exclude_none=True)
    assert documented == defaults


def test_every_setting_is_described() -> None:
    def undescribed(model: Any, prefix: str = "") -> list[str]:
        names: list[str] = []
        for name, field in model.model_fields.items():
            inner = field.annotation
            if hasattr(inner, "model_fields"):
                names += undescribed(inner, f"{prefix}{name}.")
            elif not field.description:
                names.append(prefix + name)
        return names

    assert undescribed(Settings) == []


def test_later_files_win_key_by_key(tmp_path: Path) -> None:
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    first.write_text('[site]\nkiosk_id = "a"\ncommune = "Xã Một"\n', "utf-8")
    second.write_text('[site]\nkiosk_id = "b"\n', "utf-8")
    site = load(first, second).site
    assert (site.kiosk_id, site.commune) == ("b", "Xã Một")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[site]\nkiosk_ident = 1\n", "site.kiosk_ident"),
        ("[screen]\nidle_seconds = -1\n", "screen.idle_seconds"),
        ('[devices.scanner]\ndpi = "many"\n', "devices.scanner.dpi"),
        ("[site\n", "line 1"),
    ],
)
def test_a_mistake_is_told_with_file_and_key(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text(text)
    with pytest.raises(KioskError) as caught:
        load(file)
    assert caught.value.code == Fault.SETTINGS_INVALID
    assert str(file) in caught.value.detail
    assert named in caught.value.detail


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(KioskError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[link]\nportal = "http://portal.example"\n', "link.portal: production needs https"),
        ('[identity]\nissuer = "http://id.example"\n', "identity.issuer"),
        ('[signing]\ntoken = "kiosk"\n', "signing.module"),
        ('[signing]\ndeveloper_keys = "keys"\n', "signing.developer_keys"),
        ('[signing]\npin_file = "/etc/kiosk/pin"\n', "signing.pin_file"),
        ('[device_key]\npin_file = "/etc/kiosk/pin"\n', "device_key.pin_file"),
    ],
)
def test_production_refuses_what_is_for_the_sandbox(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text(text)
    with pytest.raises(KioskError) as caught:
        load(file)
    assert told in caught.value.detail
    file.write_text('[site]\nenvironment = "demo"\n' + text)
    assert load(file).site.environment == "demo"
