"""The portal's own keys, made on its first start: envelope (X25519), receipts and revocations
(P-256).

The private keys lie in ``<state>/keys``, readable by the portal's user only. A key's id is the
start of the SHA-256 of its public bytes. To change one, rename it and start the portal again:
``envelope-*.key`` stays, since a kiosk may have locked dossiers for it while offline, and so does
``receipt-*.pem``, since receipts that it signed are shown again, and since a kiosk believes in new
keys because an old one has signed for them. A key that others may have copied goes instead: then
each kiosk needs a fresh one-time code.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from kiosk.portal.files import write_once
from offline_queue import signatures
from offline_queue.intake import EnrolAnswer, KeysReply, KeysStatement, Receipt, ReceiptStatement
from offline_queue.manifest import canonical


@dataclass(frozen=True, slots=True)
class PortalKeys:
    """``envelope`` and ``receipts`` map key ids to private keys; ``..._key_id`` is the current
    one's. ``revocations`` signs lists of revoked copies, once a trust bundle names it."""

    envelope: dict[str, X25519PrivateKey]
    envelope_key_id: str
    receipts: dict[str, ec.EllipticCurvePrivateKey]
    receipt_key_id: str
    revocations: ec.EllipticCurvePrivateKey

    def enrol_answer(self) -> EnrolAnswer:
        current = self.envelope[self.envelope_key_id].public_key().public_bytes_raw()
        public = {
            key_id: signatures.public_pem(key.public_key()) for key_id, key in self.receipts.items()
        }
        return EnrolAnswer(
            envelope_key_id=self.envelope_key_id,
            envelope_key=base64.b64encode(current).decode(),
            receipt_key_id=self.receipt_key_id,
            receipt_key=public.pop(self.receipt_key_id),
            older_receipt_keys=public,
        )

    def sign_keys(self, nonce: str) -> KeysReply:
        statement = KeysStatement(nonce=nonce, keys=self.enrol_answer())
        text = canonical(statement.model_dump(mode="json"))
        return KeysReply(
            statement=text.decode(),
            signatures={
                key_id: base64.b64encode(signatures.sign(key, signatures.KEYS, text)).decode()
                for key_id, key in self.receipts.items()
            },
        )

    def sign_receipt(self, statement: ReceiptStatement) -> Receipt:
        text = canonical(statement.model_dump(mode="json"))
        key = self.receipts[self.receipt_key_id]
        signature = signatures.sign(key, signatures.RECEIPT, text)
        return Receipt(
            statement=text.decode(),
            signature=base64.b64encode(signature).decode(),
            key_id=self.receipt_key_id,
        )


def load_keys(folder: Path) -> PortalKeys:
    """Read the keys, or make them. Raises OSError, or ValueError for a damaged file."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    current = X25519PrivateKey.from_private_bytes(
        _keep(folder / "envelope.key", lambda: X25519PrivateKey.generate().private_bytes_raw())
    )
    older = [
        X25519PrivateKey.from_private_bytes(file.read_bytes())
        for file in folder.glob("envelope-*.key")
    ]
    receipt = signing_key(folder / "receipt.pem")
    receipts = [receipt, *map(signing_key, folder.glob("receipt-*.pem"))]
    return PortalKeys(
        envelope={_envelope_id(key): key for key in (current, *older)},
        envelope_key_id=_envelope_id(current),
        receipts={_receipt_id(key): key for key in receipts},
        receipt_key_id=_receipt_id(receipt),
        revocations=signing_key(folder / "revocations.pem"),
    )


def signing_key(file: Path) -> ec.EllipticCurvePrivateKey:
    """The P-256 key in ``file``, made when there is none. Raises OSError, ValueError."""
    key = serialization.load_pem_private_key(_keep(file, _new_signing_key), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{file}: not an elliptic-curve key")
    return key


def _new_signing_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _envelope_id(key: X25519PrivateKey) -> str:
    return _key_id(key.public_key().public_bytes_raw())


def _receipt_id(key: ec.EllipticCurvePrivateKey) -> str:
    return _key_id(signatures.public_pem(key.public_key()).encode())


def _key_id(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:16]


def _keep(file: Path, make: Callable[[], bytes]) -> bytes:
    if not file.exists():
        write_once(file, make())
    return file.read_bytes()
