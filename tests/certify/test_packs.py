"""Packs: what the policy names and nothing else, and which of them is in force when."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from certify import cose, packs
from certify.errors import CertifyError, Fault
from certify.packs import Pack
from certify.trust import NamedPack

PACK = Pack("civil-status", 3, date(2026, 12, 1), {"marriage": "id = 1"}, frozenset({"birth"}))
BODY: dict[str, Any] = {
    "name": "civil-status",
    "version": 3,
    "effective": "2026-12-01",
    "procedures": {"marriage": "id = 1"},
    "withdrawn": ["birth"],
}


def refused(data: bytes, named: NamedPack | None = None) -> str:
    with pytest.raises(CertifyError) as caught:
        packs.open_named(data, named) if named else packs.decode(data)
    assert caught.value.code == Fault.PACK_INVALID
    return caught.value.detail


def test_a_pack_survives_and_is_named_by_its_digest() -> None:
    data = packs.encode(PACK)
    named = packs.name_of(data)
    assert packs.decode(data) == PACK == packs.open_named(data, named)
    assert named == NamedPack("civil-status", PACK.effective, hashlib.sha256(data).hexdigest())


def test_it_is_the_shape_that_is_documented() -> None:
    assert cose.decode(packs.encode(PACK)) == BODY


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../../etc/cron.d/x"},
        {"name": "civil-status\n"},
        {"name": ""},
        {"name": 7},
        {"version": 0},
        {"version": "3"},
        {"effective": "soon"},
        {"effective": 20261201},
        {"procedures": ["id = 1"]},
        {"procedures": {"../marriage": "id = 1"}},
        {"procedures": {"marriage": b"id = 1"}},
        {"procedures": {1: "id = 1"}},
        {"withdrawn": ["/etc/passwd"]},
        {"withdrawn": [1]},
        {"withdrawn": ["marriage"]},
        {"signature": b"mine"},
    ],
)
def test_what_is_no_pack_is_refused(change: dict[str, Any]) -> None:
    refused(cose.encode(BODY | change))


@pytest.mark.parametrize("data", [b"", b"\xff", b"[procedures]\n", b"\x80", b"\x9f" * 5000])
def test_other_bytes_are_refused(data: bytes) -> None:
    refused(data)


def test_an_id_that_stands_twice_is_refused() -> None:
    """A map with the same key twice: the reader would silently take the second."""
    once = packs.encode(replace(PACK, procedures={"marriage": "id = 1"}))
    pair = cose.encode("marriage") + cose.encode("id = 1")
    assert once.count(b"\xa1" + pair) == 1
    assert "deterministic" in refused(once.replace(b"\xa1" + pair, b"\xa2" + pair + pair))


def test_a_huge_one_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = packs.encode(PACK)
    monkeypatch.setattr(packs, "MAX_PACK", len(data) - 1)
    assert "bytes" in refused(data)
    assert "not the file" in refused(data, NamedPack(PACK.name, PACK.effective, "00" * 32))


def test_only_the_named_file_is_opened() -> None:
    data = packs.encode(PACK)
    named = packs.name_of(data)
    refused(packs.encode(replace(PACK, version=4)), named)
    refused(data, replace(named, name="land"))
    refused(data, replace(named, effective=date(2026, 1, 1)))


def test_the_newest_of_a_name_that_has_begun_is_in_force() -> None:
    def at(instant: str) -> list[str]:
        moment = datetime.fromisoformat(instant).replace(tzinfo=UTC)
        return [named.sha256 for named in packs.in_force(given, moment)]

    given = (
        NamedPack("land", date(2026, 12, 1), "land-2"),
        NamedPack("zero-fee", date(2026, 1, 1), "overlay"),
        NamedPack("land", date(2026, 6, 1), "land-1"),
        NamedPack("land", date(2026, 12, 1), "land-2-again"),
    )
    assert at("2026-11-30T16:59:59") == ["overlay", "land-1"]  # a second before midnight there
    assert at("2026-11-30T17:00:00") == ["overlay", "land-2-again"]
    assert at("2025-12-31T00:00:00") == []
