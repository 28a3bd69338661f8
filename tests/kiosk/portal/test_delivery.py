"""Results reach citizens through a real SMTP conversation, or a person hears why not."""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kiosk.portal import delivery as module
from kiosk.portal.accounts import Role
from kiosk.portal.channels import channels_of
from kiosk.portal.errors import RefusedError
from kiosk.portal.settings import DeliverySettings
from kiosk.portal.times import now
from kiosk.portal.words import fault
from kiosk.sandbox.mail import MailCatcher
from tests.kiosk.portal.delivering import (
    MAILBOX,
    Partner,
    followed,
    issued,
    line_of,
    link_in,
    text_of,
    wishing,
    worker,
)
from tests.kiosk.portal.line import (
    APPLICANT,
    RunningPortal,
    TestKiosk,
    settings_in,
)
from tests.kiosk.portal.people import logged_in, send


@pytest.fixture(scope="module")
def mail_server() -> Iterator[MailCatcher]:
    with MailCatcher() as catcher:
        yield catcher


@pytest.fixture
def mail(mail_server: MailCatcher) -> MailCatcher:
    """Empty."""
    mail_server.clear()
    return mail_server


@pytest.fixture
def partner() -> Iterator[Partner]:
    with Partner() as partner:
        thread = threading.Thread(target=partner.serve_forever, args=(0.02,))
        thread.start()
        yield partner
        partner.shutdown()
        thread.join()


@pytest.fixture
def portal(
    tmp_path: Path, stopping: list[RunningPortal], mail: MailCatcher, partner: Partner
) -> Iterator[RunningPortal]:
    token = tmp_path / "wallet.token"
    token.write_text("a-token-of-the-wallet")
    url = f"http://127.0.0.1:{partner.server_port}"
    delivery = DeliverySettings(
        mail_host="127.0.0.1",
        mail_port=mail.port,
        mail_security="none",
        mail_from="mot-cua@yenhoa.example",
        wallet_url=f"{url}/documents",
        wallet_token_file=token,
    )
    running = RunningPortal(settings_in(tmp_path, delivery=delivery))
    yield running
    running.tell_to_stop()
    stopping.append(running)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    instants = [now()]
    monkeypatch.setattr(module, "now", lambda: instants[0])
    return instants


def test_a_mail_leads_to_the_result(
    portal: RunningPortal, kiosk: TestKiosk, mail: MailCatcher
) -> None:
    dossier = issued(portal, kiosk, channel="email", address=MAILBOX)
    assert worker(portal).work() == 1
    (message,) = mail.messages
    assert message["To"] == MAILBOX
    assert dossier.manifest.code in message["Subject"]
    assert message["Message-ID"] == f"<{line_of(portal, dossier).id}@yenhoa.example>"
    assert APPLICANT["full_name"] not in message.as_string()
    pdf = followed(portal, link_in(portal, text_of(mail)))
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert pdf.content == kiosk.call("GET", f"{dossier.path}/copy").content
    assert worker(portal).work() == 0


def test_the_database_names_nobody(portal: RunningPortal, kiosk: TestKiosk) -> None:
    wishing(kiosk, channel="email", address=MAILBOX)
    assert MAILBOX not in portal.held()


def test_what_is_done_by_hand_is_sent_again_by_hand(
    portal: RunningPortal, kiosk: TestKiosk
) -> None:
    dossier = issued(portal, kiosk, channel="post", address="Thôn Mẫu")
    deliveries = portal.inside.offices.deliveries
    line = line_of(portal, dossier)
    assert line.state == "by-hand"
    deliveries.sent_by_hand(line.id, "BĐ-1")
    deliveries.resend(line.id)
    assert line_of(portal, dossier).state == "by-hand"


def test_a_link_ends(
    portal: RunningPortal, kiosk: TestKiosk, mail: MailCatcher, clock: list[datetime]
) -> None:
    dossier = issued(portal, kiosk, channel="email", address=MAILBOX)
    worker(portal).work()
    link = link_in(portal, text_of(mail))
    clock[0] += timedelta(days=8)
    assert followed(portal, link).status_code == 404
    clock[0] -= timedelta(days=2)
    portal.inside.offices.deliveries.resend(line_of(portal, dossier).id)
    assert worker(portal).work() == 1
    assert followed(portal, link).status_code == 404  # the new one took its place
    again = link_in(portal, str(mail.messages[1].get_content()))
    assert followed(portal, again).ok
    assert followed(portal, f"{portal.address}/result#secret=guess").status_code == 404


