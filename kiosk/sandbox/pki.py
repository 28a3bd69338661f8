"""The sandbox's certificate authority, tokens, trust bundle and policy, made fresh on first use.

Root and intermediate CA, an officer (RSA, as most tokens in use), the agency, the agency's key on
a kiosk (post-check) and two seal keys are certified by certomancer. The keys that sign copies
live on two SoftHSM2 tokens: ``desk`` (officer, agency, seal) and ``kiosk`` (agency, seal); one
more of the officer's belongs to the signing service's stand-in.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certify import cose, packs, trust
from certify.statement import Mode
from kiosk.sandbox import card_state, token
from kiosk.sandbox.staff_card import StaffAuthority

DESK_TOKEN = "desk"  # noqa: S105  # a label, not a secret
KIOSK_TOKEN = "kiosk"  # noqa: S105
REMOTE = "remote-officer"
"""The officer's other key, which the stand-in for a signing service keeps."""
SEAL_HOST = "xacthuc.mot-cua.example"
MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")

_LIFE = timedelta(days=730)
_CA_LIFE = timedelta(days=3650)
# Until then the kiosk's seal counts; each start of the sandbox signs a bundle with a fresh lease.
_LEASE = timedelta(days=30)
_ON_TOKENS = {
    DESK_TOKEN: {"officer": "officer", "agency": "agency", "seal": "desk-seal"},
    KIOSK_TOKEN: {"agency": "kiosk-agency", "seal": "kiosk-seal"},
}


@dataclass(frozen=True, slots=True)
class SandboxPki:
    """Where everything lies. ``trust_dir`` holds bundle.cose, policy.cose and anchor.pem (public),
    as ``KIOSK_TRUST`` of ``certify verify`` wants it."""

    folder: Path
    agency: str
    officer: str
    seal_host: str = SEAL_HOST
    module: Path = MODULE

    @property
    def trust_dir(self) -> Path:
        return self.folder / "trust"

    @property
    def card_state(self) -> Path:
        """Where the keys lie of those who issue citizen cards and staff cards."""
        return self.folder / "card-state"

    @property
    def anchor_key(self) -> Path:
        """Private key, PEM: what the sandbox portal signs bundle and policy with."""
        return self.folder / "keys" / "anchor.pem"

    @property
    def chain(self) -> Path:
        """The intermediate and the root certificate, PEM; the tokens hold the intermediate too."""
        return self.folder / "certs" / "chain.pem"

    @property
    def officer_certificate(self) -> Path:
        """PEM, the one on the token ``desk``."""
        return self.folder / "certs" / "officer.pem"

    @property
    def remote_key(self) -> Path:
        """Private key, PEM: what the signing service's stand-in keeps."""
        return self.folder / "keys" / f"{REMOTE}.pem"

    @property
    def remote_certificate(self) -> Path:
        return self.folder / "certs" / f"{REMOTE}.pem"

    @property
    def softhsm_conf(self) -> Path:
        """``SOFTHSM2_CONF`` of every process that opens one of the tokens."""
        return self.folder / "softhsm2.conf"

    @property
    def desk_pin(self) -> Path:
        return self.folder / f"{DESK_TOKEN}.pin"

    @property
    def kiosk_pin(self) -> Path:
        return self.folder / f"{KIOSK_TOKEN}.pin"


def create(
    state: Path,
    *,
    agency: str,
    officer: str,
    seal_host: str = SEAL_HOST,
    modes: Collection[Mode] = ("pre-check", "post-check"),
) -> SandboxPki:
    """The sandbox PKI in ``state/pki``. Keys made earlier for the same names are used again;
    bundle and policy are signed anew each time, for ``modes``, with a higher serial; the policy
    names every procedure pack in the trust folder.

    ``agency`` and ``officer`` are the names that copies must bear (statement.CopyFacts).
    """
    pki = SandboxPki(state.resolve() / "pki", agency, officer, seal_host)
    pki.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(pki.folder / "lock", "w") as lock:
        # Test workers and demos may share one folder of keys.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_complete(pki):
            _make(pki)
        _sign_trust(pki, frozenset(modes))
    return pki


