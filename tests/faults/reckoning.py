"""What is left of a site after many kills, compared with what was promised.

Acceptances are counted by a witness: a trigger in the portal's database, which sees each receipt
that is written, whatever the program believes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from uuid import UUID

import apsw

from kiosk import journal
from kiosk.clock import local_now
from kiosk.portal import settings as portal_settings
from kiosk.portal.composition import Portal, open_portal
from kiosk.storage import open_outbox
from offline_queue.audit import audit
from offline_queue.entries import State
from offline_queue.errors import QueueError
from offline_queue.manifest import Manifest
from offline_queue.outbox import Outbox
from tests.faults.site import PAGES, SiteFolder, page

_WITNESS = """
create table witness (id text, receipt text);
create trigger witnessed after update of receipt on dossiers when new.receipt is not null
begin insert into witness values (new.id, new.receipt); end
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """``lost``: promised, and not accepted with the bytes that were promised. ``twice``: accepted
    more than once, or a code given twice. ``corrupt``: what else is not as it should be."""

    cycles: int
    promised: int
    accepted: int
    lost: tuple[str, ...]
    twice: tuple[str, ...]
    corrupt: tuple[str, ...]


def open_portal_with_witness(site: SiteFolder) -> None:
    """Before the portal has started: makes its database, and the witness in it."""
    open_portal(portal_settings.load(site.portal_file)).store.close()
    with closing(_database(site)) as db:
        db.execute(_WITNESS)


def count(site: SiteFolder, cycles: int) -> Tally:
    with (
        closing(_database(site)) as db,
        closing(open_outbox(site.settings(), local_now)) as outbox,
    ):
        receipts: list[tuple[str, str]] = list(db.execute("select id, receipt from witness"))
        rows = list(db.execute("select id, code, manifest, receipt from dossiers"))
        promised = [line.split() for line in site.promises.read_text().splitlines()]
        digests = {id: hashlib.sha256(text.encode()).hexdigest() for id, _, text, _ in rows}
        codes = Counter(code for _, code, _, _ in rows)
        return Tally(
            cycles,
            len(promised),
            len({id for id, _ in receipts}),
            lost=tuple(id for id, _, digest in promised if digests.get(id) != digest),
            twice=(
                *(id for id, times in Counter(id for id, _ in receipts).items() if times > 1),
                *(code for code, times in codes.items() if times > 1),
            ),
            corrupt=(
                *_at_the_portal(site, {id: text for id, _, text, _ in rows}),
                *(f"{id}: half known" for id, _, _, receipt in rows if receipt is None),
                *_at_the_kiosk(outbox, {id: receipt for id, _, _, receipt in rows}),
                *_left_behind(site, outbox),
            ),
        )


def _at_the_portal(site: SiteFolder, manifests: dict[str, str]) -> list[str]:
    opened = open_portal(portal_settings.load(site.portal_file))
    with closing(opened.store):
        return [
            f"{id}: does not open as it was locked"
            for id, text in manifests.items()
            if not _is_whole(opened, Manifest.decode(text.encode()))
        ]


def _is_whole(portal: Portal, manifest: Manifest) -> bool:
    try:
        for part in manifest.parts:
            data = portal.objects.get(f"dossiers/{manifest.id}/{part.name}")
            if (len(data), hashlib.sha256(data).hexdigest()) != (part.size, part.sha256):
                return False
        pages = portal.vault.images(manifest)
    except (OSError, QueueError):
        return False
    return pages == [page(manifest.id, number) for number in range(PAGES)]


def _at_the_kiosk(outbox: Outbox, receipts: dict[str, str | None]) -> list[str]:
    """Every dossier that is no draft, and no discarded one, is erased and has the portal's own
    receipt; and the portal has no other."""
    problems, unknown = [], set(receipts)
    for entry in outbox.list():
        unknown.discard(str(entry.id))
        receipt = entry.receipt.model_dump_json() if entry.receipt else None
        draft = entry.state is State.DRAFT
        discarded = entry.state is State.ERASED and receipt is None
        if draft and not _draft_is_whole(outbox, entry.id):
            problems.append(f"{entry.id}: a draft that does not open")
        if (draft or discarded) and str(entry.id) in receipts:
            problems.append(f"{entry.id}: {entry.state} here, and known to the portal")
        if not draft and not discarded and (
            entry.state is not State.ERASED or receipt != receipts.get(str(entry.id))
        ):
            problems.append(f"{entry.id}: {entry.state}, or another receipt than the portal's")
    return problems + [f"{id}: known to the portal alone" for id in unknown]


def _draft_is_whole(outbox: Outbox, dossier: UUID) -> bool:
    names = [part.name for part in outbox.get(dossier).parts]
    pages = [outbox.read_part(dossier, name) for name in names if name.startswith("page-")]
    return pages == [page(dossier, number) for number in range(len(pages))]


def _left_behind(site: SiteFolder, outbox: Outbox) -> list[str]:
    """Files, keys and journal: drafts are discarded first, as the next start does it."""
    for draft in outbox.drafts():
        outbox.discard(draft.id)
    state = site.settings().site.state
    found = audit(state / "outbox", state / "machine.key", local_now().date()).findings
    broken = [file.name for file in (state / "journal").glob("*.jsonl") if journal.verify(file)]
    return [*(f"{finding.code}: {finding.where}" for finding in found), *broken]


def _database(site: SiteFolder) -> apsw.Connection:
    return apsw.Connection(str(portal_settings.load(site.portal_file).state / "portal.db"))
