"""A key in a PKCS#12 file (RFC 7292), for development where no token is at hand.

Whoever has file and passphrase has the key, so ``environment = "production"`` refuses it.
"""

from __future__ import annotations

from pathlib import Path

from asn1crypto import keys, x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import Certificate
from pyhanko.sign.signers import Signer as PdfKey
from pyhanko.sign.signers import SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from certify import cose
from certify.errors import CertifyError, Fault
from certify.secret import Secret
from certify.signing import above


class DeveloperSigner:
    """As signing.Signer. Raises CertifyError: SIGNER_ABSENT (no file, or nothing usable in it),
    SIGNER_REFUSED (passphrase)."""

    def __init__(self, file: Path, passphrase: Secret) -> None:
        try:
            data = file.read_bytes()
            loaded = pkcs12.load_pkcs12(data, passphrase.reveal().encode())
        except OSError as error:
            raise CertifyError(Fault.SIGNER_ABSENT, f"{file.name}: {error.strerror}") from None
        except ValueError:
            raise CertifyError(Fault.SIGNER_REFUSED, f"{file.name}: passphrase") from None
        if loaded.key is None or loaded.cert is None:
            raise CertifyError(Fault.SIGNER_ABSENT, f"{file.name}: no key with a certificate")
        self._key = loaded.key
        self.certificate = _asn1(loaded.cert.certificate)
        chain = [_asn1(each.certificate) for each in loaded.additional_certs]
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register_multiple(above(self.certificate, chain))
        self.pdf_key: PdfKey = SimpleSigner(
            signing_cert=self.certificate,
            signing_key=keys.PrivateKeyInfo.load(_der(loaded.key)),
            cert_registry=store,
            embed_roots=False,
        )

    @property
    def key_id(self) -> bytes:
        return cose.key_id(cose.decode_public(self.certificate.public_key.dump()))

    def sign_es256(self, message: bytes) -> bytes:
        assert isinstance(self._key, ec.EllipticCurvePrivateKey)  # key_id says so first
        return cose.software_signer(self._key)(message)


def _asn1(certificate: Certificate) -> x509.Certificate:
    return x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def _der(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
