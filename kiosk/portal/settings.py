"""Settings of the portal server and of the desk process: one small TOML file each."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError

from certify.secret import is_credential
from kiosk.portal.errors import Fault, PortalError


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeliverySettings(Section):
    """Mail, and the partners' addresses. A way that is not configured is done by hand."""

    mail_host: str = Field("", description="SMTP server; empty: no mail is sent")
    mail_port: int = Field(587, ge=1, le=65535)
    mail_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="none is for a server on this machine"
    )
    mail_user: str = Field("", description="empty: no login")
    mail_password_file: Path | None = Field(None, description="file with the password")
    mail_from: str = Field("mot-cua@localhost", description="sender")
    wallet_url: str = Field("", description="address of the wallet's intake")
    wallet_token_file: Path | None = Field(None, description="file with its bearer token")
    post_url: str = Field("", description="address of the post's order intake")
    post_token_file: Path | None = Field(None, description="file with its bearer token")
    link_days: int = Field(7, ge=1, description="life of a link to a result, days")
    try_days: int = Field(3, ge=1, description="a delivery that never succeeded is given up after")
    poll_seconds: float = Field(5.0, gt=0, description="pause between looks at the outbox, seconds")


class ArchiveSettings(Section):
    """Whose timestamps and answers make copies last."""

    tsa_url: str = Field(description="address of the timestamp authority (RFC 3161)")
    poll_seconds: float = Field(30.0, gt=0, description="pause between looks at what waits, s")


class PortalSettings(Section):
    state: Path = Field(description="folder for the database, the dossiers and the portal's keys")
    keys_dir: Path | None = Field(
        None, description="the portal's keys, the same on every machine; else state/keys"
    )
    database: str | None = Field(
        None, description="PostgreSQL, as libpq writes it, without password; else SQLite in state"
    )
    database_connections: int = Field(
        10, ge=1, description="most connections of one process to PostgreSQL"
    )
    bucket: str | None = Field(
        None, description="S3 bucket for dossiers and copies; else folders in state"
    )
    bucket_endpoint: str | None = Field(
        None, description="address of an S3-compatible store; else that of the region at AWS"
    )
    bucket_region: str | None = Field(None, description="region of the bucket")
    host: str = Field("127.0.0.1", description="address to listen on; TLS ends in front of it")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on, 0 for any")
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        (), description="addresses of the proxies in front, whose X-Forwarded-For is believed"
    )
    agency: str = Field(
        "Ủy ban nhân dân xã Yên Hòa", description="the agency, as named in the certificate"
    )
    agency_code: str | None = Field(
        None, description="code of the agency in dossiers: those of another one are refused"
    )
    place: str = Field("Xã Yên Hòa", description="place of certification")
    officer: str = Field(description="the officer at the desk, as named in the certificate")
    officer_title: str = Field("Công chức tư pháp - hộ tịch", description="title beside that name")
    book: str = Field("01/{year}-SCT/BS", description="name of the register book of a year")
    lease_days: int = Field(7, ge=1, description="life of a block of certificate numbers, days")
    code_lease_days: int = Field(90, ge=1, description="life of a block of dossier codes, days")
    lease_limit: int = Field(500, ge=1, description="most numbers in one leased block")
    seal_host: str = Field("localhost", description="host in the address that a seal encodes")
    enrolment_codes_file: Path = Field(description="file of the codes that kiosks enrol with")
    message_gateway: str = Field(
        "", description="address that sends SMS and e-mail with one-time codes, or empty"
    )
    vouched_sample_percent: int = Field(
        20, ge=0, le=100, description="how many of 100 people vouched for are looked at again"
    )
    paper_days: int = Field(180, ge=1, description="how long papers are kept for next time, days")
    trust_dir: Path = Field(
        description="folder with bundle.cose, policy.cose and the procedure packs"
    )
    admission_rate: float = Field(
        100, ge=0, description="dossiers a second that this process lets in, 0 without limit"
    )
    login_hours: int = Field(10, ge=1, description="life of a staff login, hours")
    idle_minutes: int = Field(30, ge=1, description="a login unused for so long ends, minutes")
    scripted_officer: bool = Field(
        False, description="a desk may also decide and see every case; for sandbox and tests only"
    )
    holidays: tuple[date, ...] = Field((), description="days on which the agency is closed")
    public_address: str = Field(
        "http://localhost:8080",
        description="address of all pages, as people reach them; with https, cookies are Secure",
    )
    access_log: bool = Field(
        True, description="one line a request on standard error, without personal data"
    )
    delivery: DeliverySettings | None = Field(
        None, description="how results travel; without it they are fetched at the desk"
    )
    archive: ArchiveSettings | None = Field(
        None, description="how copies reach the archive level; without it they stay at PAdES B-B"
    )


