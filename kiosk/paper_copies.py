"""A copy that was issued, on paper as well, where the kiosk has a document printer.

The signed PDF is the copy; paper is a service. Trouble with it never takes the copy away: the
person may go on at any time, and screen and slip then say where the paper is handed out, or that it
may lie in the tray.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from drivers.contract import DeviceError, Fault
from kiosk import staff
from kiosk.failures import KioskError
from kiosk.link import messages, verbs
from kiosk.session import Session

log = logging.getLogger(__name__)


def has_printer(session: Session) -> bool:
    return bool(session.kiosk.settings.devices.document_printer.uri)


async def print_copy(session: Session, show: Callable[[], None]) -> None:
    """Print once; ``show`` puts the progress on the screen.

    The job's name stays the same (:func:`_print_id`), so that trying again goes on with the same
    job. It is cancelled when the person does not wait for it: nobody else may find it in the tray.
    """
    record, kiosk = session.record, session.kiosk
    assert record.copy is not None, "a copy is issued first"
    while record.paper != "out":
        show()
        try:
            async with session.busy():
                printed = await kiosk.printer.print_document(
                    record.copy, _job_name(session), record.copies
                )
            record.paper = "out" if printed.certain else "unsure"
            kiosk.journal.append("copy-printed", dossier=_dossier(session))
            await _tell_portal(session)
            return
        except DeviceError as error:
            unsure = error.code == Fault.PRINTER_UNCONFIRMED
            record.paper = "unsure" if unsure else "later"
            if not await _again(session, error):
                return


async def _again(session: Session, error: DeviceError) -> bool:
    """Whether the person wants to go on; otherwise, and if they leave, the job is cancelled."""
    again = False
    try:
        again = await session.tell(error, skippable=True) == "retry"
    finally:
        if not again:
            await _take_back(session)
    return again


async def _take_back(session: Session) -> None:
    try:
        printed = await session.kiosk.printer.cancel(_job_name(session))
    except DeviceError as error:
        log.error("a print job may be left at the printer: %s", error.code)
        session.record.paper = "unsure"
        session.kiosk.journal.append("print-job-left", dossier=_dossier(session))
        return
    if printed.copies >= session.record.copies:
        session.record.paper = "out" if printed.certain else "unsure"
        await _tell_portal(session)
    elif printed.copies or printed.sides != 0:  # None: the printer does not count
        log.error("a part of a copy may lie in the tray")
        session.record.paper = "unsure"
        session.kiosk.journal.append("copy-partly-printed", dossier=_dossier(session))
        await staff.call(session.kiosk, reason="paper-left", kept="kept.locked")


def _job_name(session: Session) -> str:
    return f"kiosk-{_print_id(session)}"


async def _tell_portal(session: Session) -> None:
    """So that the same copies are not printed once more elsewhere. Where nobody can be told, they
    may be: paper that is there twice is better than paper that is not there."""
    request = messages.PrintedRequest(
        print_id=_print_id(session), dossier_id=_dossier(session), copies=session.record.copies
    )
    try:
        await session.kiosk.link.call(verbs.PRINTED, request)
    except KioskError as error:
        log.info("prints were not told: %s", error.code)


def _print_id(session: Session) -> str:
    """What is printed as soon as it is issued has the name of its dossier."""
    return str(session.record.print_id or session.dossier)


def _dossier(session: Session) -> str:
    return str(session.record.collected or session.dossier)
