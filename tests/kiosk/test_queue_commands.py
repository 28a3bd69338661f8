"""``kiosk queue``: what staff may look at and decide, on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kiosk.__main__ import cli
from offline_queue.errors import Fault, QueueError
from offline_queue.outbox import Outbox
from tests.offline_queue.invented import RECEIPT, locked_dossier, open_outbox


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    outbox = open_outbox(tmp_path)
    yield outbox
    outbox.close()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "kiosk.toml"
    file.write_text(f"[site]\nstate = {json.dumps(str(tmp_path))}\n")
    return file


def queue(settings: Path, command: str, *arguments: object) -> Result:
    line = ["queue", command, "--settings", str(settings), *map(str, arguments)]
    return CliRunner().invoke(cli, line)


def test_the_list_comes_in_pages_and_tells_what_is_held(outbox: Outbox, settings: Path) -> None:
    dossiers = [locked_dossier(outbox) for _ in range(3)]
    assert queue(settings, "hold", dossiers[1]).exit_code == 0
    rows = json.loads(queue(settings, "list", "--json", "--limit", 2).stdout)
    assert [(row["id"], row["held"]) for row in rows] == [
        (str(dossiers[0]), False),
        (str(dossiers[1]), True),
    ]
    told = queue(settings, "list", "--after", dossiers[1]).stdout
    assert str(dossiers[2]) in told
    assert str(dossiers[0]) not in told
    assert "held" in queue(settings, "list").stdout
    assert queue(settings, "release", dossiers[1]).exit_code == 0
    assert json.loads(queue(settings, "show", "--json", dossiers[1]).stdout)["held"] is False


def test_retry_makes_a_rejected_one_wait_again(outbox: Outbox, settings: Path) -> None:
    dossier = locked_dossier(outbox)
    outbox.begin(dossier)
    outbox.reject(dossier, "intake.conflict")
    assert "intake.conflict" in queue(settings, "show", dossier).stdout
    assert queue(settings, "retry", dossier).exit_code == 0
    assert outbox.get(dossier).problem is None


def test_retry_of_what_was_accepted_says_so(outbox: Outbox, settings: Path) -> None:
    dossier = locked_dossier(outbox)
    outbox.begin(dossier)
    outbox.accept(dossier, RECEIPT)
    told = queue(settings, "retry", dossier)
    assert (told.exit_code, "accepted by the portal already" in told.stdout) == (0, True)


def test_what_link_has_signed_is_exported(outbox: Outbox, settings: Path, tmp_path: Path) -> None:
    signed, unsigned = locked_dossier(outbox), locked_dossier(outbox)
    outbox.store_signature(signed, b"signature")
    stick = tmp_path / "stick"
    stick.mkdir()
    told = queue(settings, "export", stick, signed)
    assert told.exit_code == 0, told.output
    assert told.stdout.split() == [str(stick / f"{signed}.dossier")]
    refused = queue(settings, "export", stick, unsigned)
    assert isinstance(refused.exception, QueueError)
    assert refused.exception.code == Fault.UNSIGNED
    outbox.store_signature(unsigned, b"signature")
    assert len(queue(settings, "export", stick).stdout.split()) == 2
    assert outbox.waiting() == 2


def test_the_audit_says_yes_or_no(outbox: Outbox, settings: Path, tmp_path: Path) -> None:
    dossier = locked_dossier(outbox)
    outbox.begin(dossier)
    outbox.accept(dossier, RECEIPT)
    clean = queue(settings, "audit")
    assert clean.exit_code == 0, clean.output
    assert "1 erased, 0 others" in clean.stdout
    assert "note: flash may keep" in clean.stdout
    (tmp_path / "outbox" / "parts" / "leftover").write_bytes(b"ciphertext")
    dirty = queue(settings, "audit", "--json")
    assert dirty.exit_code == 1
    assert json.loads(dirty.stdout)["findings"] == [
        {"code": "stray-file", "where": "parts/leftover"}
    ]


def test_without_an_outbox_there_is_nothing_to_look_at(settings: Path) -> None:
    error = queue(settings, "list").exception
    assert isinstance(error, QueueError)
    assert error.code == Fault.NOT_FOUND
