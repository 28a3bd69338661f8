"""The fleet: what kiosks say of themselves, and which of them need a person.

Only the newest heartbeat of a kiosk is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kiosk.portal.store import Store
from kiosk.portal.times import now
from offline_queue.intake import Heartbeat

SCHEMA = [
    "CREATE TABLE heartbeats (kiosk_id TEXT PRIMARY KEY REFERENCES kiosks (id),"
    " at TEXT NOT NULL, body TEXT NOT NULL) STRICT",
]
SILENT_AFTER = timedelta(minutes=15)
OLD_QUEUE = timedelta(hours=4)
_FINE = frozenset({"", "ok", "ready", "idle"})
_PAPER = "paper"
_PRINTER = "printer"


@dataclass(frozen=True, slots=True)
class KioskLine:
    """``beat`` is None for a kiosk that never spoke. ``faults``: (device, code). ``revoked``: the
    portal refuses it until it enrols anew (device_ca)."""

    kiosk_id: str
    enrolled_at: str
    seen_at: str | None
    beat: Heartbeat | None
    revoked: bool

    @property
    def silent(self) -> bool:
        return self.seen_at is None or now() - datetime.fromisoformat(self.seen_at) > SILENT_AFTER

    @property
    def faults(self) -> list[tuple[str, str]]:
        devices = self.beat.devices if self.beat else {}
        return [(name, code) for name, code in sorted(devices.items()) if code not in _FINE]

    @property
    def knows_devices(self) -> bool:
        return self.beat is not None and bool(self.beat.devices)

    @property
    def knows_paper(self) -> bool:
        """Did it speak of a printer at all?"""
        return self.beat is not None and any(_PRINTER in name for name in self.beat.devices)

    @property
    def paper(self) -> str:
        """The code about paper, or nothing."""
        return next((code for _, code in self.faults if _PAPER in code), "")

    @property
    def queue_is_old(self) -> bool:
        oldest = self.beat.oldest_seconds if self.beat else None
        return (oldest or 0) > OLD_QUEUE.total_seconds()

    @property
    def needs_somebody(self) -> bool:
        clock_lost = self.beat is not None and not self.beat.clock_trusted
        troubled = bool(self.faults) or self.queue_is_old or clock_lost
        return self.revoked or self.silent or troubled


class Fleet:
    def __init__(self, store: Store) -> None:
        self._store = store

    def hear(self, kiosk_id: str, beat: Heartbeat) -> None:
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO heartbeats (kiosk_id, at, body) VALUES (?, ?, ?)"
                " ON CONFLICT (kiosk_id) DO UPDATE SET at = excluded.at, body = excluded.body",
                (kiosk_id, now().isoformat(), beat.model_dump_json()),
            )

    def kiosks(self) -> list[KioskLine]:
        """Those that need somebody first."""
        lines = [
            KioskLine(row[0], row[1], row[2], _beat(row[3]), row[4] is not None)
            for row in self._store.rows(
                "SELECT kiosks.id, kiosks.enrolled_at, heartbeats.at, heartbeats.body,"
                " revoked_kiosks.at"
                " FROM kiosks LEFT JOIN heartbeats ON heartbeats.kiosk_id = kiosks.id"
                " LEFT JOIN revoked_kiosks ON revoked_kiosks.kiosk_id = kiosks.id"
                " ORDER BY kiosks.id"
            )
        ]
        return sorted(lines, key=lambda line: not line.needs_somebody)


def _beat(body: str | None) -> Heartbeat | None:
    return Heartbeat.model_validate_json(body) if body else None
