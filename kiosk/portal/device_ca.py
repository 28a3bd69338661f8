"""The portal's device CA: short-lived certificates for the kiosks' TLS keys, and their end.

A kiosk is known by two keys. Its device key, introduced by a one-time code, signs every request.
Its TLS key opens the door in front of the portal, where the proxy demands a certificate of this CA
(``<state>/keys/device-ca.crt``) and, better, reads its revocation list as well. A revoked kiosk is
refused by the portal whatever the proxy does, until a fresh code takes it in anew.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kiosk.portal.errors import RefusedError
from kiosk.portal.files import write_once
from kiosk.portal.keys import signing_key
from kiosk.portal.store import Store
from kiosk.portal.times import now
from offline_queue.intake import Problem, Standing

SCHEMA = [
    "CREATE TABLE device_certificates (serial TEXT PRIMARY KEY, kiosk_id TEXT NOT NULL,"
    " not_after TEXT NOT NULL, revoked_at TEXT) STRICT",
    "CREATE TABLE revoked_kiosks (kiosk_id TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT",
]
LIFE = timedelta(days=30)
ANSWER_LOST = timedelta(hours=1)
_EARLIER = timedelta(days=1)
"""Certificates begin in the past: clocks of kiosks may be behind."""
_CA_LIFE = timedelta(days=7300)
_LIST_LIFE = timedelta(days=7)


class DeviceCa:
    def __init__(self, folder: Path, store: Store) -> None:
        """Key and certificate in ``folder`` are made on first use. Raises OSError, ValueError."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._store = store
        self._key = signing_key(folder / "device-ca.pem")
        self.file = folder / "device-ca.crt"
        if not self.file.exists():
            write_once(self.file, _self_signed(self._key))
        self._certificate = x509.load_pem_x509_certificate(self.file.read_bytes())

    def issue(self, kiosk_id: str, csr: str) -> str:
        """A certificate (PEM) that names ``kiosk_id``, whatever the request calls itself.

        Raises RefusedError (BAD_REQUEST) for what is no request for a P-256 key.
        """
        request = read_request(csr)
        begin, serial = now() - _EARLIER, x509.random_serial_number()
        end = (now() + LIFE).replace(microsecond=0)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, kiosk_id)]))
            .issuer_name(self._certificate.subject)
            .public_key(request.public_key())
            .serial_number(serial)
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO device_certificates VALUES (?, ?, ?, ?)",
                (f"{serial:x}", kiosk_id, end.isoformat(), None),
            )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    def revoke(self, kiosk_id: str) -> None:
        """Nothing of this kiosk counts from now on, until a fresh code takes it in again."""
        at = now().isoformat()
        with self._store.transaction() as db:
            db.execute(
                "UPDATE device_certificates SET revoked_at = ?"
                " WHERE kiosk_id = ? AND revoked_at IS NULL",
                (at, kiosk_id),
            )
            db.execute(
                "INSERT INTO revoked_kiosks VALUES (?, ?) ON CONFLICT DO NOTHING", (kiosk_id, at)
            )

    def is_revoked(self, kiosk_id: str) -> bool:
        found = "SELECT 1 FROM revoked_kiosks WHERE kiosk_id = ?"
        return bool(self._store.rows(found, (kiosk_id,)))

    def may_enrol(self, kiosk_id: str, code_hash: str) -> bool:
        """A code counts once. Only a kiosk that lost the answer may ask again, for a while."""
        used = self._store.rows("SELECT used_at FROM used_codes WHERE hash = ?", (code_hash,))
        if not used:
            return True
        lately = now() - datetime.fromisoformat(used[0][0]) < ANSWER_LOST
        return lately and not self.is_revoked(kiosk_id)

    def readmit(self, kiosk_id: str) -> None:
        """Enrolled by a fresh code. Certificates that were revoked stay so."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM revoked_kiosks WHERE kiosk_id = ?", (kiosk_id,))

    def standing(self, kiosk_id: str) -> Standing:
        rows = self._store.rows(
            "SELECT MAX(not_after) FROM device_certificates"
            " WHERE kiosk_id = ? AND revoked_at IS NULL",
            (kiosk_id,),
        )
        end = rows[0][0]
        return Standing(
            state="revoked" if self.is_revoked(kiosk_id) else "active",
            not_after=datetime.fromisoformat(end) if end else None,
        )

    def revoked(self) -> bytes:
        """The revocation list (RFC 5280, DER): what has not expired by itself."""
        at = now()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(at)
            .next_update(at + _LIST_LIFE)
        )
        rows = self._store.rows(
            "SELECT serial, revoked_at FROM device_certificates"
            " WHERE revoked_at IS NOT NULL AND not_after > ?",
            (at.isoformat(),),
        )
        for serial, revoked_at in rows:
            entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16))
            builder = builder.add_revoked_certificate(
                entry.revocation_date(datetime.fromisoformat(revoked_at)).build()
            )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def read_request(csr: str) -> x509.CertificateSigningRequest:
    """Raises RefusedError (BAD_REQUEST) for what is no request for a P-256 key."""
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        key = request.public_key()
        good = request.is_signature_valid
    except ValueError:
        raise RefusedError(Problem.BAD_REQUEST, "csr: not PKCS #10 in PEM") from None
    if not good or not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise RefusedError(Problem.BAD_REQUEST, "csr: not signed by the P-256 key it names")
    return request


def _self_signed(key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Kiosk device CA")])
    begin = datetime.now(UTC) - _EARLIER
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + _CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)
