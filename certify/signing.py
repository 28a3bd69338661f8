"""Keys that sign certified copies, behind one small port; here those on a token, by PKCS#11 (OASIS
2.40). Others: ``remote`` (a signing service) and ``developer_key`` (a file, never in production).

Heavy and native: imported in children, server processes and commands only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pkcs11
from asn1crypto import pem, x509
from pyhanko.sign.pkcs11 import PKCS11Signer
from pyhanko.sign.signers import Signer as PdfKey

from certify import cose
from certify.errors import CertifyError, Fault

_RAW_EC = pkcs11.Mechanism.ECDSA


class Signer(Protocol):
    """A key with its certificate. ``pdf_key`` is what pyHanko signs with."""

    @property
    def pdf_key(self) -> PdfKey: ...

    @property
    def certificate(self) -> x509.Certificate: ...

    @property
    def key_id(self) -> bytes:
        """The key's name in COSE (P-256 keys; ValueError for others)."""

    def sign_es256(self, message: bytes) -> bytes:
        """r and s, 32 bytes each. Raises CertifyError (SIGNER_ABSENT) when the token is gone."""


class Pkcs11Signer:
    """A key on a token, RSA or ECDSA. The session stays open as long as the process lives: closing
    one would log the others out, because PKCS#11 keeps the login per token, not per session."""

    def __init__(self, session: Any, key_label: str, chain: Sequence[x509.Certificate]) -> None:
        self._key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=key_label)
        self.certificate = _certificate(session, key_label)
        self.pdf_key: PdfKey = PKCS11Signer(
            session,
            key_label=key_label,
            ca_chain=above(self.certificate, [*chain, *_certificates(session, {})]),
            embed_roots=False,
            # SoftHSM2 hashes for RSA, not for ECDSA.
            use_raw_mechanism=self._key.key_type is pkcs11.KeyType.EC,
        )

    @property
    def key_id(self) -> bytes:
        return cose.key_id(cose.decode_public(self.certificate.public_key.dump()))

    def sign_es256(self, message: bytes) -> bytes:
        with token_errors():
            return bytes(self._key.sign(cose.sha256(message), mechanism=_RAW_EC))


def open_signer(
    module: Path, token_label: str, key_label: str, pin: str, chain: Sequence[Path] = ()
) -> Pkcs11Signer:
    """The key and certificate named ``key_label`` on a token.

    ``module``: the PKCS#11 library. ``chain``: PEM files of the certificates above the signer's,
    where the token does not hold them itself.
    Raises CertifyError: SIGNER_ABSENT (no library, token or key), SIGNER_REFUSED (PIN).
    """
    certificates = [certificate for file in chain for certificate in read_certificates(file)]
    with token_errors():
        token = pkcs11.lib(str(module)).get_token(token_label=token_label)
        return Pkcs11Signer(_session(token, pin), key_label, certificates)


def read_certificates(file: Path) -> list[x509.Certificate]:
    """All certificates of a PEM file. Raises CertifyError (SIGNER_ABSENT)."""
    try:
        blocks = pem.unarmor(file.read_bytes(), multiple=True)
        return [x509.Certificate.load(der) for _, _, der in blocks]
    except (OSError, ValueError) as error:
        detail = f"certificates in {file.name}: {type(error).__name__}"
        raise CertifyError(Fault.SIGNER_ABSENT, detail) from None


@contextmanager
def token_errors() -> Iterator[None]:
    """Whatever a token says becomes SIGNER_REFUSED (it knows us not) or SIGNER_ABSENT."""
    try:
        yield
    except (
        pkcs11.PinIncorrect,
        pkcs11.PinInvalid,
        pkcs11.PinLenRange,
        pkcs11.PinLocked,
        pkcs11.PinExpired,
        pkcs11.UserNotLoggedIn,
    ) as error:
        raise CertifyError(Fault.SIGNER_REFUSED, type(error).__name__) from None
    except pkcs11.PKCS11Error as error:
        detail = type(error).__name__
        raise CertifyError(Fault.SIGNER_ABSENT, detail, retryable=True) from None


def _session(token: Any, pin: str) -> Any:
    try:
        return token.open(user_pin=pin)
    except pkcs11.UserAlreadyLoggedIn:
        # By this process, for another key: the login counts for all sessions.
        return token.open()


def _certificate(session: Any, label: str) -> x509.Certificate:
    for certificate in _certificates(session, {pkcs11.Attribute.LABEL: label}):
        return certificate
    raise pkcs11.NoSuchKey(f"no certificate {label}")


def above(
    certificate: x509.Certificate, candidates: Sequence[x509.Certificate]
) -> list[x509.Certificate]:
    """The issuers, lowest first: exactly what a verifier needs beside the root."""
    chain: list[x509.Certificate] = []
    while certificate.subject != certificate.issuer:
        issuers = [found for found in candidates if found.subject == certificate.issuer]
        if not issuers or issuers[0] in chain:
            break
        certificate = issuers[0]
        chain.append(certificate)
    return chain


def _certificates(session: Any, query: dict[Any, Any]) -> list[x509.Certificate]:
    of_class = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE, **query}
    # All at once: a search that is left half-way keeps the token busy.
    found = list(session.get_objects(of_class))
    return [x509.Certificate.load(entry[pkcs11.Attribute.VALUE]) for entry in found]
