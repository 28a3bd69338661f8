"""The journal detects what was changed, and says nothing about whom."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiosk import journal
from kiosk.journal import GENESIS, Journal

NOW = datetime(2026, 11, 24, 9, 41, tzinfo=UTC)
DOSSIER = "0190b2c4-7000-7000-8000-000000000001"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    entries = Journal(tmp_path, "run", lambda: NOW)
    entries.append("locked", dossier=DOSSIER, mode="pre-check")
    entries.append("staff-called", answered=True)
    entries.append("session-ended", how="done")
    entries.close()
    return tmp_path / "run.jsonl"


def test_a_whole_journal_verifies(written: Path) -> None:
    assert journal.verify(written) is None


def test_the_chain_goes_on_after_a_restart(written: Path) -> None:
    again = Journal(written.parent, "run", lambda: NOW)
    before = again.head
    again.append("session-ended", how="idle")
    again.close()
    assert before != GENESIS
    assert again.head != before
    assert journal.verify(written) is None


@pytest.mark.parametrize("line", [0, 1])
def test_an_edited_entry_is_found(written: Path, line: int) -> None:
    lines = written.read_text().splitlines()
    entry = json.loads(lines[line])
    entry["event"] = "something-else"
    lines[line] = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    written.write_text("\n".join(lines) + "\n")
    assert journal.verify(written) == line + 1


def test_a_missing_and_a_swapped_entry_are_found(written: Path) -> None:
    lines = written.read_text().splitlines(keepends=True)
    written.write_text(lines[0] + lines[2])
    assert journal.verify(written) == 1
    written.write_text(lines[1] + lines[0] + lines[2])
    assert journal.verify(written) == 0


def test_a_torn_last_line_is_dropped(written: Path) -> None:
    with written.open("a") as file:
        file.write('{"n":3,"prev')
    again = Journal(written.parent, "run", lambda: NOW)
    again.append("session-ended", how="done")
    again.close()
    assert [entry["n"] for entry in journal.read(written)] == [0, 1, 2, 3]
    assert journal.verify(written) is None


def test_a_dossier_is_a_reference_that_dies_with_its_key(written: Path) -> None:
    text = written.read_text()
    assert DOSSIER not in text
    first = Journal(written.parent, "other", lambda: NOW)
    reference = first.reference(DOSSIER)
    assert reference in text
    shutil.rmtree(written.parent / "keys")
    second = Journal(written.parent, "third", lambda: NOW)
    assert second.reference(DOSSIER) != reference
    first.close()
    second.close()
