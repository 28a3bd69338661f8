"""Dossiers as the portals of the provinces exchange them (the ``MaHoSo`` record).

Holds names: only for whom the role allows, and each export is noted for the auditor.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from kiosk.portal.answers import ANSWERS, Answers
from kiosk.portal.casebook import Casebook, CaseLine
from kiosk.portal.statistics import table
from kiosk.portal.store import Dossier, Processing, Store, manifest_of
from kiosk.portal.times import VIETNAM
from kiosk.portal.vault import Vault

_FIELDS = (
    "MaHoSo", "MaTTHC", "TenTTHC", "MaLinhVuc", "ChuHoSo", "LoaiDoiTuong", "MaDoiTuong",
    "NgayTiepNhan", "NgayHenTra", "TrangThaiHoSo", "HinhThuc", "DonViXuLy", "TaiLieuNop",
    "DanhSachGiayToKetQua",
)  # fmt: skip
_CITIZEN = "1"  # LoaiDoiTuong: a person
_ONLINE = "1"  # HinhThuc: not handed over on paper


class Export:
    def __init__(self, store: Store, vault: Vault, casebook: Casebook, agency: str) -> None:
        self._store = store
        self._vault = vault
        self._casebook = casebook
        self._agency = agency

    def records(self, first: date, last: date) -> Iterator[dict[str, Any]]:
        """Of what was received on these days (Vietnam), oldest first."""
        for line in self._casebook.received(first, last):
            dossier = self._store.dossier(line.dossier)
            assert dossier is not None  # a foreign key says so
            yield self._record(dossier, line)

    def _record(self, dossier: Dossier, line: CaseLine) -> dict[str, Any]:
        manifest = manifest_of(dossier)
        answers = Answers.model_validate_json(self._vault.open_part(manifest, ANSWERS))
        facts = self._casebook.catalogue.procedure(line.procedure)
        return {
            "MaHoSo": dossier.code,
            "MaTTHC": facts.code,
            "TenTTHC": facts.title,
            "MaLinhVuc": facts.field,
            "ChuHoSo": answers.applicant.full_name,
            "LoaiDoiTuong": _CITIZEN,
            "MaDoiTuong": answers.applicant.citizen_number,
            "NgayTiepNhan": _stamp(line.received_at),
            "NgayHenTra": _stamp(line.due_at),
            "TrangThaiHoSo": str(dossier.processing),
            "HinhThuc": _ONLINE,
            "DonViXuLy": self._agency,
            "TaiLieuNop": [
                {
                    "TenGiayTo": self._casebook.catalogue.papers([paper.paper_class]),
                    "SoTrang": len(paper.pages),
                }
                for paper in manifest.papers
            ],
            "DanhSachGiayToKetQua": _results(dossier, facts.title),
        }


def as_json(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A record a line, as it is made: a year does not fit into memory."""
    before = "["
    for record in records:
        yield f"{before}\n{json.dumps(record, ensure_ascii=False)}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def as_csv(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Lists stand as JSON in their cell."""
    return table(_FIELDS, ([_cell(record[name]) for name in _FIELDS] for record in records))


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _results(dossier: Dossier, title: str) -> list[dict[str, str]]:
    issued = dossier.processing in (Processing.DONE, Processing.RETURNED) and dossier.facts
    if not issued:
        return []
    return [{"TenGiayTo": title, "SoKyHieu": dossier.number or ""}]


def _stamp(instant: str) -> str:
    return datetime.fromisoformat(instant).astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")
