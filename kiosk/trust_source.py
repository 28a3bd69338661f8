"""``trust.toml``: what the holder of the trust anchor says, from which bundle and policy are made.

Relative paths start at the file's folder. A time without a zone is Vietnam's.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from certify import cose, packs
from certify.numbers import check_id_code
from certify.statement import Mode
from certify.trust import NamedPack, Policy, Role, SignerRight, TrustBundle, load_anchor
from kiosk.failures import Fault, KioskError

SOURCE = "trust.toml"
_VIETNAM = timezone(timedelta(hours=7))

Reason = Literal[
    "unspecified",
    "key-compromise",
    "ca-compromise",
    "affiliation-changed",
    "superseded",
    "cessation-of-operation",
    "privilege-withdrawn",
]
"""RFC 5280, 5.3.1, as far as copies are concerned."""


def _zoned(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=_VIETNAM)


def _hex(serial: str) -> str:
    if serial and not re.fullmatch("[0-9A-Fa-f]+", serial.replace(":", "")):
        raise ValueError("not hex")
    return serial


Time = Annotated[datetime, AfterValidator(_zoned)]
IdCode = Annotated[str, AfterValidator(check_id_code)]
Serial = Annotated[str, AfterValidator(_hex)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AnchorSource(_Section):
    """Where the key is: a token, or (nothing set) ``anchor.p12``."""

    module: Path | None = None
    token: str = ""
    key: str = "anchor"


class SealSource(_Section):
    """A key that seals: until its certificate ends, or a kiosk's only until ``lease_until``."""

    certificate: Path
    lease_until: Time | None = None


class SignerSource(_Section):
    """A certificate that may sign copies, within its own life unless said otherwise."""

    certificate: Path
    role: Role
    since: Time | None = None
    until: Time | None = None


class RevokedSource(_Section):
    """A certificate that counts no longer: the file, or its serial number in hex."""

    certificate: Path | None = None
    serial: Serial = ""
    since: Time
    reason: Reason

    @model_validator(mode="after")
    def _one_name(self) -> RevokedSource:
        if bool(self.serial) == bool(self.certificate):
            raise ValueError("certificate or serial, one of them")
        return self


class BundleSource(_Section):
    days: int = Field(90, ge=1, le=400)
    seal_host: str = Field(min_length=1)
    roots: tuple[Path, ...] = Field(min_length=1)
    revocation_key: Path | None = None
    seal: tuple[SealSource, ...] = ()
    signer: tuple[SignerSource, ...] = ()
    revoked: tuple[RevokedSource, ...] = ()
    revoked_codes: tuple[IdCode, ...] = ()


class PolicySource(_Section):
    days: int = Field(90, ge=1, le=400)
    modes: frozenset[Mode] = frozenset({"pre-check"})
    post_check_papers: frozenset[str] = frozenset()
    post_check_inspect_days: int = Field(3, ge=1, le=30)
    thresholds: dict[str, float] = Field(default_factory=dict)


class TrustSource(_Section):
    anchor: AnchorSource = AnchorSource()
    bundle: BundleSource
    policy: PolicySource = PolicySource()


