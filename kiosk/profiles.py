"""Device profiles: the quirks of a model as data, one file of ``config/devices`` each.

A profile holds what a model needs otherwise than the standard of its kind; settings name one for
each device. Where a kiosk stands (an address, the paper's width, how the camera hangs) is a
setting, never part of a profile.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from drivers.contract import Fault as DeviceFault
from kiosk.failures import Fault, KioskError


class _Profile(BaseModel):
    """``source``: where the facts come from. ``tried``: on which device, by whom, or empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=3)
    source: str = Field(min_length=3)
    tried: str = ""


class ScannerProfile(_Profile):
    """``feeder``, ``glass``: words by which SANE's source options are told, lower case, first
    match wins. ``no_cancel``: no cancel between the sheets of a feeder, which would empty it.
    ``texts``: error texts of the backend beside SANE's own, and the fault they mean."""

    kind: Literal["scanner"]
    feeder: tuple[str, ...] = ("adf", "feeder")
    glass: tuple[str, ...] = ("flatbed", "platen", "table")
    no_cancel: bool = True
    texts: dict[str, DeviceFault] = Field(default_factory=dict)


class CodeReaderProfile(_Profile):
    """What comes before and after each payload. ``baud`` is for real serial lines; USB CDC has
    none. ``symbologies``: AIM code characters that are taken, none for all of them. ``aim``: the
    reader puts the AIM identifier between prefix and text. ``fallback``: the code page of a payload
    that is not UTF-8; none: it is refused."""

    kind: Literal["code-reader"]
    prefix: str = ""
    suffix: str = Field("\r", min_length=1)
    baud: int = Field(115200, gt=0)
    symbologies: tuple[Annotated[str, Field(pattern="^[A-Za-z]$")], ...] = ()
    aim: bool = False
    fallback: Literal["", "cp1258", "cp1252"] = ""


class CameraProfile(_Profile):
    """``rotation``: how the sensor sits in its housing, degrees clockwise. ``exposure``: a fixed
    value in the driver's units (V4L2: 100 microseconds); none: automatic, for the face.
    ``mirrored``: it swaps left and right by itself."""

    kind: Literal["camera"]
    rotation: Literal[0, 90, 180, 270] = 0
    exposure: float | None = None
    mirrored: bool = False


class ReceiptPrinterProfile(_Profile):
    """``dots``: printable width for each paper width, millimetres. ``native_qr``: it draws QR codes
    itself. ``status``: the arguments of DLE EOT that it answers. ``cut_counter``: asked for its
    count of cuts (GS g 2), it does not print the question. ``dpi``: dots an inch.
    ``present_steps``: how far its presenter pushes a slip out (GS e 3), 0: it has none."""

    kind: Literal["receipt-printer"]
    dots: dict[Literal["58", "80"], Annotated[int, Field(ge=8, multiple_of=8)]]
    cutter: Literal["full", "partial", "none"] = "full"
    native_qr: bool = True
    near_end_sensor: bool = True
    status: tuple[Literal[1, 2, 3, 4], ...] = (1, 2, 3, 4)
    cut_counter: bool = True
    dpi: Literal[180, 203, 300] = 203
    present_steps: int = Field(0, ge=0, le=255)


Profile = Annotated[
    ScannerProfile | CodeReaderProfile | CameraProfile | ReceiptPrinterProfile,
    Field(discriminator="kind"),
]
P = TypeVar("P", bound=_Profile)
_ANY: TypeAdapter[Profile] = TypeAdapter(Profile)


@cache
def names() -> tuple[str, ...]:
    files = resources.files("config") / "devices"
    found = (file.name for file in files.iterdir() if file.name.endswith(".toml"))
    return tuple(sorted(name.removesuffix(".toml") for name in found))


def profile(name: str, kind: type[P], key: str) -> P:
    """The profile ``name`` for the settings key ``key``.

    Raises KioskError (SETTINGS_INVALID) with file, key and reason: no such profile, a profile of
    another kind, or one that says what it cannot.
    """
    if name not in names():
        known = ", ".join(names())
        raise KioskError(Fault.SETTINGS_INVALID, f"{key}: no profile {name!r}; there are {known}")
    found = _read(name)
    if not isinstance(found, kind):
        raise KioskError(Fault.SETTINGS_INVALID, f"{key}: {name} is for a {found.kind}")
    return found


@cache
def _read(name: str) -> Profile:
    file = resources.files("config") / "devices" / f"{name}.toml"
    return parse(file.read_text("utf-8"), f"config/devices/{name}.toml")


def parse(text: str, file: str) -> Profile:
    """Raises KioskError (SETTINGS_INVALID) with ``file``, key and reason."""
    try:
        return _ANY.validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"{file}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"][1:])) or "kind"
        raise KioskError(Fault.SETTINGS_INVALID, f"{file}: {key}: {first['msg']}") from None
