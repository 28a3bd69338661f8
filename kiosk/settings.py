"""Settings: every key has a type, a default and a description here, in one place.

``config/kiosk.toml`` shows all of them with their defaults (a test keeps the two equal). A settings
file holds only what differs. Trust anchors, modes and thresholds are not settings: they come from
the portal-signed policy.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from certify.secret import is_credential
from kiosk.failures import Fault, KioskError


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Site(Section):
    """Where this kiosk stands and who runs it."""

    environment: Literal["production", "demo", "test"] = Field(
        "production", description="production refuses emulators and developer keys"
    )
    kiosk_id: str = Field("kiosk-01", description="name of this kiosk at the portal")
    kiosk_number: int = Field(
        1, ge=1, lt=2**20, description="number of this kiosk in the id codes of its copies"
    )
    state: Path = Field(Path("/var/lib/kiosk"), description="folder for outbox, journal, numbers")
    agency_code: str = Field("H26.15", description="agency code as on the portal; starts each code")
    agency_name: str = Field(
        "Ủy ban nhân dân xã Yên Hòa", description="full name of the agency, as in its certificate"
    )
    commune: str = Field("Xã Yên Hòa", description="commune, in the top bar and the statement")
    fee_percent: int = Field(
        0, ge=0, le=100, description="share of the legal fee charged where the policy is silent"
    )
    pickup_place: str = Field("quầy số 2", description="where results are handed out")
    hotline: str = Field("18001096", description="hotline printed on slips")
    tracking_address: str = Field(
        "https://dichvucong.gov.vn/tra-cuu",
        max_length=400,
        description="where the QR on a slip leads",
    )
    wait_for_copy_seconds: float = Field(
        90, ge=0, description="longest wait for the officer before an appointment slip, seconds"
    )
    language: Literal["vi", "en"] = Field("vi", description="language at the start of a session")


class Screen(Section):
    width: int = Field(1080, ge=640, description="design width, pixels")
    height: int = Field(1920, ge=640, description="design height, pixels")
    fullscreen: bool = Field(True, description="cover the screen, hide the pointer")
    idle_seconds: float = Field(
        120, gt=0, description="without a touch before the warning, seconds"
    )
    warning_seconds: float = Field(45, gt=0, description="warning before the wipe, seconds")


class ScannerSettings(Section):
    profile: str = Field(
        "generic-escl", description="what kind of device it is: a file of config/devices"
    )
    url: str = Field("", description="eSCL address of a network scanner, or empty")
    device: str = Field("", description="SANE device name of a local scanner, or empty")
    dpi: int = Field(200, ge=100, le=600, description="scan resolution, dots per inch")
    deadline_seconds: float = Field(60, gt=0, description="longest wait for one page, seconds")


class CodeReaderSettings(Section):
    profile: str = Field(
        "generic-serial", description="what kind of device it is: a file of config/devices"
    )
    address: str = Field(
        "", description="serial:/dev/..., hid-pos:vvvv:pppp or wedge:vvvv:pppp, or empty"
    )
    baud: int = Field(0, ge=0, description="speed of the serial line, baud; 0: as the profile says")


class CameraSettings(Section):
    profile: str = Field(
        "generic-v4l2", description="what kind of device it is: a file of config/devices"
    )
    source: str = Field(
        "", description="usb:vvvv:pppp, a /dev/v4l/by-id link, http:// (MJPEG), a film or a folder"
    )
    rotation: Literal[0, 90, 180, 270] = Field(0, description="turn the picture clockwise, degrees")


class ReceiptPrinterSettings(Section):
    profile: str = Field(
        "generic-escpos", description="what kind of device it is: a file of config/devices"
    )
    address: str = Field("", description="tcp://host:port, serial:/dev/ttyUSB0 or usb:vvvv:pppp")
    width_mm: Literal[58, 80] = Field(80, description="paper width, millimetres")
    near_end_metres: float = Field(
        2.0,
        ge=0,
        le=50,
        description="paper left when the printer first says near its end, metres; 0: not known",
    )


class DocumentPrinterSettings(Section):
    uri: str = Field("", description="ipp://host:631/ipp/print or ipps://..., or empty")
    fingerprint: str = Field(
        "", description="SHA-256 of the certificate that an ipps printer signed itself, hex"
    )
    ca_file: Path | None = Field(None, description="authority (PEM) that signed its certificate")
    media: str = Field("iso_a4_210x297mm", description="paper, by its PWG 5101.1 name")
    tray: str = Field("", description="media-source of the printer, empty for its own choice")
    sides: Literal["one-sided", "two-sided-long-edge", "two-sided-short-edge"] = Field(
        "one-sided", description="IPP sides; a printer that cannot turn prints one-sided"
    )
    colour: Literal["auto", "color", "monochrome"] = Field(
        "auto", description="IPP print-color-mode"
    )


class CardReaderSettings(Section):
    reader: str = Field(
        "", description="name of the PC/SC reader (*: anything, ?: any one sign) or empty"
    )
    socket: str = Field("", description="socket of pcscd, or empty for the system's own")
    deadline_seconds: float = Field(5, gt=0, description="longest wait for one answer, seconds")


class PowerSettings(Section):
    address: str = Field("", description="UPS behind Network UPS Tools, nut://UPS@host, or empty")


class SignalSettings(Section):
    """A box of inputs and outputs. Numbers are those on its labels, from 1; 0: there is none."""

    address: str = Field(
        "", description="modbus://host:502 or modbus-rtu:/dev/ttyUSB0?baud=9600, or empty"
    )
    unit: int = Field(1, ge=0, le=255, description="number of the box on its line")
    lamp: int = Field(0, ge=0, le=256, description="output of the call lamp, 0: none")
    bell: int = Field(0, ge=0, le=256, description="output of the bell, 0: none")
    tamper: int = Field(
        0, ge=0, le=256, description="input of the tamper loop, closed while shut, 0: none"
    )
    lamp_seconds: float = Field(120, gt=0, description="how long the lamp is lit, seconds")
    bell_seconds: float = Field(2, gt=0, description="how long the bell rings, seconds")


class Devices(Section):
    scanner: ScannerSettings = ScannerSettings()
    code_reader: CodeReaderSettings = CodeReaderSettings()
    camera: CameraSettings = CameraSettings()
    receipt_printer: ReceiptPrinterSettings = ReceiptPrinterSettings()
    document_printer: DocumentPrinterSettings = DocumentPrinterSettings()
    card_reader: CardReaderSettings = CardReaderSettings()
    power: PowerSettings = PowerSettings()
    signals: SignalSettings = SignalSettings()


class IdentitySettings(Section):
    issuer: str = Field("", description="address of the VNeID provider (OpenID Connect)")
    client_id: str = Field("kiosk", description="client name at the provider")
    minimum_level: int = Field(2, ge=1, description="lowest VNeID account level accepted")
    profile: str = Field("standard", description="how the provider differs, of config/identity")
    client_secret_file: Path | None = Field(
        None, description="secret of this client, where the provider gives one"
    )
    staff_cards: bool = Field(False, description="officers have cards and may vouch for people")


class LinkSettings(Section):
    socket: Path = Field(Path("/run/kiosk/link.sock"), description="Unix socket of kiosk link")
    portal: str = Field("", description="address of the portal")
    enrolment_code_file: Path | None = Field(None, description="file with the one-time code")
    enrolment_portal: str = Field(
        "", description="door of the portal without client certificates, where it has its own"
    )
    ca_file: Path | None = Field(None, description="the only CA (PEM) believed at the portal")
    trust_anchor_file: Path | None = Field(
        None, description="public key (PEM) that signs trust bundle and policy"
    )
    poll_seconds: float = Field(1.0, gt=0, description="pause between looks at the outbox, seconds")
    hourly_bytes: int = Field(
        0, ge=0, description="most bytes of dossiers sent in an hour, 0 without limit"
    )
    spread_seconds: float = Field(
        600, ge=0, description="after an outage the backlog waits a random part of this, seconds"
    )
    peers: tuple[str, ...] = Field(
        (), description="users, besides root and its own, whose processes may call link"
    )


class OutboxSettings(Section):
    """How many dossiers may wait here. Sizes in bytes."""

    budget_bytes: int = Field(
        20 * 1024**3, ge=0, description="most bytes of dossiers that wait on this kiosk"
    )
    reserve_bytes: int = Field(
        2 * 1024**3, ge=0, description="bytes that stay free on the disk whatever comes"
    )
    oldest_days: float = Field(
        14, gt=0, description="days without any receipt after which no citizen is let in"
    )
    expected_dossier_bytes: int = Field(
        64 * 1024**2, ge=0, description="room that must be there before a citizen starts, bytes"
    )
    receipts_days: float = Field(
        90, gt=0, description="days for which the receipt of an erased dossier is kept"
    )


class SigningSettings(Section):
    """Only for post-check; a pre-check kiosk holds no signing key."""

    module: Path = Field(
        Path("/usr/lib/softhsm/libsofthsm2.so"), description="PKCS#11 library of the token"
    )
    token: str = Field("", description="label of the token, or empty")
    key: str = Field("agency", description="label of the key and certificate on the token")
    pin_file: Path | None = Field(None, description="systemd credential that holds the PIN")
    developer_keys: Path | None = Field(
        None, description="folder with agency.p12 and seal.p12; never in production"
    )
    environment: dict[str, str] = Field(
        default_factory=dict, description="variables that the PKCS#11 library wants"
    )


class DeviceKeySettings(Section):
    """Where the key lies that signs requests and manifests: a file of link, unless there is a
    token."""

    module: Path = Field(
        Path("/usr/lib/softhsm/libsofthsm2.so"), description="PKCS#11 library of the token"
    )
    token: str = Field("", description="label of the token, or empty for a file")
    key: str = Field("device", description="label of the key, made on the token when missing")
    pin_file: Path | None = Field(None, description="systemd credential that holds the PIN")
    environment: dict[str, str] = Field(
        default_factory=dict, description="variables that the PKCS#11 library wants"
    )


class PaymentSettings(Section):
    gateway: str = Field("", description="address of the payment gateway, or empty")
    notice_key_file: Path | None = Field(
        None, description="public key (PEM) that signs the gateway's notices"
    )


class Settings(Section):
    site: Site = Site()
    screen: Screen = Screen()
    devices: Devices = Devices()
    identity: IdentitySettings = IdentitySettings()
    link: LinkSettings = LinkSettings()
    outbox: OutboxSettings = OutboxSettings()
    signing: SigningSettings = SigningSettings()
    device_key: DeviceKeySettings = DeviceKeySettings()
    payment: PaymentSettings = PaymentSettings()


def _forbidden_in_production(settings: Settings) -> str:
    """What a kiosk for citizens must not run with, as ``key: reason``, or nothing."""
    if settings.site.environment != "production":
        return ""
    addresses = {"link.portal": settings.link.portal, "identity.issuer": settings.identity.issuer}
    for key, address in addresses.items():
        if address and not address.startswith("https://"):
            return f"{key}: production needs https"
    if "softhsm" in str(settings.signing.module).lower() and settings.signing.token:
        return "signing.module: SoftHSM keeps keys in files; production needs a token"
    if settings.signing.developer_keys:
        return "signing.developer_keys: production needs a token"
    pins = {
        "signing.pin_file": settings.signing.pin_file,
        "device_key.pin_file": settings.device_key.pin_file,
    }
    for key, file in pins.items():
        if file and not is_credential(file):
            return f"{key}: production takes it from systemd's credentials"
    return ""


def load(*files: Path) -> Settings:
    """Defaults, then each file over the ones before it.

    Raises KioskError (SETTINGS_INVALID) with file, key and what is allowed.
    """
    merged: dict[str, Any] = {}
    settings = Settings()
    for file in files:
        merged = _overlay(merged, _read(file))
        try:
            settings = Settings.model_validate(merged)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise KioskError(Fault.SETTINGS_INVALID, f"{file}: {key}: {first['msg']}") from None
    if problem := _forbidden_in_production(settings):
        raise KioskError(Fault.SETTINGS_INVALID, f"{files[-1]}: {problem}")
    return settings


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"{file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"{file}: {error}") from None


def _overlay(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _overlay(merged[key], value) if both else value
    return merged