def test_a_busy_server_is_tried_again_later(
    portal: RunningPortal, kiosk: TestKiosk, mail: MailCatcher, clock: list[datetime]
) -> None:
    dossier = issued(portal, kiosk, channel="email", address=MAILBOX)
    mail.answers = ["451 come back", "451 come back"]
    at_once = worker(portal)
    assert at_once.work() == 0
    line = line_of(portal, dossier)
    assert (line.state, line.tries, line.fault) == ("waiting", 1, "mail.451")
    assert at_once.work() == 0  # not yet its turn
    clock[0] += timedelta(minutes=3)
    assert at_once.work() == 0
    assert line_of(portal, dossier).tries == 2
    clock[0] += timedelta(minutes=3)
    assert at_once.work() == 0  # waits twice as long now
    clock[0] += timedelta(minutes=3)
    assert at_once.work() == 1
    assert line_of(portal, dossier).state == "sent"
    assert len(mail.messages) == 1


def test_a_mailbox_that_is_refused_is_for_a_person(
    portal: RunningPortal, kiosk: TestKiosk, mail: MailCatcher
) -> None:
    dossier = issued(portal, kiosk, channel="email", address=MAILBOX)
    mail.answers = ["554 no such person"]
    worker(portal).work()
    assert line_of(portal, dossier).state == "failed"
    portal.inside.offices.deliveries.resend(line_of(portal, dossier).id)
    assert worker(portal).work() == 1


def test_what_never_gets_out_is_given_up(
    portal: RunningPortal, kiosk: TestKiosk, mail: MailCatcher, clock: list[datetime]
) -> None:
    dossier = issued(portal, kiosk, channel="email", address=MAILBOX)
    mail.answers = ["451 come back"] * 50
    for _ in range(50):
        worker(portal).work()
        clock[0] += timedelta(hours=7)
    assert line_of(portal, dossier).state == "expired"
    assert 5 < line_of(portal, dossier).tries < 20


@pytest.mark.parametrize(
    "address", ["a@b.example\nBcc: all@b.example", "a@b.example, c@d.example", "Mẫu", ""]
)
def test_an_address_that_is_none_smuggles_nothing(
    portal: RunningPortal, kiosk: TestKiosk, mail: MailCatcher, address: str
) -> None:
    dossier = issued(portal, kiosk, channel="email", address=address)
    assert worker(portal).work() == 0
    assert mail.messages == []
    assert line_of(portal, dossier).state == "failed"


def test_a_result_that_cannot_be_sent_is_handed_out_at_the_desk(
    portal: RunningPortal, kiosk: TestKiosk
) -> None:
    dossier = issued(portal, kiosk, channel="email", address="Mẫu")
    sending = worker(portal)
    assert (sending.work(), sending.failed) == (0, 1)
    line, url = line_of(portal, dossier), f"{portal.address}/deliveries"
    with logged_in(portal, "lan", Role.OFFICER) as session:
        page = session.get(url, timeout=10).text
        assert "Địa chỉ thư viết sai" in page
        assert "mail.bad-address" not in page
        assert f"{line.id}/resend" not in page  # it would never help
        assert send(session, url, f"{url}/{line.id}/hand-over").ok
        assert f"{line.id}/hand-over" not in session.get(url, timeout=10).text
    assert line_of(portal, dossier).state == "at-desk"
    assert sending.work() == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("mail.451", "Máy chủ thư không nhận, mã 451"),
        ("wallet.ConnectTimeout", "Ví giấy tờ chưa trả lời"),
        ("FileNotFoundError", "Chưa mở được hồ sơ để gửi"),
    ],
)
def test_every_fault_has_words(code: str, words: str) -> None:
    assert fault(code) == words


def test_the_citizen_reads_which_way_the_result_goes(
    portal: RunningPortal, kiosk: TestKiosk, mail: MailCatcher
) -> None:
    dossier = issued(portal, kiosk, channel="email", address=MAILBOX)
    of_citizen = portal.inside.offices.tracking.of_citizen

    def told() -> str:
        (found,) = of_citizen(APPLICANT["citizen_number"])
        return found.words

    assert "đang gửi qua thư điện tử" in told()
    mail.answers = ["554 no such person"]
    worker(portal).work()
    assert "chưa gửi được" in told()
    portal.inside.offices.deliveries.resend(line_of(portal, dossier).id)
    assert worker(portal).work() == 1
    assert "đã gửi qua thư điện tử" in told()
    portal.inside.cases.hand_over(str(dossier.id), "Lê Văn Thí Điểm")
    assert "đã được trao" in told()


def test_two_workers_never_send_the_same(
    portal: RunningPortal, kiosk: TestKiosk, clock: list[datetime]
) -> None:
    dossier = issued(portal, kiosk, channel="email", address=MAILBOX)
    deliveries = portal.inside.offices.deliveries
    first = deliveries.take()
    assert first is not None
    assert first.dossier == str(dossier.id)
    assert deliveries.take() is None
    clock[0] += timedelta(minutes=11)  # the first worker died
    second = deliveries.take()
    assert second is not None
    assert second.id == first.id


