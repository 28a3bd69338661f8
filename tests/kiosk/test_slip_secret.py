"""The slip's secret: in the encrypted answers and on paper, nowhere else."""

from __future__ import annotations

import json
import logging
import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from kiosk import dossiers
from kiosk.clock import local_now
from kiosk.journal import Journal
from kiosk.link.messages import Identity
from kiosk.session import Record
from kiosk.settings import Settings
from kiosk.steps import issue_views
from offline_queue.outbox import Outbox

DOSSIER = UUID("0190b2c4-7000-7000-8000-000000000001")


def test_ten_characters_that_nobody_guesses() -> None:
    secrets = {dossiers.new_slip_secret() for _ in range(1000)}
    assert len(secrets) == 1000
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{10}", secret) for secret in secrets)
    assert len({letter for secret in secrets for letter in secret}) == 32


@pytest.fixture
def session(tmp_path: Path) -> Any:
    outbox = Outbox(tmp_path / "outbox", machine_key=tmp_path / "key")
    outbox.set_portal_key("portal-1", X25519PrivateKey.generate().public_key().public_bytes_raw())
    outbox.new_draft(DOSSIER, "2.000815")
    journal = Journal(tmp_path / "journal", "run", local_now)
    identity = Identity(
        full_name="Nguyễn Thị Bịa",
        citizen_number="001099000001",
        birth_date=date(1990, 2, 3),
        level=2,
    )
    record = Record(dossier=DOSSIER, identity=identity, code="H26.15-261124-0001")
    fee = SimpleNamespace(rule="tt226", amount=lambda pages, copies: 0)
    yield SimpleNamespace(
        kiosk=SimpleNamespace(outbox=outbox, journal=journal, clock=local_now, settings=Settings()),
        record=record,
        identity=identity,
        dossier=DOSSIER,
        procedure=SimpleNamespace(id="2.000815", version=1, paper_class="original", fee=fee),
    )
    outbox.close()
    journal.close()


def test_the_secret_is_sealed_and_the_same_when_a_step_is_repeated(
    session: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    dossiers.save_answers(session)
    secret = session.record.slip_secret
    dossiers.save_answers(session)
    sealed = json.loads(session.kiosk.outbox.read_part(DOSSIER, "answers.json"))
    assert sealed["slip_secret"] == secret == session.record.slip_secret
    dossiers.lock(session, "pre-check", clock_trusted=True)
    assert secret not in session.record.manifest.encode().decode()
    assert secret not in caplog.text
    held = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert secret.encode() not in held


def test_the_code_to_take_away_keeps_the_secret_from_servers(session: Any) -> None:
    session.record.slip_secret = "7K3M9QXT2B"
    address, _, fragment = issue_views.take_away(session).partition("#")
    assert address == session.kiosk.settings.site.tracking_address
    assert fragment == "code=H26.15-261124-0001&secret=7K3M9QXT2B"
