"""A kiosk and a portal as programs: their settings, and what each of them does until it is killed.

``portal`` and ``link`` are the commands ``kiosk portal`` and ``kiosk link`` themselves. ``run`` is
the part of ``kiosk run`` that counts here, without a screen: it burns a code, keeps pages, saves
the answers and locks, by the functions that the steps call, and writes down each dossier once
locking it has returned.
"""

from __future__ import annotations

import hashlib
import json
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import uuid_utils
from cryptography.hazmat.primitives.asymmetric import ec

from certify.errors import CertifyError
from certify.errors import Fault as CertifyFault
from certify.numbers import NumberStore
from kiosk import __main__ as command_line
from kiosk import dossiers
from kiosk.clock import local_now
from kiosk.engine import discard_drafts
from kiosk.link import messages
from kiosk.portal import enrolment
from kiosk.procedures import procedures
from kiosk.session import Record
from kiosk.settings import Settings, load
from kiosk.storage import open_journal, open_outbox
from offline_queue.errors import Fault, QueueError
from offline_queue.manifest import Manifest
from offline_queue.outbox import Outbox
from offline_queue.signatures import public_pem
from tests.kiosk.link.place import signed_trust
from tests.kiosk.portal.line import TEXT, settings_in

PAGES = 2
MOST_WAITING = 6
"""So many dossiers may wait: more would only be sent at the end, when nothing is killed."""
NOT_YET = (Fault.NOT_ENROLLED, CertifyFault.NUMBERS_EXHAUSTED)
"""What ``run`` waits for: link has never been there so far, or not for long enough."""
PERSON = messages.Identity(
    full_name="Nguyễn Thị Bịa",
    citizen_number="001099000001",
    birth_date=date(1990, 2, 3),
    level=2,
)


@dataclass(frozen=True, slots=True)
class SiteFolder:
    """``folder``: of the whole site; its path is short, since the socket lies in it."""

    folder: Path

    @property
    def kiosk_file(self) -> Path:
        return self.folder / "kiosk.toml"

    @property
    def portal_file(self) -> Path:
        return self.folder / "portal.toml"

    @property
    def promises(self) -> Path:
        """A line for each dossier whose locking returned: id, SHA-256 of the manifest."""
        return self.folder / "promises"

    def log(self, program: str) -> Path:
        return self.folder / f"{program}.log"

    def settings(self) -> Settings:
        return load(self.kiosk_file)


def found(folder: Path) -> SiteFolder:
    """Settings, a trust anchor and a one-time code; nothing has run here yet."""
    site, anchor = SiteFolder(folder), ec.generate_private_key(ec.SECP256R1())
    (folder / "anchor.pem").write_text(public_pem(anchor.public_key()))
    portal = settings_in(folder, port=_free_port())
    for name, data in signed_trust(anchor, anchor, serial=1).items():
        file = {"trust-bundle": "bundle.cose", "policy": "policy.cose"}[name]
        (folder / "trust" / file).write_bytes(data)
    (folder / "code").write_text(enrolment.add_code(portal.enrolment_codes_file, "kiosk-01"))
    values = portal.model_dump(mode="json", exclude_none=True)
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in values.items()]
    site.portal_file.write_text("".join(lines))
    site.kiosk_file.write_text(
        f"""
[site]
environment = "test"
state = "{folder}/state"
[outbox]
reserve_bytes = 0
[identity]
issuer = "http://127.0.0.1:9"
[link]
socket = "{folder}/link.sock"
portal = "http://127.0.0.1:{portal.port}"
enrolment_code_file = "{folder}/code"
trust_anchor_file = "{folder}/anchor.pem"
poll_seconds = 0.02
spread_seconds = 0.0
"""
    )
    return site


def page(dossier: UUID, number: int) -> bytes:
    return dossier.bytes * 200 + bytes([number])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


# -- the programs ----------------------------------------------------------------------------------


