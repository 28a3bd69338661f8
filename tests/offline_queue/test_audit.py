"""The audit finds what must not be there, and nothing where nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from offline_queue.audit import Report, audit
from offline_queue.outbox import Outbox
from tests.offline_queue.invented import RECEIPT, HandClock, locked_dossier, new_id, open_outbox

WRAPPED = b'"wrapped":"'


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    """With a draft, one that waits and forty that came and went."""
    outbox = open_outbox(tmp_path)
    for turn in range(40):
        dossier = locked_dossier(outbox, bytes(100 * turn), b"two")
        outbox.begin(dossier)
        outbox.store_signature(dossier, b"signature")
        outbox.accept(dossier, RECEIPT)
    locked_dossier(outbox)
    draft = new_id()
    outbox.new_draft(draft, "certified-copy")
    outbox.put_part(draft, "page-1.jpg", "image/jpeg", b"page")
    yield outbox
    outbox.close()


def look(folder: Path) -> Report:
    return audit(folder / "outbox", folder / "machine.key", HandClock().wall.date())


def found(folder: Path) -> set[str]:
    return {finding.code for finding in look(folder).findings}


def test_nothing_is_left_of_erased_dossiers(tmp_path: Path, outbox: Outbox) -> None:
    report = look(tmp_path)
    assert report.findings == ()
    assert report.clean
    assert (report.erased, report.in_charge) == (40, 2)
    assert report.scanned >= (tmp_path / "outbox" / "outbox.db").stat().st_size
    assert any("flash may keep" in caveat for caveat in report.caveats)


def test_a_key_in_a_free_page_is_found(tmp_path: Path, outbox: Outbox) -> None:
    """As it would be, had the database been told not to overwrite what it deletes."""
    with outbox._store.writing() as db:
        wrap = db.execute("select draft_key from dossier where draft_key not null").get
        manifest = db.execute("select manifest from dossier where manifest not null").get
    other = wrap[:20] + bytes(len(wrap) - 20)
    outbox.close()
    with closing(apsw.Connection(str(tmp_path / "outbox" / "outbox.db"))) as db:
        db.execute("pragma secure_delete = off").fetchall()
        db.execute("create table past (x)")
        db.execute(
            "insert into past values (?), (?)",
            (other, manifest.replace(WRAPPED, WRAPPED + b"ZZZZ")),
        )
        db.execute("drop table past")
    assert {"draft-key-residue", "manifest-residue"} <= found(tmp_path)


def test_the_log_is_searched_too(tmp_path: Path, outbox: Outbox) -> None:
    with closing(apsw.Connection(str(tmp_path / "outbox" / "outbox.db"))) as reader:
        reader.execute("begin")
        reader.execute(
            "select count(*) from dossier"
        ).fetchall()  # keeps the log from being emptied
        dossier = locked_dossier(outbox)
        outbox.begin(dossier)
        outbox.accept(dossier, RECEIPT)
        assert {"draft-key-residue", "manifest-residue"} <= found(tmp_path)
        reader.execute("commit")
    assert found(tmp_path) == set()


def test_files_that_should_be_gone_are_found(tmp_path: Path, outbox: Outbox) -> None:
    (tmp_path / "outbox" / "parts" / "leftover").write_bytes(b"ciphertext")
    (tmp_path / "outbox" / "page.jpg").write_bytes(b"in clear")
    where = {finding.where for finding in look(tmp_path).findings if finding.code == "stray-file"}
    assert where == {"parts/leftover", "page.jpg"}


def test_a_day_key_that_outlived_its_drafts_is_found(tmp_path: Path, outbox: Outbox) -> None:
    with outbox._store.writing() as db:
        db.execute("insert into day_key (day, wrapped) values ('2026-01-01', x'00')")
    (finding,) = look(tmp_path).findings
    assert (finding.code, finding.where) == ("day-key-outlived", "2026-01-01")


def test_a_key_file_that_others_may_read_is_found(tmp_path: Path, outbox: Outbox) -> None:
    (tmp_path / "machine.key").chmod(0o644)
    assert found(tmp_path) == {"machine-key-readable"}


def test_yesterdays_key_goes_with_its_last_draft(tmp_path: Path) -> None:
    clock = HandClock()
    with closing(open_outbox(tmp_path, clock)) as outbox:
        draft = new_id()
        outbox.new_draft(draft, "certified-copy")
        clock.wall += timedelta(days=1)
        today = clock.wall.date()
        assert audit(tmp_path / "outbox", tmp_path / "machine.key", today).clean
        outbox.discard(draft)
        with outbox._store.reading() as db:
            assert db.execute("select count(*) from day_key").get == 0
        assert audit(tmp_path / "outbox", tmp_path / "machine.key", today).clean
