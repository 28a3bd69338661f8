"""Make, sign, renew and show what kiosks and verifiers believe: ``bundle.cose``, ``policy.cose``.

Serials only rise, also when the folder was lost: they are seconds since 1970, or one more than the
last. What was revoked once stays revoked, whatever ``trust.toml`` says later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import tomlkit

from certify.numbers import check_id_code
from certify.trust import (
    Policy,
    TrustBundle,
    load_anchor,
    load_bundle,
    load_policy,
    sign_bundle,
    sign_policy,
)
from kiosk import trust_anchor
from kiosk.failures import Fault, KioskError
from kiosk.trust_anchor import Anchor
from kiosk.trust_source import SOURCE, bundle_of, policy_of, read_source, serial_of
from offline_queue import files

BUNDLE, POLICY = "bundle.cose", "policy.cose"
_ANY_TIME = datetime.fromtimestamp(0, UTC)

TEMPLATE = """\
# What kiosks and verifiers shall believe; `kiosk trust sign` makes bundle.cose and policy.cose.
{anchor}
[bundle]
days = 90                       # the bundle must be renewed before they are over
seal_host = "xacthuc.example"   # the host in the QR code
roots = ["root.pem"]            # the only authorities that count
# revocation_key = "portal.pem" # of `kiosk portal revocation-key`: lists revoked copies, no more
revoked_codes = []              # id codes of copies

# [[bundle.seal]]               # one for each key that seals
# certificate = "desk-seal.pem"
# lease_until = 2027-01-31      # a kiosk's: it issues nothing after that day begins

# [[bundle.signer]]             # when there is one, no other certificate may sign
# certificate = "officer-lan.pem"
# role = "officer"              # or "agency"

# [[bundle.revoked]]
# certificate = "stolen.pem"    # or serial = "0A:1B"
# since = 2026-11-24T10:30:00
# reason = "key-compromise"

