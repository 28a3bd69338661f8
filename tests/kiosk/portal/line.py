"""A portal on loopback, and kiosks that speak to it as the contract says."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import requests
import uuid_utils
from cryptography.hazmat.primitives.asymmetric import ec

from kiosk.portal import enrolment
from kiosk.portal.accounts import Role
from kiosk.portal.composition import Portal, open_portal
from kiosk.portal.schema import SCHEMAS
from kiosk.portal.server import Server
from kiosk.portal.settings import PortalSettings
from offline_queue import envelope, signatures
from offline_queue.intake import request_statement, stream_statement
from offline_queue.manifest import Applicant, Fee, Manifest, Paper, Part

APPLICANT = {
    "full_name": "Trần Thị Mẫu",
    "citizen_number": "001192000000",
    "birth_date": "1992-03-14",
}
JPEG = b"\xff\xd8 not a picture, and nobody here looks \xff\xd9"
TEXT = [{"width": 100, "height": 50, "dpi": 200, "words": [["BẰNG", 1, 2, 3, 4, 95, 0]]}]


def settings_in(folder: Path, **changes: Any) -> PortalSettings:
    (folder / "trust").mkdir(exist_ok=True)
    values: dict[str, Any] = {
        "state": folder / "portal",
        "officer": "Lê Văn Thí Điểm",
        "seal_host": "xacthuc.mot-cua.example",
        "enrolment_codes_file": folder / "codes",
        "trust_dir": folder / "trust",
        "admission_rate": 0,  # tests file faster than one commune's portal lets in
        "scripted_officer": True,
    }
    return PortalSettings(**(values | changes))


class RunningPortal:
    """Serves until :meth:`stop`; :meth:`restart` is a new process on the same state."""

    def __init__(self, settings: PortalSettings) -> None:
        self.settings = settings
        self._start()

    def _start(self) -> None:
        self._server = Server(self.settings, port=0)
        self._address = self._server.address
        self._thread = threading.Thread(target=self._server.serve, daemon=True)
        self._thread.start()
        requests.get(f"{self.address}/v1/health", timeout=10).raise_for_status()

    @property
    def address(self) -> str:
        return self._address

    @property
    def inside(self) -> Portal:
        """The server's own objects."""
        portal = self._server._app.state.portal
        assert isinstance(portal, Portal)
        return portal

    def held(self) -> str:
        """All that stands in the database."""
        statements = [each for schema in SCHEMAS.values() for each in schema]
        tables = [each.split()[2] for each in statements if each.startswith("CREATE TABLE")]
        return repr([self.inside.store.rows(f"SELECT * FROM {table}") for table in tables])

    @cached_property
    def secret(self) -> str:
        """Of a desk that signs nothing."""
        return self.desk_secret("00" * 32)

    def desk_secret(self, certificate: str, account: str = "thu") -> str:
        """For a desk whose signing certificate has this SHA-256. ``account`` is made when it is
        missing, and named as the settings name the officer."""
        portal = open_portal(self.settings)  # as the command line does, beside whatever runs
        with closing(portal.store):
            accounts = portal.offices.accounts
            with suppress(ValueError):  # it exists
                accounts.add(account, self.settings.officer, Role.OFFICER, by="test")
            return portal.offices.desks.add(account, certificate, by="test")

    def stop(self) -> None:
        self.tell_to_stop()
        self.wait_for_stop()

    def tell_to_stop(self) -> None:
        self._server.stop()

    def wait_for_stop(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive()

    def restart(self) -> None:
        self.stop()
        self.restart_stopped()

    def restart_stopped(self) -> None:
        self._start()

    def desk(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.secret}"}
        url = f"{self.address}/desk/api{path}"
        return requests.request(method, url, headers=headers, timeout=10, **options)


@dataclass
class TestKiosk:
    """An enrolled kiosk; ``call`` signs like the link does."""

    __test__ = False

    portal: RunningPortal
    name: str
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    keys: dict[str, str] = field(default_factory=dict)

    def enrol(self, code: str | None = None) -> requests.Response:
        if code is None:
            code = enrolment.add_code(self.portal.settings.enrolment_codes_file, self.name)
        request = {
            "kiosk_id": self.name,
            "one_time_code": code,
            "public_key": signatures.public_pem(self.key.public_key()),
        }
        answer = requests.post(f"{self.portal.address}/v1/devices", json=request, timeout=10)
        if answer.ok:
            self.keys = answer.json()
        return answer

    def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        signed_body: bytes | None = None,
        date: str | None = None,
        changes: dict[str, str] | None = None,
    ) -> requests.Response:
        date = date or datetime.now(UTC).isoformat()
        signed = body if signed_body is None else signed_body
        statement = request_statement(method, path, date, signed)
        return self._request(method, path, body, date, statement, changes or {})

    def tus(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        signed_offset: int | None = None,
        **headers: object,
    ) -> requests.Response:
        """``headers`` with underscores for hyphens: ``Upload_Offset=5``."""
        date = datetime.now(UTC).isoformat()
        named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        more = {"Tus-Resumable": "1.0.0"} | named
        if body is not None:
            more.setdefault("Content-Type", "application/offset+octet-stream")
        if method == "HEAD":
            statement = request_statement(method, path, date, b"")
        else:
            offset = int(named.get("Upload-Offset", 0)) if signed_offset is None else signed_offset
            statement = stream_statement(method, path, date, offset)
        return self._request(method, path, body or b"", date, statement, more)

    def _request(
        self,
        method: str,
        path: str,
        body: bytes,
        date: str,
        statement: bytes,
        changes: dict[str, str],
    ) -> requests.Response:
        headers = {
            "Kiosk-Id": self.name,
            "Kiosk-Date": date,
            "Kiosk-Signature": b64(signatures.sign(self.key, signatures.REQUEST, statement)),
        } | changes
        url = f"{self.portal.address}{path}"
        return requests.request(method, url, data=body, headers=headers, timeout=10)

    def dossier(self, **changes: Any) -> TestDossier:
        return TestDossier(self, **changes)

    def sign(self, manifest: str, purpose: str = signatures.MANIFEST) -> bytes:
        signature = b64(signatures.sign(self.key, purpose, manifest.encode()))
        return json.dumps({"manifest": manifest, "signature": signature}).encode()


