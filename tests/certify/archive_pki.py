"""A certificate authority of the test that answers: TSA, OCSP and CRL on loopback (certomancer)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from certomancer.integrations.animator import Animator, AnimatorArchStore
from certomancer.registry import ArchLabel, CertLabel, CertomancerConfig, KeyLabel
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pyhanko.sign.signers import SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from tests.certify import specimens

SIGNER_LIFE = timedelta(days=1)
_AUTHORITY_LIFE = timedelta(days=3650)
_KEYS = ("root", "interm", "ocsp", "tsa", "agency", "officer")


@dataclass(frozen=True)
class Authority:
    """``tsa_url`` and certificates that name the other services; signers expire in a day."""

    tsa_url: str
    root: bytes
    signers: dict[str, Any]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Requests are no news."""


@contextmanager
def running(folder: Path) -> Iterator[Authority]:
    for name in _KEYS:
        key = rsa.generate_private_key(65537, 2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (folder / f"{name}.pem").write_bytes(pem)
    with make_server("127.0.0.1", 0, lambda *_: [], handler_class=_Quiet) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        config = CertomancerConfig(_config(url), key_search_dir=str(folder))
        label = ArchLabel("archive")
        arch = config.get_pki_arch(label)
        server.set_app(Animator(AnimatorArchStore({label: arch}), with_web_ui=False))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Authority(
                f"{url}/archive/tsa/tsa",
                arch.get_cert(CertLabel("root")).dump(),
                {name: _signer(arch, name) for name in ("officer", "agency")},
            )
        finally:
            server.shutdown()
            thread.join()


def _signer(arch: Any, name: str) -> specimens.SoftwareSigner:
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register(arch.get_cert(CertLabel("interm")))
    certificate = arch.get_cert(CertLabel(name))
    private = serialization.load_der_private_key(
        arch.key_set.get_private_key(KeyLabel(name)).dump(), None
    )
    assert isinstance(private, rsa.RSAPrivateKey)
    key = arch.key_set.get_private_key(KeyLabel(name))
    signer = SimpleSigner(signing_cert=certificate, signing_key=key, cert_registry=store)
    return specimens.SoftwareSigner(signer, certificate, private)


def _config(url: str) -> dict[str, Any]:
    start = datetime.now(UTC) - timedelta(hours=12)

    def certificate(issuer: str, life: timedelta, *profiles: Any, **more: Any) -> dict[str, Any]:
        validity = {"valid-from": start.isoformat(), "valid-to": (start + life).isoformat()}
        return {"issuer": issuer, "validity": validity, "profiles": list(profiles), **more}

    def issuing(**services: str) -> dict[str, Any]:
        """The profile also names these services in whatever the authority issues."""
        return {"id": "simple-ca", "params": services}

    stamping = [
        {
            "id": "key_usage",
            "critical": True,
            "smart-value": {"schema": "key-usage", "params": ["digital_signature"]},
        },
        {"id": "extended_key_usage", "critical": True, "value": ["time_stamping"]},
    ]
    root_services = {"crl-repo": "root"}
    organisation = {"organization-name": specimens.AGENCY}
    life = _AUTHORITY_LIFE
    return {
        "external-url-prefix": url,
        "keysets": {"ks": {"keys": {name: {"path": f"{name}.pem"} for name in _KEYS}}},
        "pki-architectures": {
            "archive": {
                "keyset": "ks",
                "entity-defaults": {"country-name": "VN"},
                "entities": {
                    "root": {"common-name": "Invented Root"},
                    "interm": {"common-name": "Invented Issuer"},
                    "ocsp": {"common-name": "Invented OCSP"},
                    "tsa": {"common-name": "Invented TSA"},
                    "officer": {"common-name": specimens.OFFICER, **organisation},
                    "agency": {"common-name": specimens.AGENCY, **organisation},
                },
                "certs": {
                    "root": certificate(
                        "root",
                        life,
                        issuing(**root_services),
                        subject="root",
                        **{"subject-key": "root", "authority-key": "root"},
                    ),
                    "interm": certificate(
                        "root", life, issuing(**{"crl-repo": "interm", "ocsp-service": "ocsp"})
                    ),
                    "ocsp": certificate("interm", life, "ocsp-responder"),
                    "tsa": certificate("root", life, extensions=stamping),
                    "officer": certificate("interm", SIGNER_LIFE, "digsig-commitment"),
                    "agency": certificate("interm", SIGNER_LIFE, "digsig-commitment"),
                },
                "services": {
                    "ocsp": {
                        "ocsp": {
                            "for-issuer": "interm",
                            "responder-cert": "ocsp",
                            "signing-key": "ocsp",
                        }
                    },
                    "crl-repo": {
                        name: {
                            "for-issuer": name,
                            "signing-key": name,
                            "simulated-update-schedule": "P90D",
                        }
                        for name in ("root", "interm")
                    },
                    "time-stamping": {"tsa": {"signing-key": "tsa", "signing-cert": "tsa"}},
                },
            }
        },
    }