def test_one_bad_dossier_does_not_hold_up_the_others(
    portal: RunningPortal, kiosk: TestKiosk, mail: MailCatcher
) -> None:
    bad = wishing(kiosk, channel="email", address=MAILBOX)
    good = wishing(kiosk, channel="email", address=MAILBOX)
    for dossier in (bad, good):
        portal.inside.cases.refuse(str(dossier.id), "Bản chính bị tẩy xóa")
    (portal.settings.state / "dossiers" / str(bad.id) / "answers.json").unlink()
    assert worker(portal).work() == 1
    assert line_of(portal, bad).fault == "FileNotFoundError"
    assert line_of(portal, good).state == "sent"


def test_notices_are_told_by_mail(
    portal: RunningPortal, kiosk: TestKiosk, mail: MailCatcher
) -> None:
    dossier = wishing(kiosk, channel="email", address=MAILBOX)
    portal.inside.cases.ask_for_more(str(dossier.id), "Quét lại trang 2", "Lê Văn Thí Điểm")
    assert worker(portal).work() == 1
    assert "Quét lại trang 2" in text_of(mail)
    assert "/result" not in text_of(mail)


def test_a_wallet_gets_the_copy(portal: RunningPortal, kiosk: TestKiosk, partner: Partner) -> None:
    dossier = issued(portal, kiosk, channel="wallet")
    partner.statuses = [503]
    assert worker(portal).work() == 0
    assert line_of(portal, dossier).state == "waiting"
    partner.statuses = [422]
    with portal.inside.store.transaction() as db:
        db.execute("UPDATE deliveries SET next_at = ''")
    assert worker(portal).work() == 0
    assert line_of(portal, dossier).state == "failed"
    portal.inside.offices.deliveries.resend(line_of(portal, dossier).id)
    assert worker(portal).work() == 1
    (order,) = partner.orders
    copy = kiosk.call("GET", f"{dossier.path}/copy").content
    assert base64.b64decode(order["pdf"]) == copy
    assert order["citizen_number"] == APPLICANT["citizen_number"]
    assert partner.tokens == ["Bearer a-token-of-the-wallet"]
    assert line_of(portal, dossier).reference == "REF-1"


def test_the_post_is_ordered_with_address_and_fee(partner: Partner, portal: RunningPortal) -> None:
    from kiosk.portal.delivery import Parcel

    url = f"http://127.0.0.1:{partner.server_port}/orders"
    post = channels_of(DeliverySettings(post_url=url))["post"]
    parcel = Parcel("p1", "result", "H26", "T", "Trần Thị Mẫu", "", "Số 1", 30000, "", "", None)
    assert post.send(parcel) == "REF-1"
    assert partner.orders == [
        {"id": "p1", "code": "H26", "name": "Trần Thị Mẫu", "address": "Số 1", "fee": 30000}
    ]


def test_without_a_partner_the_post_is_done_by_hand(
    portal: RunningPortal, kiosk: TestKiosk
) -> None:
    dossier = issued(portal, kiosk, channel="post", address="Số 1 phố Thử", fee=30000)
    line = line_of(portal, dossier)
    assert (line.state, line.fee) == ("by-hand", 30000)
    assert worker(portal).work() == 0
    deliveries = portal.inside.offices.deliveries
    with pytest.raises(RefusedError):
        deliveries.resend(line.id)
    deliveries.sent_by_hand(line.id, "EV123456789VN")
    assert line_of(portal, dossier).reference == "EV123456789VN"
    with pytest.raises(RefusedError):
        deliveries.sent_by_hand(line.id, "again")


def test_who_fetches_at_the_desk_gets_nothing_sent(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = issued(portal, kiosk, channel="desk")
    assert portal.inside.offices.deliveries.of_dossier(str(dossier.id)) == []


def test_the_command_sends_what_waits(
    portal: RunningPortal, kiosk: TestKiosk, mail: MailCatcher, tmp_path: Path
) -> None:
    dossier = wishing(kiosk, channel="email", address=MAILBOX)
    portal.inside.cases.refuse(str(dossier.id), "Bản chính bị tẩy xóa")
    file = tmp_path / "portal.toml"
    file.write_text(
        'state = "portal"\nofficer = "Lê Văn Thí Điểm"\n'
        'enrolment_codes_file = "codes"\ntrust_dir = "trust"\n[delivery]\n'
        f'mail_host = "127.0.0.1"\nmail_port = {mail.port}\nmail_security = "none"\n'
    )
    command = [sys.executable, "-m", "kiosk", "portal", "deliver", "--once", "--settings", file]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "1 sent, 0 failed\n"), done.stderr
    assert "Bản chính bị tẩy xóa" in text_of(mail)
