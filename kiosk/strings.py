"""The string catalogue: one TOML file per language, used by screen, slips and voice alike.

The words of procedures are not in it: they come with each procedure, as texts of their own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from kiosk.procedures import LANGUAGES
from kiosk.views import Text

__all__ = ["LANGUAGES", "catalogue", "resolve"]


@cache
def catalogue(language: str) -> dict[str, str]:
    """All strings of a language, keys joined with dots."""
    file = resources.files("config") / "strings" / f"{language}.toml"
    return dict(_flatten("", tomllib.loads(file.read_text("utf-8"))))


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
        return str(arguments[language if language in arguments else "value"])
    return catalogue(language)[text.key].format_map(arguments)
