"""The key that signs trust bundles and policies: kept offline by whoever answers for them.

It lies on a token (PKCS#11), or in ``anchor.p12``, a file that only a passphrase opens. No server
and no kiosk ever has it; what they have is ``anchor.pem``, its public half.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from certify import cose
from certify.errors import CertifyError
from certify.secret import Secret, ask
from kiosk.failures import Fault, KioskError
from offline_queue import files
from offline_queue.signatures import public_pem

KEY, PUBLIC = "anchor.p12", "anchor.pem"
SHORTEST = 12
"""Characters of a passphrase."""
_ROUNDS = 600_000  # OWASP's advice for PBKDF2 with SHA-256


@dataclass(frozen=True, slots=True)
class Anchor:
    public: ec.EllipticCurvePublicKey
    sign: cose.RawSigner

    @property
    def key_id(self) -> bytes:
        return cose.key_id(self.public)


def make_file(folder: Path) -> Anchor:
    """A new key in ``folder``, under a passphrase that is asked for twice.

    Raises KioskError (SETTINGS_INVALID: a key is there; ANCHOR_LOCKED) and QueueError (disk).
    """
    if (folder / KEY).exists():
        raise KioskError(Fault.SETTINGS_INVALID, f"{folder / KEY} is there already")
    passphrase = _new_passphrase()
    key = ec.generate_private_key(ec.SECP256R1())
    sealing = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(_ROUNDS)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(passphrase.reveal().encode())
    )
    data = pkcs12.serialize_key_and_certificates(b"anchor", key, None, None, sealing)
    with files.translated(KEY):
        files.write_durably(folder / KEY, [data])
    (folder / KEY).chmod(0o600)
    return Anchor(key.public_key(), cose.software_signer(key))


def open_file(folder: Path) -> Anchor:
    """Raises KioskError (ANCHOR_LOCKED): no such file, or another passphrase."""
    try:
        data = (folder / KEY).read_bytes()
        passphrase = _asked("Passphrase of the trust anchor")
        key, _, _ = pkcs12.load_key_and_certificates(data, passphrase.reveal().encode())
    except OSError as error:
        raise KioskError(Fault.ANCHOR_LOCKED, f"{KEY}: {error.strerror}") from None
    except ValueError:
        raise KioskError(Fault.ANCHOR_LOCKED, "passphrase") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise KioskError(Fault.ANCHOR_LOCKED, f"{KEY}: not a P-256 key")
    return Anchor(key.public_key(), cose.software_signer(key))


def open_token(module: Path, token: str, label: str) -> Anchor:
    """A P-256 key with a certificate of the same label, whoever issued that.

    Raises KioskError (ANCHOR_LOCKED): no such token or key, or another PIN.
    """
    from certify.signing import open_signer

    pin = _asked("PIN of the token")
    with _locked():
        signer = open_signer(module, token, label, pin.reveal())
    try:
        public = cose.decode_public(signer.certificate.public_key.dump())
    except ValueError as error:
        raise KioskError(Fault.ANCHOR_LOCKED, str(error)) from None
    return Anchor(public, signer.sign_es256)


def publish(anchor: Anchor, folder: Path) -> None:
    """Write ``anchor.pem``. Raises QueueError."""
    with files.translated(PUBLIC):
        files.write_durably(folder / PUBLIC, [public_pem(anchor.public).encode()])


def _new_passphrase() -> Secret:
    passphrase = _asked(f"New passphrase of the trust anchor, {SHORTEST} characters or more")
    if len(passphrase.reveal()) < SHORTEST:
        raise KioskError(Fault.ANCHOR_LOCKED, f"shorter than {SHORTEST} characters")
    if _asked("The same again").reveal() != passphrase.reveal():
        raise KioskError(Fault.ANCHOR_LOCKED, "not the same twice")
    return passphrase


def _asked(question: str) -> Secret:
    with _locked():
        return ask(question)


@contextmanager
def _locked() -> Iterator[None]:
    """What is said of keys that sign copies is told of the anchor: no copy is being signed here."""
    try:
        yield
    except CertifyError as error:
        raise KioskError(Fault.ANCHOR_LOCKED, error.detail) from None
