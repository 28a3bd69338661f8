"""The portal behind TLS as in the field: one address that demands a certificate of the device CA
and reads its revocation list, and a door without, for enrolment."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kiosk.portal.composition import Portal
from kiosk.portal.server import create_app
from kiosk.portal.settings import PortalSettings

Key = ec.EllipticCurvePrivateKey


def pem_of(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


class Authority:
    """A CA for servers on loopback. ``file``: its certificate."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._certificate(self._name, self._key, ca=True)
        self.file = folder / f"{name}.crt"
        self.file.write_bytes(certificate)

    def server(self) -> tuple[Path, Path]:
        """Files with certificate and key for 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        stem = self.file.stem
        files = self._folder / f"{stem}-server.crt", self._folder / f"{stem}-server.key"
        files[0].write_bytes(self._certificate(name, key, ca=False))
        files[1].write_bytes(pem_of(key))
        return files

    def _certificate(self, name: x509.Name, key: Key, *, ca: bool) -> bytes:
        now = datetime.now(UTC)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)


class Gate:
    """``address`` and ``door``; :meth:`read_revocations` is what a proxy does now and then."""

    def __init__(self, settings: PortalSettings, authority: Authority) -> None:
        self._app = create_app(settings)
        self._files = authority.server()
        self._state = settings.state
        self._running: list[tuple[uvicorn.Server, threading.Thread]] = []
        self.door = self._open(self._config())
        self.address = ""
        self.read_revocations()

    @property
    def portal(self) -> Portal:
        found = self._app.state.portal
        assert isinstance(found, Portal)
        return found

    def read_revocations(self) -> None:
        """Open the strict address anew, at the port it had."""
        port = int(self.address.rpartition(":")[2]) if self.address else 0
        if self.address:
            self._stop(self._running.pop())
        authority = self.portal.devices.file
        config = self._config(ssl_ca_certs=str(authority), ssl_cert_reqs=ssl.CERT_REQUIRED)
        assert config.ssl is not None
        listed = x509.load_der_x509_crl(self.portal.devices.revoked())
        file = self._state / "revoked.pem"
        file.write_bytes(listed.public_bytes(serialization.Encoding.PEM))
        config.ssl.load_verify_locations(cafile=str(file))
        config.ssl.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
        self.address = self._open(config, port)

    def close(self) -> None:
        while self._running:
            self._stop(self._running.pop())
        self.portal.store.close()

    def _config(self, **options: Any) -> uvicorn.Config:
        config = uvicorn.Config(
            self._app,
            log_level="critical",
            ssl_certfile=str(self._files[0]),
            ssl_keyfile=str(self._files[1]),
            timeout_graceful_shutdown=1,
            **options,
        )
        config.load()
        return config

    def _open(self, config: uvicorn.Config, port: int = 0) -> str:
        sock = socket.create_server(("127.0.0.1", port))
        server = uvicorn.Server(config)
        thread = threading.Thread(target=asyncio.run, args=(_serve(server, sock),), daemon=True)
        thread.start()
        self._running.append((server, thread))
        return f"https://127.0.0.1:{sock.getsockname()[1]}"

    def _stop(self, running: tuple[uvicorn.Server, threading.Thread]) -> None:
        server, thread = running
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


async def _serve(server: uvicorn.Server, sock: socket.socket) -> None:
    """Ends without waiting for clients to say farewell in TLS, which idle ones do not."""
    await server.serve(sockets=[sock])
    for connection in list(server.server_state.connections):
        connection.transport.abort()
    while server.server_state.connections:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0)
