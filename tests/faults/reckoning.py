"""What is left of a site after many kills, compared with what was promised.

Acceptances are counted by a witness: a trigger in the portal's database, which sees each receipt
that is written, whatever the program believes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import Any
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
    with closing(_database(site)) as db:
        seen = Counter(dossier for (dossier,) in db.execute("select id from witness"))
        codes = Counter(code for (code,) in db.execute("select code from dossiers"))
        manifests: dict[str, str] = dict(_pairs(db, "select id, manifest from dossiers"))
        receipts: dict[str, str | None] = dict(_pairs(db, "select id, receipt from dossiers"))
    promised = dict(line.split() for line in site.promises.read_text().splitlines())
    digests = {key: hashlib.sha256(text.encode()).hexdigest() for key, text in manifests.items()}
    with closing(open_outbox(site.settings(), local_now)) as outbox:
        return Tally(
            cycles,
            len(promised),
            len(seen),
            lost=tuple(key for key, digest in promised.items() if digests.get(key) != digest),
            twice=tuple(key for key, times in (seen + codes).items() if times > 1),
            corrupt=(
                *_at_the_portal(site, manifests),
                *_at_the_kiosk(outbox, receipts),
                *_left_behind(site, outbox),
                *_in_the_journal(site, manifests),
            ),
        )


def _at_the_portal(site: SiteFolder, manifests: dict[str, str]) -> list[str]:
    opened = open_portal(portal_settings.load(site.portal_file))
    with closing(opened.store):
        return [
            f"{dossier}: does not open as it was locked"
            for dossier, text in manifests.items()
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
    """Each dossier is a draft or a discarded one, of which the portal knows nothing, or erased with
    the very receipt that the portal has; and the portal knows no other."""
    problems, unknown = [], set(receipts)
    for entry in outbox.list():
        key = str(entry.id)
        unknown.discard(key)
        receipt = entry.receipt.model_dump_json() if entry.receipt else None
        if entry.state is State.DRAFT:
            whole = key not in receipts and _draft_is_whole(outbox, entry.id)
        elif receipt is None:
            whole = key not in receipts and entry.state is State.ERASED
        else:
            whole = receipt == receipts.get(key) and entry.state is State.ERASED
        problems += [] if whole else [f"{key}: {entry.state}"]
    return problems + [f"{key}: known to the portal alone" for key in unknown]


def _draft_is_whole(outbox: Outbox, dossier: UUID) -> bool:
    names = [part.name for part in outbox.get(dossier).parts]
    pages = [outbox.read_part(dossier, name) for name in names if name.startswith("page-")]
    return pages == [page(dossier, number) for number in range(len(pages))]


def _left_behind(site: SiteFolder, outbox: Outbox) -> list[str]:
    """Files and keys: drafts are discarded first, as the next start does it."""
    for draft in outbox.drafts():
        outbox.discard(draft.id)
    state = site.settings().site.state
    found = audit(state / "outbox", state / "machine.key", local_now().date()).findings
    return [f"{finding.code}: {finding.where}" for finding in found]


def _in_the_journal(site: SiteFolder, manifests: dict[str, str]) -> list[str]:
    """Both chains hold, that of ``run`` has the head of each manifest, and that of ``link`` an
    entry for each acceptance, at least one."""
    folder = site.settings().site.state / "journal"
    problems = [file.name for file in folder.glob("*.jsonl") if journal.verify(file) is not None]
    heads = {journal.entry_hash(entry) for entry in journal.read(folder / "run.jsonl")}
    for dossier, text in manifests.items():
        if Manifest.decode(text.encode()).journal_head not in heads:
            problems.append(f"{dossier}: its head is not in the journal")
    entries = journal.read(folder / "link.jsonl")
    told = {entry["dossier"] for entry in entries if entry["event"] == State.ACCEPTED}
    if len(told) < len(manifests):
        problems.append(f"{len(manifests) - len(told)} acceptances are in no journal")
    return problems


def _pairs(db: apsw.Connection, query: str) -> list[Any]:
    return list(db.execute(query))


def _database(site: SiteFolder) -> apsw.Connection:
    return apsw.Connection(str(portal_settings.load(site.portal_file).state / "portal.db"))
