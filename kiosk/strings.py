"""The string catalogue: one TOML file per language, used by screen, slips and voice alike."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from kiosk.procedures import LANGUAGES, procedures
from kiosk.views import Text

__all__ = ["LANGUAGES", "catalogue", "own_words", "resolve"]


@cache
def own_words(language: str) -> dict[str, str]:
    """The strings of ``config/strings`` alone: there even when a procedure is broken."""
    file = resources.files("config") / "strings" / f"{language}.toml"
    return dict(_flatten("", tomllib.loads(file.read_text("utf-8"))))


@cache
def catalogue(language: str) -> dict[str, str]:
    """All strings of a language, keys joined with dots; ``procedure.*`` come from procedures.

    Raises KioskError (SETTINGS_INVALID) for a broken procedure.
    """
    strings = dict(own_words(language))
    for procedure in procedures().values():
        for name, value in procedure.words[language].model_dump().items():
            strings[f"procedure.{procedure.id}.{name}"] = value
    return strings


def _flatten(prefix: str, table: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        pairs += _flatten(f"{name}.", value) if isinstance(value, dict) else [(name, value)]
    return pairs


def resolve(text: Text, language: str) -> str:
    """The sentence for ``text``. Raises KeyError for a key the catalogue does not have."""
    arguments = {
        name: resolve(value, language) if isinstance(value, Text) else value
        for name, value in text.arguments.items()
    }
    if not text.key:
        return str(arguments["value"])
    return catalogue(language)[text.key].format_map(arguments)
