"""The whole surroundings of a kiosk on one machine: portal, desk, officer, VNeID, devices, link.

Every part is the real program or an emulator that speaks the real wire; a kiosk in the field
differs from one in the sandbox in addresses only.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self

import requests

from certify.statement import Mode
from kiosk.failures import Fault, KioskError
from kiosk.link import messages, verbs
from kiosk.link.client import LinkClient
from kiosk.portal import enrolment
from kiosk.sandbox import pki
from kiosk.sandbox.home import AGENCY, OFFICER, install_trust, sandbox_home
from kiosk.sandbox.people import PERSON, camera_frames, portrait, stranger_frames
from kiosk.sandbox.programs import Program
from kiosk.settings import Settings, load

KIOSK_ID = "kiosk-01"
_OFFICER_ACCOUNT = "officer"
_DEVICES = (
    "scanner",
    "camera",
    "code-reader",
    "receipt-printer",
    "document-printer",
    "card-reader",
    "ups",
    "signals",
)
_SETTLE_SECONDS = 60.0
_SANDBOX_RESERVE = 64 * 1024 * 1024  # a developer's disk may be nearly full


class Appliance:
    """Starts everything on entry, stops everything and removes its files on exit.

    ``state`` is kept when it is given. ``keys`` is a folder whose keys are used again, since making
    them takes a while. ``without`` names devices that are missing.
    """

    def __init__(
        self,
        state: Path | None = None,
        *,
        mode: Mode = "pre-check",
        keys: Path | None = None,
        without: Sequence[str] = (),
    ) -> None:
        self._temporary = state is None
        self.state = state or Path(tempfile.mkdtemp(prefix="kiosk-sandbox-"))
        self.state.mkdir(parents=True, exist_ok=True)
        self._mode = mode
        self._without = frozenset(without)
        self._keys = keys or self.state
        self._programs: dict[str, Program] = {}
        self._addresses: dict[str, str] = {}
        self.controls: dict[str, str] = {}
        self.settings_file = self.state / "kiosk.toml"
        self.controls_file = self.state / "controls.json"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        for program in reversed(self._programs.values()):
            program.stop()
        if self._temporary:
            shutil.rmtree(self.state, ignore_errors=True)

    @property
    def settings(self) -> Settings:
        return load(self.settings_file)

    @property
    def trust_dir(self) -> Path:
        return self.state / "trust"

    def describe(self) -> dict[str, str]:
        """Addresses a person may want, by name."""
        controls = {f"{device} control": url for device, url in self.controls.items()}
        files = {
            "settings": str(self.settings_file),
            "trust": str(self.trust_dir),
            "controls": str(self.controls_file),
        }
        return {**files, **self._addresses, **controls}

    def programs_said(self, lines: int = 5) -> str:
        """The end of what each program wrote, and which of them have ended: for a failed test."""
        said = []
        for name, program in self._programs.items():
            log = (self.state / f"{name}.log").read_text(errors="replace").splitlines()[-lines:]
            said += [f"{name}: {'runs' if program.running else 'ended'}", *log]
        return "\n".join(said)

    def control(self, device: str, action: str, **details: Any) -> None:
        answer = requests.post(f"{self.controls[device]}/{action}", json=details, timeout=10)
        answer.raise_for_status()

    def new_code(self) -> str:
        """A fresh VNeID payload, as the phone of the invented citizen shows it."""
        url = f"{self._addresses['vneid']}/sandbox/codes"
        answer = requests.post(url, json={"citizen_number": PERSON.number}, timeout=10)
        answer.raise_for_status()
        return str(answer.json()["payload"])

    def dossiers(self) -> list[dict[str, Any]]:
        """What the portal's register lists."""
        token = (self.state / "desk.token").read_text().strip()
        answer = requests.get(
            f"{self._addresses['portal']}/desk/api/dossiers",
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
        )
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found

    @property
    def citizen(self) -> list[Path]:
        """Pictures of the invented citizen."""
        return sorted((self.state / "camera").iterdir())

    @property
    def stranger(self) -> list[Path]:
        """Pictures of somebody else."""
        return [Path(file) for file in _write_pictures(self.state / "stranger", stranger_frames(8))]

    def show_stranger(self) -> None:
        """Somebody else steps before the camera."""
        self.control("camera", "show", paths=[str(path) for path in self.stranger])

    def show_citizen(self) -> None:
        self.control("camera", "show", paths=[str(path) for path in self.citizen])

    def break_identity_provider(self, *, down: bool) -> None:
        url = f"{self._addresses['vneid']}/sandbox/set"
        requests.post(url, json={"down": down}, timeout=10).raise_for_status()

    def stop_portal(self) -> None:
        self._programs.pop("portal").stop()

    def start_portal(self) -> None:
        """At the address it had."""
        self._launch_portal(self._addresses["portal"].rpartition(":")[2])
        self._wait("portal")

    def _start(self) -> None:
        self.pki = pki.create(
            self._keys, agency=AGENCY, officer=OFFICER, modes={"pre-check", self._mode}
        )
        if self._keys == sandbox_home():
            install_trust(self.pki)
        # A copy: another sandbox may sign anew for other modes at any time.
        shutil.copytree(self.pki.trust_dir, self.trust_dir, dirs_exist_ok=True)
        self._launch("gateway", "sandbox", "gateway", "--port", "0")
        self._wait("gateway")
        self._write_portal_settings()
        self._introduce_officer()
        self._launch_portal("0")
        self._launch("vneid", "sandbox", "vneid", "--port", "0")
        for device in _DEVICES:
            if device not in self._without:
                self._launch(device, "emulate", device, *self._device_options(device))
        for name in set(self._programs) - {"gateway"}:
            self._wait(name)
        self._introduce_person()
        self._write_desk_settings()
        self._launch("desk", "portal", "desk", "--settings", self.state / "desk.toml")
        self._launch("officer", "sandbox", "officer", "--settings", self.state / "desk.toml")
        self._write_kiosk_settings()
        self._launch("link", "link", "--settings", self.settings_file)
        self._wait_for_link()

    def _launch_portal(self, port: str) -> None:
        self._launch("portal", "portal", "--settings", self._portal_file, "--port", port)

    def _launch(self, name: str, *arguments: str | Path) -> None:
        environment = {"SOFTHSM2_CONF": str(self.pki.softhsm_conf)}
        self._programs[name] = Program(
            name,
            ["kiosk", *map(str, arguments)],
            log=self.state / f"{name}.log",
            environment=environment,
        )

    def _wait(self, name: str) -> None:
        answer = self._programs[name].wait_until_ready()
        if "notice_key" in answer:
            self._notice_key_file.write_text(str(answer["notice_key"]))
        self._addresses[name] = str(answer["address"])
        if "control" in answer:
            self.controls[name] = str(answer["control"])

    def _device_options(self, device: str) -> list[str | Path]:
        if device == "camera":
            pictures = _write_pictures(self.state / "camera", camera_frames(12))
            return [option for path in pictures for option in ("--pages", path)]
        if device == "code-reader":
            return ["--link", self.state / "code-reader"]
        if device == "card-reader":
            return ["--cards", self.pki.card_state]
        return []

    def _introduce_officer(self) -> None:
        """Account of the scripted officer, and a secret for the desk with the token of today."""
        from kiosk.portal import composition, settings
        from kiosk.portal.accounts import Role

        portal = composition.open_portal(settings.load(self._portal_file))
        accounts, desks = portal.offices.accounts, portal.offices.desks
        with closing(portal.store):
            if any(each.staff.name == _OFFICER_ACCOUNT for each in accounts.accounts()):
                with suppress(ValueError):  # a start that was cut off made none
                    desks.revoke(_OFFICER_ACCOUNT, by="sandbox")
            else:
                accounts.add(_OFFICER_ACCOUNT, OFFICER, Role.OFFICER, by="sandbox")
            certificate = self.pki.officer_certificate.read_bytes()
            secret = desks.add_for(_OFFICER_ACCOUNT, certificate, by="sandbox")
        token = self.state / "desk.token"
        token.touch(0o600)
        token.write_text(secret)

    def _introduce_person(self) -> None:
        person = {
            "citizen_number": PERSON.number,
            "full_name": PERSON.name,
            "birth_date": f"{PERSON.birth_date:%Y%m%d}",
            "level": 2,
            "photo": base64.b64encode(portrait()).decode(),
        }
        url = f"{self._addresses['vneid']}/sandbox/people"
        requests.post(url, json=person, timeout=10).raise_for_status()

    @property
    def _notice_key_file(self) -> Path:
        return self.state / "payment-notices.pem"

    @property
    def _portal_file(self) -> Path:
        return self.state / "portal.toml"

    def _write_portal_settings(self) -> None:
        codes = self.state / "enrolment-codes"
        if not codes.exists():
            code = self.state / "enrolment-code"
            code.write_text(enrolment.add_code(codes, KIOSK_ID))
            code.chmod(0o600)
        _write_toml(
            self._portal_file,
            {
                "state": str(self.state / "portal"),
                "agency": AGENCY,
                "officer": OFFICER,
                "seal_host": pki.SEAL_HOST,
                "enrolment_codes_file": str(codes),
                "message_gateway": f"{self._addresses['gateway']}/messages",
                "trust_dir": str(self.trust_dir),
                "scripted_officer": True,
                "access_log": False,
            },
        )

    def _write_desk_settings(self) -> None:
        _write_toml(
            self.state / "desk.toml",
            {
                "environment": "demo",
                "portal": self._addresses["portal"],
                "token_file": str(self.state / "desk.token"),
                "token": "desk",
                "pin_file": str(self.pki.desk_pin),
                "poll_seconds": 0.2,
            },
        )

    def _write_kiosk_settings(self) -> None:
        tables: dict[str, dict[str, Any]] = {
            "site": {
                "environment": "demo",
                "kiosk_id": KIOSK_ID,
                "state": str(self.state / "kiosk"),
            },
            "screen": {"fullscreen": False},
            "devices.scanner": {"url": self._addresses.get("scanner", "")},
            "devices.code_reader": {"address": self._addresses.get("code-reader", "")},
            "devices.camera": {"source": self._addresses.get("camera", "")},
            "devices.receipt_printer": {"address": self._addresses.get("receipt-printer", "")},
            "devices.document_printer": {"uri": self._addresses.get("document-printer", "")},
            "devices.card_reader": {
                "reader": "*" if "card-reader" in self._addresses else "",
                "socket": self._addresses.get("card-reader", ""),
            },
            "devices.power": {"address": self._addresses.get("ups", "")},
            "devices.signals": {
                "address": self._addresses.get("signals", ""),
                "lamp": 1,
                "bell": 2,
                "tamper": 1,
            },
            "outbox": {"reserve_bytes": _SANDBOX_RESERVE},
            "identity": {"staff_cards": True, "issuer": self._addresses["vneid"]},
            "link": {
                "socket": str(self.state / "link.sock"),
                "portal": self._addresses["portal"],
                "enrolment_code_file": str(self.state / "enrolment-code"),
                "trust_anchor_file": str(self.trust_dir / "anchor.pem"),
                "poll_seconds": 0.2,
            },
            "payment": {
                "gateway": self._addresses["gateway"],
                "notice_key_file": str(self._notice_key_file),
            },
            "signing": {"token": pki.KIOSK_TOKEN, "pin_file": str(self.pki.kiosk_pin)},
            "signing.environment": {"SOFTHSM2_CONF": str(self.pki.softhsm_conf)},
        }
        self.controls_file.write_text(json.dumps(self.controls))
        (self.state / "kiosk").mkdir(exist_ok=True)
        _write_toml(self.settings_file, {}, tables)

    def _wait_for_link(self) -> None:
        """Until link is enrolled and holds numbers: from then on the kiosk also works offline."""
        client = LinkClient(self.settings.link.socket)
        wanted = ["dossier"] + (["certificate"] if self._mode == "post-check" else [])

        async def ready() -> bool:
            try:
                await client.call(verbs.TRUST, messages.Empty())
                for kind in wanted:
                    request = messages.LeaseRequest.model_validate({"kind": kind, "count": 1})
                    answer = await client.call(verbs.LEASE, request)
                    if answer.left < 1:
                        return False
            except KioskError:
                return False
            return True

        deadline = time.monotonic() + _SETTLE_SECONDS
        while not asyncio.run(ready()):
            if time.monotonic() > deadline or not self._programs["link"].running:
                raise KioskError(Fault.SERVICE_FAILED, f"link, see {self.state / 'link.log'}")
            time.sleep(0.1)


def _write_pictures(folder: Path, pictures: Sequence[bytes]) -> list[str]:
    folder.mkdir(exist_ok=True)
    paths = []
    for number, picture in enumerate(pictures):
        path = folder / f"{number:02}.jpg"
        path.write_bytes(picture)
        paths.append(str(path))
    return paths


def _write_toml(
    file: Path, values: dict[str, Any], tables: dict[str, dict[str, Any]] | None = None
) -> None:
    """JSON spells strings, numbers and booleans as TOML does."""
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    for name, table in (tables or {}).items():
        lines.append(f"\n[{name}]")
        lines += [f"{key} = {json.dumps(v, ensure_ascii=False)}" for key, v in table.items()]
    file.write_text("\n".join(lines) + "\n", "utf-8")
