"""The portal beside the intake: tracking, one-time codes, names, kept papers, ratings, devices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from click.testing import CliRunner
from cryptography import x509

from kiosk.__main__ import cli
from kiosk.link.certificate import Request
from kiosk.portal import confirmations, device_ca, enrolment, kiosk_services, tracking
from kiosk.portal.composition import Portal
from kiosk.portal.limits import Limit
from kiosk.portal.times import now
from kiosk.sandbox.payments import PaymentSandbox
from offline_queue import signatures
from tests.kiosk.portal.line import (
    APPLICANT,
    JPEG,
    RunningPortal,
    TestKiosk,
    problem,
    settings_in,
)

SECRET = "7K3M9QXT2B"
SEALED = {"applicant": APPLICANT, "answers": {"copies": 1}, "slip_secret": SECRET}
NUMBER = APPLICANT["citizen_number"]


@pytest.fixture
def gateway() -> Iterator[PaymentSandbox]:
    with PaymentSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def portal(
    tmp_path: Path, stopping: list[RunningPortal], gateway: PaymentSandbox
) -> Iterator[RunningPortal]:
    running = RunningPortal(settings_in(tmp_path, message_gateway=f"{gateway.address}/messages"))
    yield running
    running.tell_to_stop()
    stopping.append(running)


def inside(portal: RunningPortal) -> Portal:
    found = portal._server._app.state.portal
    assert isinstance(found, Portal)
    return found


def ask(kiosk: TestKiosk, path: str, method: str = "POST", **values: Any) -> requests.Response:
    return kiosk.call(method, f"/v1{path}", json.dumps(values).encode())


def filed(kiosk: TestKiosk, code: str = "H26.15-261124-0001") -> Any:
    dossier = kiosk.dossier(contents={"answers.json": json.dumps(SEALED).encode()}, code=code)
    dossier.send()
    return dossier


# Tracking


@pytest.mark.parametrize("typed", [SECRET, "7k3m9-qxt2b", " 7K3M9 QXT2B "])
def test_a_dossier_is_found_by_code_and_secret(kiosk: TestKiosk, typed: str) -> None:
    dossier = filed(kiosk)
    (found,) = ask(kiosk, "/tracking", code=dossier.manifest.code, secret=typed).json()["found"]
    assert (found["code"], found["processing"]) == (dossier.manifest.code, 1)
    assert set(found) == {"code", "procedure", "processing", "accepted_at", "number", "note"}


def test_wrong_secrets_are_counted_for_each_kiosk(kiosk: TestKiosk, other_kiosk: TestKiosk) -> None:
    code = filed(kiosk).manifest.code
    for _ in range(tracking.PER_CODE_ON_LINE.most):
        answer = ask(kiosk, "/tracking", code=code, secret="0000000000")
        assert problem(answer) == (404, "intake.not-found")
    answer = ask(kiosk, "/tracking", code=code, secret=SECRET)
    assert problem(answer) == (429, "intake.too-many")
    assert int(answer.headers["Retry-After"]) > 0
    assert ask(other_kiosk, "/tracking", code=code, secret=SECRET).json()["found"]


def test_a_dossier_without_a_secret_is_found_by_nobody(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    dossier.send()
    for secret in ("", "0"):
        answer = ask(kiosk, "/tracking", code=dossier.manifest.code, secret=secret)
        assert answer.status_code in (400, 404)


def test_a_proven_person_sees_the_dossiers_of_that_person(kiosk: TestKiosk) -> None:
    codes = [filed(kiosk, f"H26.15-261124-000{n}").manifest.code for n in (1, 2)]
    found = ask(kiosk, "/tracking", citizen_number=NUMBER).json()["found"]
    assert sorted(each["code"] for each in found) == codes
    filed(kiosk, "H26.15-261124-0003")  # after the first look
    assert len(ask(kiosk, "/tracking", citizen_number=NUMBER).json()["found"]) == 3
    assert ask(kiosk, "/tracking", citizen_number="001192000001").json()["found"] == []


def test_no_table_names_the_person_or_the_secret(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = filed(kiosk)
    ask(kiosk, "/tracking", citizen_number=NUMBER)
    keep(kiosk, dossier)
    held = portal.held()
    assert dossier.manifest.code in held
    assert NUMBER not in held
    assert SECRET not in held


# Waiting for a copy


def test_waiting_ends_when_an_officer_decides(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = filed(kiosk)
    path = f"/dossiers/{dossier.id}/wait"
    assert ask(kiosk, path, processing=None, seconds=20).json()["processing"] == 1
    with ThreadPoolExecutor(1) as waiting:
        answered = waiting.submit(ask, kiosk, path, processing=1, seconds=20)
        inside(portal).cases.refuse(str(dossier.id), "mờ")
        answer = answered.result(10).json()
    assert (answer["processing"], answer["note"]) == (3, "mờ")


def test_waiting_ends_by_itself(kiosk: TestKiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kiosk_services, "LOOK_SECONDS", 0.01)
    dossier = filed(kiosk)
    answer = ask(kiosk, f"/dossiers/{dossier.id}/wait", processing=1, seconds=0.05)
    assert answer.json()["processing"] == 1
    assert ask(kiosk, f"/dossiers/{uuid4()}/wait", seconds=1).status_code == 404
    assert ask(kiosk, f"/dossiers/{dossier.id}/wait", seconds=900).status_code == 400


# One-time codes


def send(kiosk: TestKiosk, to: str = "0900000000") -> requests.Response:
    return ask(kiosk, "/confirmations", channel="sms", to=to)


def test_a_code_that_arrived_confirms_once(kiosk: TestKiosk, gateway: PaymentSandbox) -> None:
    sent = send(kiosk).json()
    (message,) = gateway.messages
    assert (message["channel"], message["to"]) == ("sms", "0900000000")
    code = next(word.strip(",.") for word in message["text"].split() if word[0].isdigit())
    path = f"/confirmations/{sent['id']}"
    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert ask(kiosk, path, code=wrong).json() == {"confirmed": False, "tries_left": 4}
    assert ask(kiosk, path, code=code).json() == {"confirmed": True, "tries_left": 0}
    assert ask(kiosk, path, code=code).json() == {"confirmed": False, "tries_left": 0}


def test_guessing_ends(kiosk: TestKiosk, gateway: PaymentSandbox) -> None:
    path = f"/confirmations/{send(kiosk).json()['id']}"
    code = gateway.messages[0]["text"].split("là ")[1][:6]
    wrong = f"{(int(code) + 1) % 10**6:06}"
    left = [ask(kiosk, path, code=wrong).json()["tries_left"] for _ in range(6)]
    assert left == [4, 3, 2, 1, 0, 0]
    assert not ask(kiosk, path, code=code).json()["confirmed"]


def test_a_late_code_does_not_count(
    kiosk: TestKiosk, gateway: PaymentSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirmations, "LIFE", timedelta(seconds=-1))
    sent = send(kiosk).json()
    code = gateway.messages[0]["text"].split("là ")[1][:6]
    answer = ask(kiosk, f"/confirmations/{sent['id']}", code=code)
    assert answer.json() == {"confirmed": False, "tries_left": 0}


def test_one_recipient_is_not_flooded(
    kiosk: TestKiosk, other_kiosk: TestKiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert send(kiosk, "A@example.vn").status_code == 200
    assert problem(send(other_kiosk, " a@example.vn")) == (429, "intake.too-many")
    monkeypatch.setattr(confirmations, "BETWEEN", timedelta(0))
    for _ in range(confirmations.AN_HOUR - 1):
        assert send(kiosk, "a@example.vn").status_code == 200
    assert problem(send(kiosk, "a@example.vn")) == (429, "intake.too-many")


def test_another_kiosks_confirmation_is_unknown(kiosk: TestKiosk, other_kiosk: TestKiosk) -> None:
    path = f"/confirmations/{send(kiosk).json()['id']}"
    assert problem(ask(other_kiosk, path, code="000000")) == (404, "intake.not-found")


def test_a_silent_gateway_is_told(kiosk: TestKiosk, gateway: PaymentSandbox) -> None:
    gateway.down = True
    assert problem(send(kiosk)) == (503, "intake.unavailable")


# Names, papers, ratings


def test_a_business_name_is_compared_as_people_read_it(
    portal: RunningPortal, kiosk: TestKiosk
) -> None:
    inside(portal).services.add_business_names("Xã Yên Hòa", ["Hộ kinh doanh Bà Mẫu"])

    def answer(name: str, commune: str = "xã yên hòa") -> str:
        reply = ask(kiosk, "/checks", business_name=name, commune=commune)
        return str(reply.json()["answer"])

    assert answer("HỘ  KINH DOANH BÀ MẪU") == "taken"
    assert answer("Ho\u0323\u0302 kinh doanh Ba\u0300 Ma\u0302\u0303u") == "taken"  # decomposed
    assert answer("Hộ kinh doanh Bà Mẫu 2") == "free"
    assert answer("Hộ kinh doanh Bà Mẫu", "Xã Khác") == "unknown"  # nobody brought its names


def keep(kiosk: TestKiosk, dossier: Any, **changes: Any) -> requests.Response:
    values = {"citizen_number": NUMBER, "dossier_id": str(dossier.id), "paper": 0, **changes}
    return ask(kiosk, "/papers", **values)


def test_a_kept_paper_comes_back_to_its_person_alone(
    kiosk: TestKiosk, other_kiosk: TestKiosk
) -> None:
    dossier = filed(kiosk)
    kept = keep(kiosk, dossier).json()
    assert (kept["paper_class"], kept["pages"]) == ("diploma", 1)
    assert keep(kiosk, dossier).json() == kept  # the same entry
    page = f"/papers/{kept['id']}/pages/1"
    # At whatever kiosk the person comes next.
    assert ask(other_kiosk, "/papers/list", citizen_number=NUMBER).json()["papers"] == [kept]
    answer = ask(other_kiosk, page, citizen_number=NUMBER)
    assert (answer.headers["Content-Type"], answer.content) == ("image/jpeg", JPEG)
    stranger = "001192000001"
    assert ask(kiosk, "/papers/list", citizen_number=stranger).json()["papers"] == []
    assert problem(ask(kiosk, page, citizen_number=stranger)) == (404, "intake.not-found")
    assert ask(kiosk, page.replace("pages/1", "pages/2"), citizen_number=NUMBER).status_code == 404


def test_a_kiosk_asks_about_so_many_people_in_an_hour(
    kiosk: TestKiosk, other_kiosk: TestKiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kiosk_services, "PERSONS", Limit("kiosk.persons", 2, 3600))
    people = [f"00119200000{number}" for number in range(3)]
    for path in ("/papers/list", "/tracking"):
        codes = [ask(kiosk, path, citizen_number=person).status_code for person in people * 2]
        assert codes == [200, 200, 429, 200, 200, 429]
    assert ask(other_kiosk, "/papers/list", citizen_number=people[2]).status_code == 200


@pytest.mark.parametrize("changes", [{"citizen_number": "001192000001"}, {"paper": 1}])
def test_what_is_not_the_persons_paper_is_not_kept(
    kiosk: TestKiosk, changes: dict[str, Any]
) -> None:
    assert problem(keep(kiosk, filed(kiosk), **changes)) == (404, "intake.not-found")


def test_papers_of_a_dossier_that_was_not_accepted_are_not_kept(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    dossier.upload()
    assert keep(kiosk, dossier).status_code == 404


def test_a_rating_counts_once(portal: RunningPortal, kiosk: TestKiosk) -> None:
    rating = {"procedure": "2.000815", "stars": 4, "at": now().isoformat()}
    path = f"/ratings/{uuid4()}"
    for _ in range(2):
        assert ask(kiosk, path, "PUT", **rating).status_code == 204
    assert inside(portal).services.ratings() == [("2.000815", 4.0, 1)]
    assert ask(kiosk, path, "PUT", **{**rating, "stars": 6}).status_code == 400


# Devices


def enrol(portal: RunningPortal, kiosk: TestKiosk, code: str, csr: str) -> requests.Response:
    request = {
        "kiosk_id": kiosk.name,
        "one_time_code": code,
        "public_key": signatures.public_pem(kiosk.key.public_key()),
        "csr": csr,
    }
    return requests.post(f"{portal.address}/v1/devices", json=request, timeout=10)


def fresh_code(portal: RunningPortal, name: str = "kiosk-01") -> str:
    return enrolment.add_code(portal.settings.enrolment_codes_file, name)


def test_enrolment_gives_a_short_lived_certificate(portal: RunningPortal) -> None:
    kiosk = TestKiosk(portal, "kiosk-01")
    request = Request("somebody else")
    answer = enrol(portal, kiosk, fresh_code(portal), request.pem).json()
    certificate = x509.load_pem_x509_certificate(answer["certificate"].encode())
    authority = x509.load_pem_x509_certificate(inside(portal).devices.file.read_bytes())
    certificate.verify_directly_issued_by(authority)
    assert certificate.subject.rfc4514_string() == "CN=kiosk-01"
    left = certificate.not_valid_after_utc - now()
    assert timedelta(0) < left <= device_ca.LIFE
    renewed = ask(kiosk, "/devices/certificate", csr=Request("x").pem).json()["certificate"]
    assert x509.load_pem_x509_certificate(renewed.encode()).subject == certificate.subject


@pytest.mark.parametrize("csr", ["nonsense", "-----BEGIN CERTIFICATE REQUEST-----\nAA\n"])
def test_a_malformed_request_does_not_burn_the_code(portal: RunningPortal, csr: str) -> None:
    kiosk, code = TestKiosk(portal, "kiosk-01"), fresh_code(portal)
    assert problem(enrol(portal, kiosk, code, csr)) == (400, "intake.bad-request")
    assert enrol(portal, kiosk, code, Request("x").pem).status_code == 200


def test_a_revoked_kiosk_is_refused_until_a_fresh_code(portal: RunningPortal) -> None:
    kiosk, code = TestKiosk(portal, "kiosk-01"), fresh_code(portal)
    answer = enrol(portal, kiosk, code, Request("x").pem).json()
    serial = x509.load_pem_x509_certificate(answer["certificate"].encode()).serial_number
    inside(portal).devices.revoke("kiosk-01")
    assert problem(kiosk.call("GET", "/v1/policy")) == (401, "intake.revoked")
    assert kiosk.call("GET", "/v1/devices/self").json()["state"] == "revoked"
    assert problem(enrol(portal, kiosk, code, Request("x").pem)) == (401, "intake.revoked")
    crl = requests.get(f"{portal.address}/v1/devices/revoked", timeout=10)
    listed = x509.load_der_x509_crl(crl.content)
    assert listed.get_revoked_certificate_by_serial_number(serial) is not None
    kiosk.key = TestKiosk(portal, "kiosk-01").key  # the old one may be in other hands
    assert enrol(portal, kiosk, fresh_code(portal), Request("x").pem).status_code == 200
    assert kiosk.call("GET", "/v1/devices/self").json()["state"] == "active"


def test_a_used_code_is_answered_again_for_a_while_only(
    portal: RunningPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer may have been lost; a code found in a drawer a week later opens nothing."""
    kiosk, code = TestKiosk(portal, "kiosk-01"), fresh_code(portal)
    for _ in range(2):
        assert enrol(portal, kiosk, code, Request("x").pem).status_code == 200
    monkeypatch.setattr(device_ca, "ANSWER_LOST", timedelta(0))
    assert enrol(portal, kiosk, code, Request("x").pem).status_code == 401


