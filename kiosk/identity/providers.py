"""Provider profiles: how a deployment of VNeID differs from the standards, as data.

One file of ``config/identity`` each; ``identity.profile`` names one.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kiosk.failures import Fault, KioskError


class ProviderProfile(BaseModel):
    """``source``: where the facts come from.

    ``app_code``: what the code on the phone is, an authorization code or a token to introspect.
    ``demands_id_token``: without, a missing one is accepted and the profile comes by TLS alone.
    ``nonce``, ``pkce``: sent, and held to, where the kiosk begins (device grant). ``mends_plus``:
    a space in a code was a plus. ``login_idp``: what the claim loginIdp must say, or empty.
    ``screen_code``: the kiosk may show a code for the app to scan (RFC 8628).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=3)
    source: str = Field(min_length=3)
    app_code: Literal["code", "introspection"] = "code"
    demands_id_token: bool = True
    nonce: bool = True
    pkce: bool = True
    mends_plus: bool = False
    login_idp: str = ""
    screen_code: bool = True


@cache
def profiles() -> dict[str, ProviderProfile]:
    """By name. Raises KioskError (SETTINGS_INVALID) naming file and reason."""
    found = {}
    for file in (resources.files("config") / "identity").iterdir():
        if file.name.endswith(".toml"):
            try:
                values = tomllib.loads(file.read_text("utf-8"))
                found[file.name.removesuffix(".toml")] = ProviderProfile.model_validate(values)
            except (ValidationError, tomllib.TOMLDecodeError) as error:
                raise KioskError(Fault.SETTINGS_INVALID, f"{file.name}: {error}") from None
    return found


def profile(name: str) -> ProviderProfile:
    """Raises KioskError (SETTINGS_INVALID)."""
    known = profiles()
    if name not in known:
        raise KioskError(Fault.SETTINGS_INVALID, f"identity.profile: {name}, known {sorted(known)}")
    return known[name]
