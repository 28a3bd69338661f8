"""ipps: which certificate is a printer's own, and what happens with another one."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from drivers.contract import DeviceError, Fault
from drivers.document_printer import IppPrinter
from drivers.emulators.ipp import IppEmulator
from drivers.ipp_wire import http_address
from tests.drivers.test_document_printer import fault_of


def certificate(folder: Path) -> x509.Certificate:
    """Signed by itself, as printers do; key and certificate in ``folder / "tls.pem"``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "printer")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    (folder / "tls.pem").write_bytes(private + public)
    (folder / "public.pem").write_bytes(public)
    return made


@pytest.fixture
def device(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Address and fingerprint of a printer that speaks TLS only."""
    fingerprint = certificate(tmp_path).fingerprint(hashes.SHA256()).hex()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.pem")
    emulator = IppEmulator()
    assert emulator._server
    emulator._server.socket = context.wrap_socket(emulator._server.socket, server_side=True)
    yield emulator.address.replace("ipp:", "ipps:"), fingerprint
    emulator.close()


async def check(uri: str, **options: Any) -> None:
    printer = IppPrinter(uri=uri, timeout=3, **options)
    try:
        await printer.check()
    finally:
        await printer.close()


def test_a_pinned_certificate_and_a_named_authority_are_taken(
    device: tuple[str, str], tmp_path: Path
) -> None:
    uri, fingerprint = device
    asyncio.run(check(uri, fingerprint=fingerprint))
    asyncio.run(check(uri, ca_file=tmp_path / "public.pem"))


@pytest.mark.parametrize("fingerprint", ["", "ab" * 32])
def test_any_other_certificate_is_not_our_printer(
    device: tuple[str, str], fingerprint: str
) -> None:
    error: DeviceError = asyncio.run(fault_of(check(device[0], fingerprint=fingerprint)))
    assert (error.code, error.detail) == (Fault.PRINTER_ABSENT, "another certificate")


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("ipp://printer", "http://printer:631/ipp/print"),
        ("ipps://printer:8631/x", "https://printer:8631/x"),
        ("ipp://[::1]:8/ipp", "http://[::1]:8/ipp"),
    ],
)
def test_where_an_address_leads(uri: str, address: str) -> None:
    assert http_address(uri) == address
