"""The key that signs trust bundles and policies: kept offline by whoever answers for them.

It lies on a token (PKCS#11), or in ``anchor.p12``, a file that only a passphrase opens. No server
and no kiosk ever has it; what they have is ``anchor.pem``, its public half.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from certify import cose
from certify.errors import CertifyError, Fault
from certify.secret import Secret, ask
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

    Raises FileExistsError, CertifyError (SIGNER_REFUSED) and QueueError (disk).
    """
    if (folder / KEY).exists():
        raise FileExistsError(folder / KEY)
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
    """Raises CertifyError: SIGNER_ABSENT (no such file), SIGNER_REFUSED (passphrase)."""
    try:
        data = (folder / KEY).read_bytes()
        key, _, _ = pkcs12.load_key_and_certificates(
            data, ask("Passphrase of the trust anchor").reveal().encode()
        )
    except OSError as error:
        raise CertifyError(Fault.SIGNER_ABSENT, f"{KEY}: {error.strerror}") from None
    except ValueError:
        raise CertifyError(Fault.SIGNER_REFUSED, "passphrase") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise CertifyError(Fault.SIGNER_ABSENT, f"{KEY}: not a P-256 key")
    return Anchor(key.public_key(), cose.software_signer(key))


def open_token(module: Path, token: str, label: str) -> Anchor:
    """A P-256 key with a certificate of the same label, whoever issued that.

    Raises CertifyError: SIGNER_ABSENT, SIGNER_REFUSED.
    """
    from certify.signing import open_signer

    signer = open_signer(module, token, label, ask("PIN of the token").reveal())
    try:
        public = cose.decode_public(signer.certificate.public_key.dump())
    except ValueError as error:
        raise CertifyError(Fault.SIGNER_ABSENT, str(error)) from None
    return Anchor(public, signer.sign_es256)


def publish(anchor: Anchor, folder: Path) -> None:
    """Write ``anchor.pem``. Raises QueueError."""
    with files.translated(PUBLIC):
        files.write_durably(folder / PUBLIC, [public_pem(anchor.public).encode()])


def _new_passphrase() -> Secret:

    passphrase = ask(f"New passphrase of the trust anchor, {SHORTEST} characters or more")
    if len(passphrase.reveal()) < SHORTEST:
        raise CertifyError(Fault.SIGNER_REFUSED, f"shorter than {SHORTEST} characters")
    if ask("The same again").reveal() != passphrase.reveal():
        raise CertifyError(Fault.SIGNER_REFUSED, "not the same twice")
    return passphrase