def portal(site: SiteFolder) -> None:
    port = site.portal_file.read_text().split("\nport = ")[1].split("\n")[0]
    _command("portal", "--settings", str(site.portal_file), "--port", port)


def link(site: SiteFolder) -> None:
    _command("link", "--settings", str(site.kiosk_file))


def run(site: SiteFolder) -> None:
    settings = site.settings()
    state = settings.site.state
    kiosk: Any = SimpleNamespace(
        settings=settings,
        clock=local_now,
        outbox=open_outbox(settings, local_now),
        numbers=NumberStore(state / "numbers.db"),
        journal=open_journal(settings, "run", local_now),
    )
    discard_drafts(kiosk)
    with site.promises.open("ab", buffering=0) as promises:
        while True:
            while kiosk.outbox.waiting() > MOST_WAITING:
                time.sleep(0.01)
            try:
                _file_one(kiosk, promises.write)
            except (QueueError, CertifyError) as error:
                if error.code not in NOT_YET:
                    raise
                discard_drafts(kiosk)
                time.sleep(0.01)


def _command(*arguments: str) -> None:
    sys.argv = ["kiosk", *arguments]
    command_line.main()


def _file_one(kiosk: Any, promise: Callable[[bytes], object]) -> None:
    """From the first page to the promise, as the steps do it one after another."""
    dossier = UUID(str(uuid_utils.uuid7()))
    session: Any = SimpleNamespace(
        kiosk=kiosk,
        policy=None,
        record=Record(dossier=dossier, identity=PERSON, grade="proven", face_match=True),
        identity=PERSON,
        dossier=dossier,
        procedure=next(iter(procedures().values())),
    )
    kiosk.outbox.new_draft(dossier, session.procedure.id)
    for number in range(PAGES):
        name = f"page-{number:03}.jpg"
        kiosk.outbox.put_part(dossier, name, "image/jpeg", page(dossier, number))
    text = json.dumps(TEXT).encode()
    kiosk.outbox.put_part(dossier, "text.json", "application/json", text)
    session.record.code = dossiers.dossier_code(session)
    dossiers.save_answers(session)
    dossiers.lock(session, "pre-check", clock_trusted=True)
    promise(promise_of(session.record.manifest))


def promise_of(manifest: Manifest) -> bytes:
    digest = hashlib.sha256(manifest.encode()).hexdigest()
    return f"{manifest.id} {digest}\n".encode()


# -- deliberate bugs: the harness must see them ----------------------------------------------------


def promise_before_the_commit() -> None:
    """``run`` promises a dossier while its locking is on the way to a slow disk."""
    lock = Outbox.lock

    def hasty(self: Outbox, id: UUID, build: Any) -> Any:
        def early(*arguments: Any) -> Any:
            manifest = build(*arguments)
            with SiteFolder(self._folder.parent.parent).promises.open("ab", buffering=0) as file:
                file.write(promise_of(manifest))
            time.sleep(0.3)
            return manifest

        return lock(self, id, early)

    Outbox.lock = hasty  # type: ignore[method-assign]


def accept_again() -> None:
    """The portal accepts anew what it has accepted before, and is slow to answer."""
    from kiosk.portal.intake import Intake

    commit = Intake.commit

    def forgetful(self: Intake, kiosk_id: str, dossier_id: UUID) -> Any:
        before = self.own(kiosk_id, dossier_id).receipt
        receipt = commit(self, kiosk_id, dossier_id)
        if before:
            self._store.change(str(dossier_id), receipt=receipt.model_dump_json())
        time.sleep(1.0)
        return receipt

    Intake.commit = forgetful  # type: ignore[method-assign]


PROGRAMS: dict[str, Callable[[SiteFolder], None]] = {"portal": portal, "link": link, "run": run}
BUGS: dict[str, Callable[[], None]] = {
    "promise-before-the-commit": promise_before_the_commit,
    "accept-again": accept_again,
}
