"""``kiosk certify``: a certified copy from files with the sandbox's keys. A specimen only."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from certify.issue import issue_post_check, issue_pre_check
from certify.numbers import Burned, NumberStore, new_id_code
from certify.pages import SourcePage
from certify.signing import Signer, open_signer
from certify.statement import CopyFacts, Mode, Profile
from kiosk.clock import local_now
from kiosk.documents.files import Progress, read_files
from kiosk.sandbox import pki
from kiosk.sandbox.home import AGENCY, OFFICER, install_trust, sandbox_home

_SPECIMEN_DESK = 0
_NUMBERS = 1_000_000


async def certify(
    files: Sequence[Path], out: Path, *, mode: Mode, profile: Profile, progress: Progress
) -> CopyFacts:
    """Read the pages, burn a sandbox number, sign, write ``out``.

    Raises CertifyError for pages that cannot be used, DeviceError when reading them fails.
    """
    pages = [reading.page for reading in await read_files(files, progress)]
    if profile == "lean":
        pages = await asyncio.to_thread(_layered, pages)
    authority = pki.create(sandbox_home(), agency=AGENCY, officer=OFFICER)
    facts = _facts(mode, local_now())
    # In a thread: pyHanko runs a loop of its own.
    copy = await asyncio.to_thread(_issue, pages, facts, authority)
    install_trust(authority)
    _write(out, copy)
    return facts


def _layered(pages: Sequence[SourcePage]) -> list[SourcePage]:
    from certify.layers import layered

    return [layered(page) for page in pages]


def _facts(mode: Mode, now: datetime) -> CopyFacts:
    burned = _burn(now)
    return CopyFacts(
        id_code=new_id_code(_SPECIMEN_DESK, now.year * _NUMBERS + burned.number),
        number=burned.number,
        year=now.year,
        book=burned.book,
        agency=AGENCY,
        place="Xã Yên Hòa",
        officer=OFFICER if mode == "pre-check" else "",
        officer_title="Công chức tư pháp - hộ tịch" if mode == "pre-check" else "",
        issued=now,
        copies=1,
        mode=mode,
        inspect_by=None if mode == "pre-check" else (now + timedelta(days=3)).date(),
        dossier_code=f"H26.15-{now:%y%m%d}-{burned.number:04}",
    )


def _burn(now: datetime) -> Burned:
    store = NumberStore(sandbox_home() / "specimen-numbers.db")
    try:
        book, lease = f"01/{now.year}-SCT/BS", f"specimen-{now.year}"
        end_of_year = datetime(now.year + 1, 1, 1, tzinfo=now.tzinfo)
        store.add_lease("certificate", now.year, 1, _NUMBERS - 1, book, end_of_year, lease)
        return store.burn("certificate", now.year, at=now)
    finally:
        store.close()


def _issue(pages: Sequence[SourcePage], facts: CopyFacts, authority: pki.SandboxPki) -> bytes:
    os.environ["SOFTHSM2_CONF"] = str(authority.softhsm_conf)
    module, chain = authority.module, [authority.chain]

    def signer(token: str, pin: Path, key: str) -> Signer:
        return open_signer(module, token, key, pin.read_text().strip(), chain)

    if facts.mode == "post-check":
        agency = signer(pki.KIOSK_TOKEN, authority.kiosk_pin, "agency")
        seal = signer(pki.KIOSK_TOKEN, authority.kiosk_pin, "seal")
        return issue_post_check(
            pages, facts, agency=agency, seal=seal, seal_host=authority.seal_host
        ).pdf
    return issue_pre_check(
        pages,
        facts,
        officer=signer(pki.DESK_TOKEN, authority.desk_pin, "officer"),
        agency=signer(pki.DESK_TOKEN, authority.desk_pin, "agency"),
        seal=signer(pki.DESK_TOKEN, authority.desk_pin, "seal"),
        seal_host=authority.seal_host,
    ).pdf


def _write(out: Path, copy: bytes) -> None:
    """All of it or nothing, also when the power goes."""
    new = out.with_name(f".{out.name}.new")
    new.write_bytes(copy)
    new.replace(out)