def _is_complete(pki: SandboxPki) -> bool:
    try:
        return _names_file(pki).read_text("utf-8") == _names(pki)
    except FileNotFoundError:
        return False


def _names_file(pki: SandboxPki) -> Path:
    return pki.folder / "names.json"


def _names(pki: SandboxPki) -> str:
    return json.dumps([pki.agency, pki.officer, sorted(_subjects(pki))], ensure_ascii=False)


def _make(pki: SandboxPki) -> None:
    _clear(pki)
    keys = _new_keys()
    for name, key in keys.items():
        _write_private(pki.folder / "keys" / f"{name}.pem", _pem(key))
    certificates = _certify(pki)
    for name, der in certificates.items():
        (pki.folder / "certs" / f"{name}.pem").write_bytes(_certificate_pem(der))
    pki.chain.write_bytes(
        _certificate_pem(certificates["intermediate"]) + _certificate_pem(certificates["root"])
    )
    _make_tokens(pki, keys, certificates)
    # Last: without it all of the above is made again.
    _names_file(pki).write_text(_names(pki), "utf-8")


def _clear(pki: SandboxPki) -> None:
    for name in ("keys", "certs", "trust", "tokens"):
        shutil.rmtree(pki.folder / name, ignore_errors=True)
        (pki.folder / name).mkdir(mode=0o700)
    for file in (_names_file(pki), pki.desk_pin, pki.kiosk_pin):
        file.unlink(missing_ok=True)


def _new_keys() -> dict[str, token.PrivateKey]:
    names = ("root", "intermediate", "agency", "kiosk-agency", "desk-seal", "kiosk-seal", "anchor")
    keys: dict[str, token.PrivateKey] = {
        name: ec.generate_private_key(ec.SECP256R1()) for name in (*names, REMOTE)
    }
    keys["officer"] = rsa.generate_private_key(65537, 2048)
    return keys


def _certify(pki: SandboxPki) -> dict[str, bytes]:
    """All certificates, DER by name."""
    from certomancer.registry import ArchLabel, CertLabel, CertomancerConfig

    config = CertomancerConfig(_authority(pki), key_search_dir=str(pki.folder / "keys"))
    authority = config.get_pki_arch(ArchLabel("sandbox"))
    labels = ("root", "intermediate", *_subjects(pki))
    return {label: authority.get_cert(CertLabel(label)).dump() for label in labels}


def _subjects(pki: SandboxPki) -> dict[str, dict[str, str]]:
    agency = {"organization-name": pki.agency, "common-name": pki.agency}
    return {
        "officer": {"organization-name": pki.agency, "common-name": pki.officer},
        REMOTE: {"organization-name": pki.agency, "common-name": pki.officer},
        "agency": agency,
        "kiosk-agency": {**agency, "organizational-unit-name": "Kiosk"},
        "desk-seal": {**agency, "organizational-unit-name": "Desk seal"},
        "kiosk-seal": {**agency, "organizational-unit-name": "Kiosk seal"},
    }


def _authority(pki: SandboxPki) -> dict[str, Any]:
    """The configuration of certomancer, which otherwise comes as YAML."""
    subjects = _subjects(pki)
    names = ["root", "intermediate", *subjects]
    start = datetime.now(UTC) - timedelta(days=1)
    ca = {"validity": _validity(start, _CA_LIFE)}
    certificates: dict[str, Any] = {
        "root": {
            **ca,
            "subject": "root",
            "subject-key": "root",
            "issuer": "root",
            "authority-key": "root",
            "profiles": ["simple-ca"],
        },
        "intermediate": {
            **ca,
            "issuer": "root",
            "profiles": [{"id": "simple-ca", "params": {"max-path-len": 0}}],
        },
    }
    for name in subjects:
        certificates[name] = {
            "issuer": "intermediate",
            "validity": _validity(start, _LIFE),
            "profiles": ["digsig-commitment"],
        }
    return {
        "keysets": {"sandbox": {"keys": {name: {"path": f"{name}.pem"} for name in names}}},
        "pki-architectures": {
            "sandbox": {
                "keyset": "sandbox",
                "entity-defaults": {"country-name": "VN"},
                "entities": {
                    "root": {"common-name": "Sandbox Root CA"},
                    "intermediate": {"common-name": "Sandbox Issuing CA"},
                    **subjects,
                },
                "certs": certificates,
            }
        },
    }