def read_source(folder: Path) -> TrustSource:
    """Raises KioskError (SETTINGS_INVALID) with the key that is wrong."""
    file = folder / SOURCE
    try:
        return TrustSource.model_validate(tomllib.loads(file.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        detail = f"{SOURCE}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    except OSError as error:
        detail = f"{SOURCE}: {error.strerror}"
    except Exception as error:
        # Not TOML, or an id code whose check character is wrong.
        detail = f"{SOURCE}: {error}"
    raise KioskError(Fault.SETTINGS_INVALID, detail)


def serial_of(file: Path, folder: Path) -> str:
    """Of a certificate in PEM, as hex; ``file`` is looked for as a shell says it, then in
    ``folder``. Raises KioskError (INPUT_UNREADABLE)."""
    place = file if file.exists() else folder / file
    try:
        certificate = x509.load_pem_x509_certificate(place.read_bytes())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a certificate in PEM"
        raise KioskError(Fault.INPUT_UNREADABLE, f"{file}: {why}") from None
    return f"{certificate.serial_number:X}"


def bundle_of(source: BundleSource, folder: Path, serial: int, now: datetime) -> TrustBundle:
    """Raises KioskError (SETTINGS_INVALID) for a certificate that cannot be what it is said to
    be."""
    seals = [(each, _certificate(folder, each.certificate)) for each in source.seal]
    keys = [(each, certificate, _seal_key(certificate)) for each, certificate in seals]
    revoked = [(each, _serial(each, folder)) for each in source.revoked]
    return TrustBundle(
        serial=serial,
        issued=now,
        expires=now + timedelta(days=source.days),
        roots=tuple(_root(folder, file, now) for file in source.roots),
        seal_keys={cose.key_id(key): key for _, _, key in keys},
        seal_host=source.seal_host,
        revoked_codes=frozenset(source.revoked_codes),
        revoked_certificates={number: _seconds(each.since) for each, number in revoked},
        revocation_reasons={number: each.reason for each, number in revoked},
        leases={
            cose.key_id(key): _seconds(
                min(each.lease_until or _end(certificate), _end(certificate))
            )
            for each, certificate, key in keys
        },
        signers=dict(_rights(source.signer, folder)),
        revocation_key=_public(folder, source.revocation_key),
    )


def policy_of(source: PolicySource, folder: Path, serial: int, now: datetime) -> Policy:
    """Names every procedure pack (``*.pack``) in ``folder``."""
    return Policy(
        serial=serial,
        issued=now,
        expires=now + timedelta(days=source.days),
        modes=source.modes,
        thresholds=source.thresholds,
        post_check_papers=source.post_check_papers,
        post_check_inspect_days=source.post_check_inspect_days,
        procedure_packs=_packs(folder),
    )


def _packs(folder: Path) -> tuple[NamedPack, ...]:
    named = [packs.name_of(file.read_bytes()) for file in folder.glob(packs.file_name("*"))]
    return tuple(sorted(named, key=lambda pack: (pack.effective, pack.name, pack.sha256)))


def _rights(signers: Iterable[SignerSource], folder: Path) -> Iterable[tuple[bytes, SignerRight]]:
    for each in signers:
        certificate = _certificate(folder, each.certificate)
        since = max(filter(None, (each.since, certificate.not_valid_before_utc)))
        until = min(filter(None, (each.until, _end(certificate))))
        digest = sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()
        yield digest, SignerRight(each.role, _seconds(since), _seconds(until))


def _certificate(folder: Path, file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate((folder / file).read_bytes())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a certificate in PEM"
        raise KioskError(Fault.SETTINGS_INVALID, f"{file}: {why}") from None


def _root(folder: Path, file: Path, now: datetime) -> bytes:
    certificate = _certificate(folder, file)
    try:
        authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        authority = False
    if not authority or _end(certificate) <= now:
        raise KioskError(Fault.SETTINGS_INVALID, f"{file}: no authority, or expired")
    return certificate.public_bytes(serialization.Encoding.DER)


def _seal_key(certificate: x509.Certificate) -> cose.PublicKey:
    der = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    try:
        return cose.decode_public(der)
    except ValueError as error:
        name = certificate.subject.rfc4514_string()
        raise KioskError(Fault.SETTINGS_INVALID, f"seal of {name}: {error}") from None


def _public(folder: Path, file: Path | None) -> cose.PublicKey | None:
    if file is None:
        return None
    try:
        return load_anchor((folder / file).read_text("ascii"))
    except (OSError, ValueError) as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"{file}: {type(error).__name__}") from None


def _serial(revoked: RevokedSource, folder: Path) -> int:
    if revoked.certificate:
        return _certificate(folder, revoked.certificate).serial_number
    return int(revoked.serial.replace(":", ""), 16)


def _end(certificate: x509.Certificate) -> datetime:
    return certificate.not_valid_after_utc


def _seconds(time: datetime) -> datetime:
    """As it comes back from a bundle."""
    return datetime.fromtimestamp(int(time.timestamp()), UTC)
