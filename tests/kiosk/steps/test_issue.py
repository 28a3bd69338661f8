"""Issuing, when something goes wrong in the middle: nothing twice, nothing lost, nothing untrue."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from drivers.contract import DeviceError
from drivers.contract import Fault as DeviceFault
from kiosk.failures import KioskError
from kiosk.link import messages
from kiosk.session import LeftError
from kiosk.settings import Settings
from kiosk.steps import issue
from kiosk.views import DoneView, FaultView, IssuingView
from offline_queue.errors import Fault, QueueError
from tests.kiosk.steps.issuing import (
    DOSSIER,
    NOW,
    Link,
    Outbox,
    Paper,
    Session,
    issued,
    now_of,
    waiting,
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issue, "_ASK_FOR_COPY", 0)


def run(session: Session) -> None:
    asyncio.run(issue.run(session))  # type: ignore[arg-type]


def test_a_step_that_is_repeated_asks_for_the_same_slip() -> None:
    """A printer that lost sight of a slip knows it by that, so it must not tell another time."""
    session = Session(Link("accepted"), Outbox(), post_check=True)
    asked: list[Any] = []

    async def print_slip(slip: Any) -> None:
        asked.append(slip)
        if len(asked) == 1:
            raise RuntimeError("a defect")

    session.printer.print_slip = print_slip  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        run(session)
    session.kiosk.clock = lambda: NOW + timedelta(minutes=3)
    run(session)
    assert len(asked) == 2
    assert asked[0] is asked[1]


def test_a_copy_that_could_not_be_kept_is_made_again_under_its_number() -> None:
    outbox = Outbox(QueueError(Fault.BUSY, retryable=True))
    session = Session(Link("accepted"), outbox, post_check=True)
    with pytest.raises(QueueError):
        run(session)
    assert session.record.copy is None
    assert outbox.locked == 0
    run(session)
    assert outbox.parts.count("copy.pdf") == 1
    assert session.numbers.burned.count("certificate") == 1
    assert session.record.mode == "post-check"
    assert outbox.locked == 1


def test_without_numbers_the_kiosk_files_for_the_desk() -> None:
    session = Session(Link("accepted", issued()), Outbox(), post_check=True, numbers=0)
    run(session)
    assert session.record.mode == "pre-check"
    assert session.record.copy == b"%PDF"


def test_without_a_lease_of_its_key_the_kiosk_burns_no_number() -> None:
    session = Session(Link("accepted", issued()), Outbox(), post_check=True)
    session.kiosk.certifier.leased = False
    run(session)
    assert (session.record.mode, session.record.copy) == ("pre-check", b"%PDF")
    assert "certificate" not in session.numbers.burned


@pytest.mark.parametrize("looks", [0, 1, 2])
def test_an_opened_housing_leaves_the_copy_to_the_officer(looks: int) -> None:
    """Before the mode is decided, after it, and while the copy is being signed."""
    outbox = Outbox()
    session = Session(Link("accepted", issued()), outbox, post_check=True)
    session.kiosk.signals.looks = looks
    run(session)
    assert (session.record.mode, session.record.copy) == ("pre-check", b"%PDF")
    assert "copy.pdf" not in outbox.parts
    assert session.record.facts is None
    assert session.told == []


def test_a_refusal_is_told_with_the_officers_words_and_no_appointment() -> None:
    refused = messages.CopyAnswer(state="refused", note="Bản chính bị tẩy xóa")
    session = Session(Link("accepted", refused), Outbox(), post_check=False)
    run(session)
    (view,) = session.shown
    assert isinstance(view, FaultView)
    assert view.happened.arguments["note"] == "Bản chính bị tẩy xóa"
    assert session.printer.slips == []


def test_a_rejected_dossier_is_not_told_as_queued() -> None:
    session = Session(Link("rejected"), Outbox(), post_check=False)
    run(session)
    assert session.told == ["dossier.rejected"]
    assert session.shown == []


def test_a_silent_portal_means_kept_and_an_appointment() -> None:
    session = Session(Link("unknown"), Outbox(), post_check=False)
    run(session)
    (view,) = session.shown
    assert isinstance(view, DoneView)
    assert view.kind == "queued"
    assert len(session.printer.slips) == 1


def test_a_passing_network_fault_does_not_end_the_waiting() -> None:
    link = Link("accepted", waiting(1), KioskError("link.offline"), issued())
    session = Session(link, Outbox(), post_check=False)
    run(session)
    (view,) = session.shown
    assert isinstance(view, DoneView)
    assert view.kind == "issued"


def test_who_waits_sees_how_far_the_desk_is() -> None:
    link = Link("accepted", waiting(1), waiting(2), waiting(4), issued())
    session = Session(link, Outbox(), post_check=False)
    run(session)
    seen = list(dict.fromkeys(now_of(session.presented)))
    assert seen == [
        "issue.saved", "issue.sent", "issue.unopened", "issue.compared", "issue.signing",
        "issue.verified", "issue.slip",
    ]  # fmt: skip
    with_the_officer = {"issue.unopened", "issue.compared", "issue.signing"}
    for view in session.presented:
        assert isinstance(view, IssuingView)
        assert view.may_leave == (now_of([view])[0] in with_the_officer)


def test_who_would_rather_not_wait_leaves_with_a_slip() -> None:
    link = Link("accepted", waiting(1), waiting(2), *[waiting(2)] * 99)
    session = Session(link, Outbox(), post_check=False)
    session.leaves_at = "issue.compared"
    run(session)
    (view,) = session.shown
    assert isinstance(view, DoneView)
    assert (view.kind, len(session.printer.slips)) == ("queued", 1)


@pytest.mark.parametrize("processing", [5, 6])
def test_what_the_officer_wants_is_told_at_once_and_a_slip_goes_with_it(processing: int) -> None:
    link = Link("accepted", waiting(1), waiting(processing, "Quét lại trang 2."))
    session = Session(link, Outbox(), post_check=False)
    run(session)
    wanted, done = session.shown
    assert isinstance(wanted, FaultView)
    assert (wanted.code, wanted.happened.arguments["note"]) == ("copy.wanted", "Quét lại trang 2.")
    assert isinstance(done, DoneView)
    assert len(session.printer.slips) == 1


@pytest.mark.parametrize(
    ("code", "answers", "slips", "lead"),
    [
        (DeviceFault.RECEIPT_UNCONFIRMED, ["skip"], 0, "done.maybe-slip-lead"),
        (DeviceFault.RECEIPT_UNCONFIRMED, ["retry"], 1, "done.queued-lead"),
        (DeviceFault.RECEIPT_PAPER_OUT, ["skip"], 0, "done.no-slip-lead"),
        (DeviceFault.RECEIPT_PAPER_OUT, ["retry"], 1, "done.queued-lead"),
    ],
)
def test_the_last_screen_says_what_is_known_of_the_slip(
    code: DeviceFault, answers: list[str], slips: int, lead: str
) -> None:
    session = Session(Link("unknown"), Outbox(), post_check=False)
    session.printer.failures = [DeviceError(code)]
    session.answers = answers
    run(session)
    (view,) = session.shown
    assert isinstance(view, DoneView)
    assert (len(session.printer.slips), view.lead.key) == (slips, lead)


def printing_session(paper: Paper, *answers: str) -> Session:
    session = Session(Link("accepted", issued()), Outbox(), post_check=False)
    uri = {"devices": {"document_printer": {"uri": "ipp://printer"}}}
    session.kiosk.settings = Settings.model_validate(uri)
    session.kiosk.printer = paper
    session.answers = list(answers)
    return session


def slip_texts(session: Session) -> list[str]:
    (slip,) = session.printer.slips
    return [getattr(item, "text", "") for item in slip.items]


def test_a_copy_is_printed_once_where_there_is_a_printer() -> None:
    paper = Paper()
    session = printing_session(paper)
    run(session)
    (view,) = session.shown
    assert isinstance(view, DoneView)
    assert (view.place.key, session.record.paper) == ("done.paper-out", "out")
    assert paper.names == [f"kiosk-{DOSSIER}"]
    (told,) = session.kiosk.link.printed
    assert (told.dossier_id, told.print_id, told.copies) == (str(DOSSIER), str(DOSSIER), 1)


def test_a_spoolers_word_sends_the_person_to_the_tray_and_names_the_desk() -> None:
    paper = Paper()
    paper.certain = False
    session = printing_session(paper)
    run(session)
    (view,) = session.shown
    assert isinstance(view, DoneView)
    assert (view.place.key, session.told) == ("done.paper-unsure", [])
    assert len(paper.names) == 1


def test_trying_again_goes_on_with_the_job_of_the_same_name() -> None:
    paper = Paper(DeviceError(DeviceFault.PRINTER_PAPER_OUT))
    session = printing_session(paper, "retry")
    run(session)
    assert session.told == ["device.printer.paper-out"]
    assert paper.names == [f"kiosk-{DOSSIER}"] * 2
    assert (session.record.paper, paper.cancelled) == ("out", [])


def test_who_does_not_wait_for_paper_is_told_where_it_is_and_the_job_is_cancelled() -> None:
    paper = Paper(DeviceError(DeviceFault.PRINTER_JAM))
    session = printing_session(paper, "skip")
    run(session)
    (view,) = session.shown
    assert isinstance(view, DoneView)
    assert view.place.key == "done.paper-later"
    assert paper.cancelled == [f"kiosk-{DOSSIER}"]
    assert any("Bản giấy chưa in được" in text for text in slip_texts(session))
    assert session.kiosk.settings.site.pickup_place.capitalize() in slip_texts(session)


@pytest.mark.parametrize(
    ("failure", "cancelling"),
    [
        (DeviceFault.PRINTER_UNCONFIRMED, None),
        (DeviceFault.PRINTER_ABSENT, DeviceFault.PRINTER_ABSENT),
    ],
)
def test_a_copy_of_which_nobody_knows_may_lie_in_the_tray(
    failure: DeviceFault, cancelling: DeviceFault | None
) -> None:
    paper = Paper(DeviceError(failure), cancelling=cancelling)
    session = printing_session(paper, "skip")
    run(session)
    (view,) = session.shown
    assert isinstance(view, DoneView)
    assert view.place.key == "done.paper-unsure"
    assert any("Chưa rõ bản giấy" in text for text in slip_texts(session))


@pytest.mark.parametrize("sides", [1, None])
def test_half_a_copy_in_the_tray_is_not_told_as_none(sides: int | None) -> None:
    """None: the printer does not count, so something may lie there."""
    paper = Paper(DeviceError(DeviceFault.PRINTER_JAM), sides=sides)
    session = printing_session(paper, "skip")
    run(session)
    (view,) = session.shown
    assert isinstance(view, DoneView)
    assert view.place.key == "done.paper-unsure"
    assert "call-staff" in session.kiosk.link.calls


def test_who_leaves_before_the_printer_is_mended_leaves_no_job_behind() -> None:
    paper = Paper(DeviceError(DeviceFault.PRINTER_PAPER_OUT))
    with pytest.raises(LeftError):
        run(printing_session(paper, "leave"))
    assert paper.cancelled == [f"kiosk-{DOSSIER}"]


def test_a_job_that_came_out_while_it_was_cancelled_counts_as_printed() -> None:
    session = printing_session(Paper(DeviceError(DeviceFault.PRINTER_SILENT), came_out=1), "skip")
    run(session)
    assert session.record.paper == "out"
    assert not any("Bản giấy chưa in được" in text for text in slip_texts(session))