def test_a_spent_code_gets_no_certificate(portal: RunningPortal) -> None:
    kiosk, code = TestKiosk(portal, "kiosk-01"), fresh_code(portal)
    assert enrol(portal, kiosk, code, Request("x").pem).ok
    thief = TestKiosk(portal, "kiosk-01")
    assert problem(enrol(portal, thief, code, Request("x").pem)) == (401, "intake.not-enrolled")
    inside(portal).devices.revoke("kiosk-01")
    assert problem(enrol(portal, kiosk, code, Request("x").pem)) == (401, "intake.revoked")
    issued = "SELECT COUNT(*) FROM device_certificates"
    assert inside(portal).store.rows(issued) == [(1,)]


def test_a_revoked_kiosk_sends_no_part_of_what_it_had_opened(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    assert dossier.put().status_code < 300
    inside(kiosk.portal).devices.revoke("kiosk-01")
    name = next(iter(dossier.parts))
    path = dossier.part_path(name)
    assert problem(dossier.send_part(name)) == (401, "intake.revoked")
    assert problem(kiosk.tus("PATCH", path, b"x", Upload_Offset=0)) == (401, "intake.revoked")
    assert kiosk.tus("HEAD", path).status_code == 401


def test_staff_admits_and_revokes_on_the_command_line(
    portal: RunningPortal, tmp_path: Path
) -> None:
    file = tmp_path / "portal.toml"
    values = portal.settings.model_dump(mode="json", exclude_none=True)
    file.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items()))

    def command(*arguments: str) -> str:
        done = CliRunner().invoke(
            cli, ["portal", arguments[0], "--settings", str(file), *arguments[1:]]
        )
        assert done.exit_code == 0, done.output
        return done.output.strip()

    kiosk = TestKiosk(portal, "kiosk-01")
    assert enrol(portal, kiosk, command("new-code", "kiosk-01"), Request("x").pem).ok
    command("revoke", "kiosk-01")
    assert problem(kiosk.call("GET", "/v1/policy")) == (401, "intake.revoked")
