"""A signer whose key is kept by a remote signing service, spoken to by :mod:`certify.csc`.

One authorisation (PIN, one-time code, a confirmation on the holder's phone) opens up to ``batch``
signatures. A PIN that was refused is never sent again: services lock a key after a few of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from asn1crypto import algos, x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from pyhanko.sign.signers import Signer as PdfKey
from pyhanko_certvalidator.registry import SimpleCertificateStore

from certify import cose
from certify.csc import Activation, ActivationGoneError, Credential, CscClient, WrongCodeError
from certify.errors import CertifyError, Fault
from certify.secret import Secret
from certify.signing import above

Asker = Callable[[str], Secret]

_ALGORITHMS = {"rsa": "sha256_rsa", "ec": "sha256_ecdsa"}
_PLAIN_RSA = "1.2.840.113549.1.1.1"
_CODE_TRIES = 3
_MARGIN = timedelta(seconds=5)  # an activation is not used in its last moments


class RemoteSigner:
    """As signing.Signer. ``ask`` gets one-time codes from the person; ``pin`` is needed only where
    the service wants one.

    Raises CertifyError: SIGNER_UNREACHABLE, SIGNER_REFUSED, SIGNER_LOCKED, SIGNER_ABSENT (no such
    credential, or an algorithm that copies do not bear).
    """

    def __init__(
        self,
        client: CscClient,
        credential: str,
        *,
        pin: Secret | None = None,
        ask: Asker | None = None,
        batch: int = 1,
        chain: Sequence[x509.Certificate] = (),
    ) -> None:
        if credential not in client.credentials():
            raise CertifyError(Fault.SIGNER_ABSENT, "the account has no such credential")
        self._client = client
        self._credential = client.info(credential)
        self._pin = pin
        self._ask = ask
        self._count = min(max(1, batch), self._credential.multisign)
        self._held: Activation | None = None
        self._refused = False
        self.certificate = self._credential.certificates[0]
        self._algorithm = _algorithm(self._credential)
        candidates = [*self._credential.certificates[1:], *chain]
        self.pdf_key: PdfKey = _PdfKey(self._sign, above(self.certificate, candidates), self)

    @property
    def key_id(self) -> bytes:
        return cose.key_id(cose.decode_public(self.certificate.public_key.dump()))

    def sign_es256(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self._sign(sha256(message).digest()))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def _sign(self, digest: bytes) -> bytes:
        try:
            return self._sign_once(digest)
        except ActivationGoneError:
            # It ran out between our look at the clock and theirs.
            self._held = None
        try:
            return self._sign_once(digest)
        except ActivationGoneError:
            raise CertifyError(Fault.SIGNER_REFUSED, "a fresh activation") from None

    def _sign_once(self, digest: bytes) -> bytes:
        held = self._activation(digest)
        # Spent before it is used: an answer that is lost may stand for a signature that was made.
        left = held.left - 1
        self._held = Activation(held.sad, held.expires, left) if left else None
        return self._client.sign(self._credential, held, digest, self._algorithm)

    def _activation(self, digest: bytes) -> Activation:
        held = self._held
        if held is None or held.expires - _MARGIN < datetime.now(UTC):
            return self._authorise(digest)
        if self._credential.bound:
            return self._client.extend(self._credential, held, digest)
        return held

    def _authorise(self, digest: bytes) -> Activation:
        if self._refused:
            raise CertifyError(Fault.SIGNER_REFUSED, "PIN, not sent again")
        if self._credential.needs_pin and self._pin is None:
            raise CertifyError(Fault.SIGNER_REFUSED, "no PIN")
        for _ in range(_CODE_TRIES):
            try:
                return self._client.authorise(
                    self._credential, [digest], self._count, self._sent_pin(), self._code()
                )
            except WrongCodeError:
                continue
            except CertifyError as error:
                self._refused = error.code in (Fault.SIGNER_REFUSED, Fault.SIGNER_LOCKED)
                raise
        raise CertifyError(Fault.SIGNER_UNCONFIRMED, "one-time code")

    def _sent_pin(self) -> Secret | None:
        return self._pin if self._credential.needs_pin else None

    def _code(self) -> Secret | None:
        if not self._credential.needs_otp:
            return None
        if self._ask is None:
            raise CertifyError(Fault.SIGNER_REFUSED, "a one-time code, and nobody to ask")
        if self._credential.otp_by_wire:
            self._client.send_code(self._credential.id)
        return self._ask("One-time code of the signing service")


class _PdfKey(PdfKey):
    """What pyHanko signs with: it builds the message, the service signs the digest."""

    def __init__(
        self,
        sign: Callable[[bytes], bytes],
        chain: Sequence[x509.Certificate],
        signer: RemoteSigner,
    ) -> None:
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register_multiple(chain)
        super().__init__(
            signing_cert=signer.certificate,
            cert_registry=store,
            embed_roots=False,
        )
        self._sign_digest = sign

    async def async_sign_raw(
        self, data: bytes, digest_algorithm: str, dry_run: bool = False
    ) -> bytes:
        if dry_run:  # only the length counts
            return bytes(_longest(self.signing_cert))
        if digest_algorithm != "sha256":
            raise ValueError(digest_algorithm)
        return self._sign_digest(sha256(data).digest())


def _longest(certificate: x509.Certificate) -> int:
    """Bytes of the longest signature: that of RSA, or DER of two numbers."""
    key = certificate.public_key
    size = int(key.byte_size) if key.algorithm == "rsa" else int(key.bit_size) // 8
    return size if key.algorithm == "rsa" else 2 * size + 16


def _algorithm(credential: Credential) -> str:
    """OID with which copies are signed. Raises CertifyError (SIGNER_ABSENT)."""
    kind = credential.certificates[0].public_key.algorithm
    native = _ALGORITHMS.get(kind, "")
    offered: dict[Any, str] = {}
    for oid in credential.algorithms:
        offered[algos.SignedDigestAlgorithmId(oid).native] = oid
    if native in offered:
        return offered[native]
    if kind == "rsa" and _PLAIN_RSA in credential.algorithms:
        return _PLAIN_RSA  # with the digest's own OID beside it
    raise CertifyError(Fault.SIGNER_ABSENT, "the credential signs in no way that copies bear")
