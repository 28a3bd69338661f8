"""The journal detects what was changed, and says nothing about whom."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kiosk import journal
from kiosk.journal import GENESIS, Journal
from offline_queue.errors import Fault, QueueError

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


@pytest.mark.parametrize("torn", [b'{"n":3,"prev', bytes(40), bytes(40) + b'"}\n', b"\xff\xfe\n"])
def test_a_torn_last_line_is_dropped(written: Path, torn: bytes) -> None:
    with written.open("ab") as file:
        file.write(torn)
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


def test_an_empty_and_a_torn_first_line_begin_a_new_chain(tmp_path: Path) -> None:
    for torn in (b"", b'{"n":0', bytes(10) + b"\n"):
        (tmp_path / "run.jsonl").write_bytes(torn)
        entries = Journal(tmp_path, "run", lambda: NOW)
        assert entries.head == GENESIS
        entries.close()
        assert (tmp_path / "run.jsonl").read_bytes() == b""


def test_a_disk_that_fills_in_the_middle_of_an_entry_leaves_the_chain_whole(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = Journal(written.parent, "run", lambda: NOW)
    before, head = written.read_bytes(), entries.head
    write, room = os.write, [25, 0]

    def filling(file: int, data: memoryview) -> int:
        size = room.pop(0)
        if not size:
            raise OSError(errno.ENOSPC, "full")
        return write(file, data[:size])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", filling)
        with pytest.raises(QueueError) as caught:
            entries.append("locked", dossier=DOSSIER)
    assert caught.value.code == Fault.DISK_FULL
    assert (written.read_bytes(), entries.head) == (before, head)
    entries.append("locked", dossier=DOSSIER)
    entries.close()
    assert journal.verify(written) is None
    assert [entry["n"] for entry in journal.read(written)] == [0, 1, 2, 3]


def test_a_short_write_is_completed(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = Journal(written.parent, "run", lambda: NOW)
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))
    entries.append("session-ended", how="done")
    entries.close()
    assert journal.verify(written) is None


def test_keys_of_old_days_are_destroyed_and_a_jumping_clock_destroys_no_others(
    tmp_path: Path,
) -> None:
    day, far = [NOW], timedelta(days=9000)
    entries = Journal(tmp_path, "run", lambda: day[0], key_days=3)
    for at in (NOW, NOW + timedelta(days=1), NOW + far, NOW - far):
        day[0] = at
        entries.append("locked", dossier=DOSSIER)
    days = sorted(file.name for file in (tmp_path / "keys").iterdir())
    assert days == ["2002-04-04", "2026-11-25", "2051-07-16"]
    entries.append("locked", dossier=DOSSIER)  # the key of today is there, whatever its date
    lines = list(journal.read(tmp_path / "run.jsonl"))
    assert lines[-1]["dossier"] == lines[-2]["dossier"] == entries.reference(DOSSIER)
    entries.close()
    assert all(stat.S_IMODE(f.stat().st_mode) == 0o600 for f in (tmp_path / "keys").iterdir())


def test_two_writers_share_the_key_of_a_day_and_each_knows_the_others_head(tmp_path: Path) -> None:
    run, link = (Journal(tmp_path, writer, lambda: NOW) for writer in ("run", "link"))
    assert run.other_heads() == {"link_head": GENESIS}
    link.append("accepted", dossier=DOSSIER)
    assert run.reference(DOSSIER) == link.reference(DOSSIER)
    with (tmp_path / "link.jsonl").open("a") as file:
        file.write('{"n":1,')  # it is writing this moment
    assert run.other_heads() == {"link_head": link.head}
    assert link.other_heads() == {"run_head": GENESIS}
    run.close()
    link.close()