[policy]
days = 90
modes = ["pre-check"]           # and "post-check"
post_check_papers = []
post_check_inspect_days = 3
thresholds = {{ face-distance = 0.5 }}
"""


def new(folder: Path, module: Path | None, token: str, key: str) -> None:
    """A folder to begin with. Raises KioskError (SETTINGS_INVALID) when one is there already."""
    if (folder / SOURCE).exists():
        raise KioskError(Fault.SETTINGS_INVALID, f"{folder / SOURCE} is there already")
    with files.translated(str(folder)):
        files.make_folder(folder)
    where = ""
    if module and token:
        anchor = trust_anchor.open_token(module, token, key)
        where = tomlkit.dumps({"anchor": {"module": str(module), "token": token, "key": key}})
    else:
        anchor = trust_anchor.make_file(folder)
    trust_anchor.publish(anchor, folder)
    _write(folder / SOURCE, TEMPLATE.format(anchor=where).encode())


def sign(folder: Path, codes: Iterable[str] = ()) -> tuple[TrustBundle, Policy]:
    """From ``trust.toml``, and further revoked id codes. Raises KioskError and CertifyError."""
    source, now = read_source(folder), _now()
    before = _before(folder)
    bundle = bundle_of(source.bundle, folder, _serial(before[0], now), now)
    policy = policy_of(source.policy, folder, _serial(before[1], now), now)
    bundle = _with_earlier(bundle, before[0], frozenset(map(check_id_code, codes)))
    return _sign(folder, bundle, policy)


def renew(
    folder: Path, days: int | None = None, lease_days: int | None = None
) -> tuple[TrustBundle, Policy]:
    """The same once more, for as long as before or ``days``; ``lease_days`` moves the end of each
    lease that still lasts. Raises KioskError and CertifyError."""
    now, (bundle, policy) = _now(), _before(folder)
    if bundle is None or policy is None:
        raise KioskError(Fault.SETTINGS_INVALID, f"{folder}: nothing was signed here yet")
    if lease_days is not None:
        bundle = replace(bundle, leases=_leases(bundle, now, lease_days))
    return _sign(
        folder,
        replace(bundle, **_life(bundle, now, days)),
        replace(policy, **_life(policy, now, days)),
    )


def revoke(folder: Path, entry: dict[str, Any]) -> None:
    """Write into ``trust.toml``: {"code": ...}, or a table of ``[[bundle.revoked]]``. The next
    ``sign`` carries it. Of a certificate the serial number is written, so that nothing can be
    revoked that is not there, and its file is not needed again.

    Raises KioskError: SETTINGS_INVALID, INPUT_UNREADABLE (the certificate).
    """
    read_source(folder)
    if certificate := entry.pop("certificate", None):
        entry = {"serial": serial_of(Path(certificate), folder), **entry}
    file = folder / SOURCE
    before = file.read_bytes()
    document = tomlkit.parse(before.decode())
    bundle: Any = document["bundle"]
    if code := entry.get("code"):
        bundle.setdefault("revoked_codes", tomlkit.array()).append(check_id_code(code))
    else:
        tables = bundle.setdefault("revoked", tomlkit.aot())
        tables.append(tomlkit.item(entry))
    _write(file, tomlkit.dumps(document).encode())
    try:
        read_source(folder)
    except KioskError:
        _write(file, before)
        raise


def describe(folder: Path) -> dict[str, Any]:
    """What is in force, in plain values. Raises KioskError and CertifyError."""
    bundle, policy = _before(folder)
    if bundle is None or policy is None:
        raise KioskError(Fault.SETTINGS_INVALID, f"{folder}: nothing was signed here yet")
    serials = bundle.revoked_certificates
    return {
        "bundle": {
            **_shown_life(bundle),
            "seal_host": bundle.seal_host,
            "roots": len(bundle.roots),
            "seals": {key.hex(): _iso(bundle.leases.get(key)) for key in bundle.seal_keys},
            "signers": {
                digest.hex(): [right.role, _iso(right.since), _iso(right.until)]
                for digest, right in bundle.signers.items()
            },
            "revoked_codes": sorted(bundle.revoked_codes),
            "revoked_certificates": {
                f"{serial:x}": [_iso(since), bundle.revocation_reasons.get(serial, "")]
                for serial, since in serials.items()
            },
            "revocations_by_portal": bundle.revocation_key is not None,
        },
        "policy": {
            **_shown_life(policy),
            "modes": sorted(policy.modes),
            "post_check_papers": sorted(policy.post_check_papers),
            "post_check_inspect_days": policy.post_check_inspect_days,
            "thresholds": dict(policy.thresholds),
            "packs": [[pack.name, pack.effective.isoformat()] for pack in policy.procedure_packs],
        },
    }


def _sign(folder: Path, bundle: TrustBundle, policy: Policy) -> tuple[TrustBundle, Policy]:
    anchor = _open(folder)
    public = _public(folder)
    if anchor.public != public:
        detail = f"the key is not that of {trust_anchor.PUBLIC}"
        raise KioskError(Fault.ANCHOR_LOCKED, detail)
    signed = sign_bundle(bundle, anchor.sign, anchor.key_id)
    ruled = sign_policy(policy, anchor.sign, anchor.key_id)
    # Nobody shall find out at a kiosk that something was written which cannot be read.
    made = load_bundle(signed, public, at=_now()), load_policy(ruled, public, at=_now())
    _write(folder / POLICY, ruled)
    _write(folder / BUNDLE, signed)
    return made


def _open(folder: Path) -> Anchor:
    where = read_source(folder).anchor
    if where.module and where.token:
        return trust_anchor.open_token(where.module, where.token, where.key)
    return trust_anchor.open_file(folder)


def _before(folder: Path) -> tuple[TrustBundle | None, Policy | None]:
    """What was signed last. Raises CertifyError (BUNDLE_INVALID) when another anchor signed it."""
    public = _public(folder)
    bundle, policy = (_read(folder / name) for name in (BUNDLE, POLICY))
    return (
        load_bundle(bundle, public, at=_ANY_TIME) if bundle else None,
        load_policy(policy, public, at=_ANY_TIME) if policy else None,
    )


def _public(folder: Path) -> Any:
    data = _read(folder / trust_anchor.PUBLIC)
    if data is None:
        detail = f"{folder / trust_anchor.PUBLIC} is missing: begin with `kiosk trust new`"
        raise KioskError(Fault.SETTINGS_INVALID, detail)
    return load_anchor(data.decode("ascii", "replace"))


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _with_earlier(
    bundle: TrustBundle, before: TrustBundle | None, codes: frozenset[str]
) -> TrustBundle:
    earlier = before or replace(bundle, revoked_codes=frozenset())
    return replace(
        bundle,
        revoked_codes=bundle.revoked_codes | earlier.revoked_codes | codes,
        revoked_certificates={**earlier.revoked_certificates, **bundle.revoked_certificates},
        revocation_reasons={**earlier.revocation_reasons, **bundle.revocation_reasons},
    )


def _leases(bundle: TrustBundle, now: datetime, days: int) -> dict[bytes, datetime]:
    until = now + timedelta(days=days)
    return {key: max(end, until) if end > now else end for key, end in bundle.leases.items()}


def _life(document: TrustBundle | Policy, now: datetime, days: int | None) -> dict[str, Any]:
    whole = document.expires - document.issued if days is None else timedelta(days=days)
    return {"serial": _serial(document, now), "issued": now, "expires": now + whole}


def _serial(before: TrustBundle | Policy | None, now: datetime) -> int:
    return max(int(now.timestamp()), before.serial + 1 if before else 0)


def _shown_life(document: TrustBundle | Policy) -> dict[str, Any]:
    return {
        "serial": document.serial,
        "issued": _iso(document.issued),
        "expires": _iso(document.expires),
        "expired": document.expires <= _now(),
    }


def _iso(time: datetime | None) -> str:
    return time.isoformat() if time else ""


def _write(file: Path, data: bytes) -> None:
    with files.translated(file.name):
        files.write_durably(file, [data])


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
