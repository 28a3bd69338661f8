"""Every verb against the real portal and the sandbox's gateway, and what is left of it when the
network is gone, silent, or talks nonsense."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from certify.packs import file_name
from kiosk.clock import local_now
from kiosk.failures import Fault, KioskError
from kiosk.link import messages, payments, process, provider, verbs
from kiosk.link.client import LinkClient
from kiosk.link.ratings import Ratings
from tests.kiosk.link.office import (
    NUMBER,
    SECRET,
    Office,
    back,
    delivered,
    gone,
    nothing_waits,
    run,
)
from tests.kiosk.link.place import until, until_answered
from tests.kiosk.link.small_vneid import CODE as PHONE_CODE
from tests.kiosk.packed import pack, procedure
from tests.kiosk.portal.line import JPEG


async def code_of(call: Awaitable[object]) -> str:
    with pytest.raises(KioskError) as caught:
        await call
    return caught.value.code


def test_a_dossier_is_tracked_waited_for_and_its_paper_kept(office: Office) -> None:
    async def story(link: LinkClient) -> None:
        dossier = office.lock()
        waiting = messages.WaitRequest(dossier_id=str(dossier), seconds=0)
        submitted = await link.call(verbs.SUBMIT, messages.SubmitRequest(dossier_id=str(dossier)))
        assert submitted.state == "accepted"
        by_slip = messages.TrackRequest(code="H26.15-261124-0001", secret=SECRET)
        by_person = messages.TrackRequest(citizen_number=NUMBER)
        for request in (by_slip, by_person):
            (found,) = (await link.call(verbs.TRACK, request)).found
            assert (found.code, found.processing) == ("H26.15-261124-0001", 1)
        wrong = by_slip.model_copy(update={"secret": "0000000000"})
        assert await code_of(link.call(verbs.TRACK, wrong)) == Fault.LINK_NOT_FOUND

        collect = messages.CollectRequest(
            code="H26.15-261124-0001", secret=SECRET, citizen_number=NUMBER
        )
        fetched = await link.call(verbs.COLLECT, collect)
        assert (fetched.state, fetched.dossier_id, fetched.pdf) == ("waiting", str(dossier), None)
        for other in ("001192000001", "not a number"):
            request = collect.model_copy(update={"citizen_number": other})
            assert await code_of(link.call(verbs.COLLECT, request)) == Fault.LINK_NOT_FOUND
        done = messages.PrintedRequest(print_id=str(uuid4()), dossier_id=str(dossier), copies=1)
        await link.call(verbs.PRINTED, done)
        assert office.inside.offices.collecting.printed(str(dossier)) == 1

        answer = await link.call(verbs.WAIT_COPY, waiting)
        assert (answer.state, answer.processing) == ("waiting", 1)
        news = asyncio.create_task(
            link.call(verbs.WAIT_COPY, waiting.model_copy(update={"processing": 1, "seconds": 20}))
        )
        await asyncio.to_thread(office.inside.cases.refuse, str(dossier), "mờ")
        answer = await news
        assert (answer.state, answer.processing, answer.note) == ("refused", 3, "mờ")

        keep = messages.KeepPaperRequest(citizen_number=NUMBER, dossier_id=str(dossier), paper=0)
        kept = await link.call(verbs.KEEP_PAPER, keep)
        person = messages.PapersRequest(citizen_number=NUMBER)
        assert (await link.call(verbs.PAPERS, person)).papers == (kept,)
        page = messages.PaperRequest(citizen_number=NUMBER, id=kept.id, page=1)
        assert (await link.call(verbs.PAPER, page)).jpeg == JPEG

    run(office, story)


def test_what_the_portal_has_not_seen_is_waited_for(office: Office) -> None:
    async def story(link: LinkClient) -> None:
        request = messages.WaitRequest(dossier_id=str(uuid4()), seconds=0.01)
        answer = await link.call(verbs.WAIT_COPY, request)
        assert (answer.state, answer.processing) == ("waiting", None)

    run(office, story)


def test_a_payment_counts_by_its_signed_notice(office: Office) -> None:
    async def story(link: LinkClient) -> None:
        ask = messages.PayRequest(reference="H26.15-261124-0001", amount=6000)
        payment = await link.call(verbs.PAY, ask)
        assert await link.call(verbs.PAY, ask) == payment  # the answer may have been lost
        watch = messages.PaymentRequest(
            payment_id=payment.payment_id, seconds=0, **ask.model_dump()
        )
        assert (await link.call(verbs.PAYMENT, watch)).state == "waiting"
        news = asyncio.create_task(
            link.call(verbs.PAYMENT, watch.model_copy(update={"seconds": 20}))
        )
        await asyncio.to_thread(office.gateway.pay, payment.qr)
        paid = await news
        assert paid.state == "paid"
        assert json.loads(paid.notice)["amount"] == 6000
        cheaper = watch.model_copy(update={"amount": 5000})
        assert await code_of(link.call(verbs.PAYMENT, cheaper)) == Fault.PAYMENT_FORGED
        office.gateway.set(forged=True)
        assert await code_of(link.call(verbs.PAYMENT, watch)) == Fault.PAYMENT_FORGED

    run(office, story)


def test_a_telephone_number_is_confirmed(office: Office) -> None:
    async def story(link: LinkClient) -> None:
        request = messages.SendCodeRequest(channel="sms", to="0900000000")
        sent = await link.call(verbs.SEND_CODE, request)
        code = office.gateway.messages[0]["text"].split("là ")[1][:6]
        check = messages.ConfirmCodeRequest(confirmation_id=sent.confirmation_id, code=code)
        assert (await link.call(verbs.CONFIRM_CODE, check)).confirmed
        assert await code_of(link.call(verbs.SEND_CODE, request)) == Fault.LINK_BUSY

    run(office, story)


@pytest.mark.parametrize(
    ("kind", "value", "answer"),
    [
        ("tax-code", "0300588569", "valid"),
        ("tax-code", "0300588569-001", "valid"),
        ("tax-code", "0300588568", "invalid"),
        ("tax-code", "001192000000", "valid"),
        ("citizen-number", "001192000000", "valid"),
        ("citizen-number", "00119200000", "invalid"),
        ("business-name", "Hộ Mẫu", "taken"),
        ("business-name", "Hộ Khác", "free"),
    ],
)
def test_names_and_numbers_are_checked(
    checked: Callable[[str, str], str], kind: str, value: str, answer: str
) -> None:
    assert checked(kind, value) == answer


@pytest.fixture
def checked(office: Office) -> Callable[[str, str], str]:
    office.inside.services.add_business_names("Xã Yên Hòa", ["Hộ Mẫu"])

    def check(kind: str, value: str) -> str:
        answers: list[str] = []

        async def story(link: LinkClient) -> None:
            request = messages.CheckRequest.model_validate(
                {"kind": kind, "value": value, "commune": "Xã Yên Hòa"}
            )
            answers.append((await link.call(verbs.CHECK, request)).answer)

        run(office, story)
        return answers[0]

    return check


def test_ratings_outlive_an_outage(office: Office) -> None:
    async def offline(link: LinkClient) -> None:
        office.line.set("cut")
        for stars in (4, 5):
            request = messages.RateRequest(procedure="2.000815", stars=stars)
            assert (await link.call(verbs.RATE, request)).kept
        office.line.set("good")

    async def online(link: LinkClient) -> None:
        await until(lambda: [count for *_, count in office.inside.services.ratings()] == [2])

    run(office, offline)
    run(office, online)
    assert office.inside.services.ratings() == [("2.000815", 4.5, 2)]
    assert list((office.settings.site.state / "link" / "ratings").iterdir()) == []


def test_too_many_ratings_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.link.ratings.MOST", 2)
    ratings = Ratings(tmp_path)
    request = messages.RateRequest(procedure="2.000815", stars=1)
    assert [ratings.keep(request, local_now()) for _ in range(3)] == [True, True, False]


def test_trust_is_refreshed_on_demand(office: Office) -> None:
    async def story(link: LinkClient) -> None:
        answer = await link.call(verbs.REFRESH, messages.Empty())
        assert (answer.bundle, answer.policy, answer.fresh) == (3, 3, True)

    run(office, story)


# Without network


def every_call(link: LinkClient, dossier: UUID) -> dict[str, Awaitable[Any]]:
    """One call of each verb."""
    named = str(dossier)
    requests: dict[str, messages.Message] = {
        "identify": messages.IdentifyRequest(payload=PHONE_CODE),
        "wait-code": messages.ScreenCodeRequest(handle="never-shown", seconds=0),
        "submit": messages.SubmitRequest(dossier_id=named),
        "copy": messages.CopyRequest(dossier_id=named),
        "wait-copy": messages.WaitRequest(dossier_id=named, seconds=0),
        "track": messages.TrackRequest(code="c", secret="s"),
        "collect": messages.CollectRequest(code="c", secret="s", citizen_number=NUMBER),
        "printed": messages.PrintedRequest(print_id=named, dossier_id=named, copies=1),
        "pay": messages.PayRequest(reference="r", amount=1),
        "payment": messages.PaymentRequest(payment_id="p", reference="r", amount=1, seconds=0),
        "send-code": messages.SendCodeRequest(channel="sms", to="0900000000"),
        "confirm-code": messages.ConfirmCodeRequest(confirmation_id=named, code="000000"),
        "pack": messages.PackRequest(sha256=PACK_NAMED.sha256),
        "check": messages.CheckRequest(kind="business-name", value="Hộ Mẫu"),
        "issued-page": messages.IssuedPageRequest(seal="HTTPS://HOST/V/A", page=1),
        "papers": messages.PapersRequest(citizen_number=NUMBER),
        "paper": messages.PaperRequest(citizen_number=NUMBER, id=named, page=1),
        "keep-paper": messages.KeepPaperRequest(citizen_number=NUMBER, dossier_id=named, paper=0),
        "lease": messages.LeaseRequest(kind="dossier", count=500),
        "rate": messages.RateRequest(procedure="p", stars=5),
        "call-staff": messages.StaffRequest(reason="help"),
        "report": messages.ReportRequest(devices={"scanner": "ok"}),
    }
    calls = {name: requests.get(name, messages.Empty()) for name in verbs.VERBS}
    return {name: link.call(verbs.VERBS[name], request) for name, request in calls.items()}


PACK, PACK_NAMED = pack({"marriage": procedure("marriage")})
OFFLINE_ANSWERS: dict[str, Callable[[Any], bool]] = {
    "submit": lambda answer: answer.state in ("locked", "sending", "unknown"),
    "status": lambda answer: not answer.online and answer.outbox_waiting == 1,
    "trust": lambda answer: len(answer.bundle) > 0,
    "refresh": lambda answer: (answer.bundle, answer.fresh) == (3, False),
    "packs": lambda answer: len(answer.policy) > 0,
    "pack": lambda answer: answer.pack == PACK,
    "lease": lambda answer: answer.left == 100,
    "check": lambda answer: answer.answer == "unknown",
    "rate": lambda answer: answer.kept,
    "report": lambda answer: not answer.pushed,
}
KNOWN_HERE = {"wait-code": Fault.IDENTITY_EXPIRED}
"""A code that this link never showed: there is nothing to ask anybody."""


@pytest.mark.parametrize("mode", ["cut", "silent", "garbage", "captive"])
def test_every_verb_answers_in_time_without_network(
    office: Office, monkeypatch: pytest.MonkeyPatch, mode: Any
) -> None:
    monkeypatch.setattr(process, "ASK_SECONDS", 0.3)
    monkeypatch.setattr(process, "PATIENT_SECONDS", 0.4)
    monkeypatch.setattr(process, "UPLOAD_SECONDS", 0.5)
    monkeypatch.setattr(payments, "_ASK_SECONDS", 0.3)
    monkeypatch.setattr(provider, "TIMEOUTS", (0.3, 0.3))
    assert {verb.name for verb in verbs.VERBS.values() if verb.offline != "link.offline"} == set(
        OFFLINE_ANSWERS
    )

    (office.portal.settings.trust_dir / file_name(PACK_NAMED.sha256)).write_bytes(PACK)
    office.publish(3, packs=(PACK_NAMED,))

    async def story(link: LinkClient) -> None:
        await until_answered(lambda: has_packs(link))
        for line in (office.line, office.pay_line):
            line.set(mode)
        office.provider.close()
        dossier = office.lock()
        await until_answered(lambda: gone(link))
        for name, call in every_call(link, dossier).items():
            began = time.monotonic()
            answer: object = (await asyncio.gather(call, return_exceptions=True))[0]
            assert time.monotonic() - began < 2.5, name
            if name in OFFLINE_ANSWERS:
                assert OFFLINE_ANSWERS[name](answer), (name, answer)
            else:
                assert isinstance(answer, KioskError), (name, answer)
                assert answer.code == KNOWN_HERE.get(name, Fault.LINK_OFFLINE), name
                assert answer.retryable == (answer.code == Fault.LINK_OFFLINE), name
        for line in (office.line, office.pay_line):
            line.set("good")
        await until_answered(lambda: back(link))
        await until_answered(lambda: delivered(office))
        await until_answered(lambda: nothing_waits(link))

    run(office, story)


async def has_packs(link: LinkClient) -> bool:
    return bool((await link.call(verbs.PACKS, messages.Empty())).policy)


def test_a_portal_that_says_wait_is_not_asked_before(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def busy(*_: object) -> None:
        asked.append("tracking")
        raise OSError("the disk is full")  # 503 with Retry-After: 30

    monkeypatch.setattr(office.inside.offices.tracking.__class__, "answer", busy)

    async def story(link: LinkClient) -> None:
        request = messages.TrackRequest(code="c", secret="s")
        codes = [await code_of(link.call(verbs.TRACK, request)) for _ in range(3)]
        assert codes == [Fault.LINK_BUSY] * 3
        assert len(asked) == 1
        person = messages.PapersRequest(citizen_number=NUMBER)
        assert await code_of(link.call(verbs.PAPERS, person)) == Fault.LINK_BUSY

    run(office, story)