class RemoteSettings(Section):
    """A remote signing service (Cloud Signature Consortium API) that keeps keys of this desk."""

    url: str = Field(description="address of the service, what stands before /csc/")
    version: Literal["v1", "v2"] = Field("v1", description="of the API: v1 is 1.0.4")
    officer: str = Field("", description="id of the officer's credential; empty: not kept there")
    agency: str = Field("", description="id of the agency's credential; empty: not kept there")
    pin_file: Path | None = Field(
        None, description="systemd credential with the PIN; without it the desk asks"
    )
    access_token_file: Path | None = Field(None, description="systemd credential: a bearer token")
    token_url: str = Field("", description="where tokens are fetched (client credentials)")
    client_id: str = Field("", description="name of this desk at the service")
    client_secret_file: Path | None = Field(None, description="systemd credential: its secret")
    batch: int = Field(
        1, ge=1, description="signatures that one PIN and code open, if the service allows so many"
    )
    seconds: float = Field(
        120.0, gt=0, description="longest wait for an answer, a confirmation by phone included"
    )
    ca_file: Path | None = Field(None, description="the only authority to believe (PEM)")


class DeskSettings(Section):
    environment: Literal["production", "demo", "test"] = Field(
        "production",
        description="production refuses keys and secrets in files",
    )
    portal: str = Field(description="address of the portal, http(s)://host:port")
    token_file: Path = Field(description="file with the secret of this desk")
    module: Path = Field(
        Path("/usr/lib/softhsm/libsofthsm2.so"), description="PKCS#11 library of the token"
    )
    token: str = Field("", description="label of the token, or empty")
    pin_file: Path | None = Field(
        None, description="systemd credential with the token's PIN; without it the desk asks"
    )
    remote: RemoteSettings | None = Field(
        None, description="a signing service that keeps the officer's or the agency's key"
    )
    developer_keys: Path | None = Field(
        None, description="folder with officer.p12, agency.p12, seal.p12; never in production"
    )
    officer_key: str = Field("officer", description="label of the officer's key and certificate")
    agency_key: str = Field("agency", description="label of the agency's key and certificate")
    seal_key: str = Field("seal", description="label of the key that signs seals")
    chain: tuple[Path, ...] = Field((), description="PEM files of the certificates above these")
    poll_seconds: float = Field(1.0, gt=0, description="pause between looks at the portal, seconds")


S = TypeVar("S", bound=Section)


def load(file: Path) -> PortalSettings:
    """Relative paths in ``file`` start at its folder.

    Raises PortalError (SETTINGS_INVALID) with file, key and what is allowed.
    """
    return _load(PortalSettings, file)


def load_desk(file: Path) -> DeskSettings:
    """As :func:`load`, for the desk process; also for what production forbids."""
    settings = _load(DeskSettings, file)
    if problem := _forbidden_in_production(settings):
        raise PortalError(Fault.SETTINGS_INVALID, f"{file}: {problem}")
    return settings


def _forbidden_in_production(desk: DeskSettings) -> str:
    """What a desk for real copies must not run with, as ``key: reason``, or nothing."""
    if desk.environment != "production":
        return ""
    if desk.developer_keys:
        return "developer_keys: production needs a token or a signing service"
    if desk.token and "softhsm" in str(desk.module).lower():
        return "module: SoftHSM keeps keys in files; production needs a token"
    remote = desk.remote
    addresses = {"portal": desk.portal}
    if remote:
        addresses |= {"remote.url": remote.url, "remote.token_url": remote.token_url}
    for key, address in addresses.items():
        if address and not _is_private(address):
            return f"{key}: production needs https"
    secrets: dict[str, Path | None] = {"token_file": desk.token_file, "pin_file": desk.pin_file}
    if remote:
        names = ("pin_file", "access_token_file", "client_secret_file")
        secrets |= {f"remote.{name}": getattr(remote, name) for name in names}
    for key, file in secrets.items():
        if file and not is_credential(file):
            return f"{key}: production takes it from systemd's credentials, or asks"
    return ""


def _is_private(address: str) -> bool:
    """Whether nobody on the line reads along or answers instead: https, or this very machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")


def _load(kind: type[S], file: Path) -> S:
    try:
        settings = kind.model_validate(tomllib.loads(file.read_text("utf-8")))
    except OSError as error:
        raise PortalError(Fault.SETTINGS_INVALID, f"{file}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise PortalError(Fault.SETTINGS_INVALID, f"{file}: {key}: {first['msg']}") from None
    except ValueError as error:  # not UTF-8, not TOML
        raise PortalError(Fault.SETTINGS_INVALID, f"{file}: {error}") from None
    return settings.model_copy(
        update={name: _below(file.parent, value) for name, value in settings}
    )


def _below(folder: Path, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_below(folder, item) for item in value)
    if isinstance(value, Section):
        return value.model_copy(update={name: _below(folder, item) for name, item in value})
    return folder / value if isinstance(value, Path) else value


def read_secret(file: Path) -> str:
    """A secret of at least 16 characters. Raises PortalError (SETTINGS_INVALID)."""
    secret = read_pin(file)
    if len(secret) < 16:
        raise PortalError(Fault.SETTINGS_INVALID, f"{file}: shorter than 16 characters")
    return secret


def read_pin(file: Path) -> str:
    """A secret of any length. Raises PortalError (SETTINGS_INVALID)."""
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PortalError(Fault.SETTINGS_INVALID, f"{file}: {error}") from None