def _validity(start: datetime, life: timedelta) -> dict[str, str]:
    return {"valid-from": start.isoformat(), "valid-to": (start + life).isoformat()}


def _make_tokens(
    pki: SandboxPki, keys: dict[str, token.PrivateKey], certificates: dict[str, bytes]
) -> None:
    tokens = pki.folder / "tokens"
    pki.softhsm_conf.write_text(
        f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    for label, pin_file in ((DESK_TOKEN, pki.desk_pin), (KIOSK_TOKEN, pki.kiosk_pin)):
        pin = secrets.token_hex(8)
        _write_private(pin_file, pin.encode())
        contents: dict[str, tuple[token.PrivateKey | None, bytes]] = {
            "authority": (None, certificates["intermediate"])
        }
        for name, key in _ON_TOKENS[label].items():
            contents[name] = (keys[key], certificates[key])
            # From here on the key exists on the token alone.
            (pki.folder / "keys" / f"{key}.pem").unlink()
        token.fill(pki.module, pki.softhsm_conf, label, pin, contents)


def _sign_trust(pki: SandboxPki, modes: frozenset[Mode]) -> None:
    anchor = serialization.load_pem_private_key(pki.anchor_key.read_bytes(), None)
    assert isinstance(anchor, ec.EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    seals = _seals(pki)
    bundle = trust.TrustBundle(
        # Seconds since 1970 rise by themselves, whoever signs.
        serial=int(now.timestamp()),
        issued=now,
        expires=now + _LIFE,
        roots=(_certificate(pki, "root").public_bytes(serialization.Encoding.DER),),
        seal_keys={cose.key_id(key): key for key in seals.values()},
        seal_host=pki.seal_host,
        leases={cose.key_id(seals["kiosk-seal"]): now + _LEASE},
        chip_roots=(card_state.kept_in(pki.card_state).root_der,),
        staff_roots=(StaffAuthority.kept_in(pki.card_state).root_der,),
    )
    policy = trust.Policy(
        serial=bundle.serial,
        issued=now,
        expires=now + _LIFE,
        modes=modes,
        thresholds={"face-distance": 0.5},
        post_check_papers=frozenset({"original"}),
        post_check_inspect_days=3,
        procedure_packs=_packs_in(pki.trust_dir),
    )
    sign, kid = cose.software_signer(anchor), cose.key_id(anchor.public_key())
    _replace(pki.trust_dir / "bundle.cose", trust.sign_bundle(bundle, sign, kid))
    _replace(pki.trust_dir / "policy.cose", trust.sign_policy(policy, sign, kid))
    _replace(
        pki.trust_dir / "anchor.pem",
        anchor.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
    )


def _packs_in(folder: Path) -> tuple[trust.NamedPack, ...]:
    """Every procedure pack that ``kiosk portal pack`` has put there, the newest last."""
    named = [packs.name_of(file.read_bytes()) for file in folder.glob(packs.file_name("*"))]
    return tuple(sorted(named, key=lambda pack: (pack.effective, pack.name, pack.sha256)))


def _seals(pki: SandboxPki) -> dict[str, ec.EllipticCurvePublicKey]:
    names = ("desk-seal", "kiosk-seal")
    keys = {name: _certificate(pki, name).public_key() for name in names}
    return {name: key for name, key in keys.items() if isinstance(key, ec.EllipticCurvePublicKey)}


def _certificate(pki: SandboxPki, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((pki.folder / "certs" / f"{name}.pem").read_bytes())


def _replace(file: Path, data: bytes) -> None:
    """Whoever reads meanwhile gets the old content or the new."""
    fresh = file.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.replace(file)


def _write_private(file: Path, data: bytes) -> None:
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(data)


def _pem(key: token.PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _certificate_pem(der: bytes) -> bytes:
    from asn1crypto import pem

    return bytes(pem.armor("CERTIFICATE", der))