class TestDossier:
    """A locked dossier: its manifest and its encrypted parts. ``contents`` adds plain parts."""

    __test__ = False

    def __init__(
        self,
        kiosk: TestKiosk,
        *,
        contents: dict[str, bytes] | None = None,
        mode: str = "pre-check",
        code: str = "H26.15-261124-0001",
        **manifest: Any,
    ) -> None:
        self.kiosk = kiosk
        self.id = UUID(str(uuid_utils.uuid7()))
        plain = {
            "answers.json": json.dumps({"applicant": APPLICANT, "answers": {"copies": 2}}).encode(),
            "page-001.jpg": JPEG,
            "text.json": json.dumps(TEXT).encode(),
        } | (contents or {})
        data_key = envelope.new_key()
        self.parts = {
            name: b"".join(envelope.encrypt_part(data, data_key, self.id, name))
            for name, data in plain.items()
        }
        values: dict[str, Any] = {
            "id": self.id,
            "code": code,
            "kiosk_id": kiosk.name,
            "agency": "H26.15",
            "procedure": "2.000815",
            "procedure_version": 1,
            "mode": mode,
            "applicants": (Applicant(grade="proven", method="vneid", face_match=True),),
            "papers": (Paper(paper_class="diploma", pages=("page-001.jpg",)),),
            "copies": 2,
            "fee": Fee(rule="tt226", amount=0, state="free"),
            "locked_at": datetime.now(UTC),
            "clock_trusted": True,
            "journal_head": "00" * 32,
            "key": envelope.wrap(
                data_key,
                self.id,
                kiosk.keys["envelope_key_id"],
                base64.b64decode(kiosk.keys["envelope_key"]),
            ),
            "parts": tuple(part_of(name, data) for name, data in self.parts.items()),
        }
        self.manifest = Manifest(**(values | manifest))

    @property
    def path(self) -> str:
        return f"/v1/dossiers/{self.id}"

    def put(self) -> requests.Response:
        body = self.kiosk.sign(self.manifest.encode().decode())
        return self.kiosk.call("PUT", self.path, body)

    def part_path(self, name: str) -> str:
        return f"{self.path}/parts/{name}"

    def send_part(self, name: str, data: bytes | None = None) -> requests.Response:
        """In one piece, as the creation of the upload."""
        body = self.parts[name] if data is None else data
        return self.kiosk.tus("POST", self.part_path(name), body, Upload_Length=len(body))

    def commit(self) -> requests.Response:
        return self.kiosk.call("POST", f"{self.path}/commit")

    def state(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.kiosk.call("GET", self.path).json()
        return answer

    def upload(self) -> None:
        """Everything up to the commit."""
        assert self.put().status_code == 200
        for name in self.parts:
            assert self.send_part(name).status_code == 201

    def send(self) -> dict[str, Any]:
        """Everything; answers the receipt."""
        self.upload()
        answer = self.commit()
        assert answer.status_code == 200, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt


def part_of(name: str, data: bytes, size: int | None = None) -> Part:
    return Part(
        name=name,
        media_type="application/octet-stream",
        size=len(data) if size is None else size,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def problem(answer: requests.Response) -> tuple[int, str]:
    """Status and code of a problem+json answer."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return answer.status_code, str(answer.json()["code"])
