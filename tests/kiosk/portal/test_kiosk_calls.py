"""Who may call, enrolment, leases, and what the portal publishes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kiosk.portal import enrolment
from kiosk.portal.keys import load_keys
from kiosk.portal.times import end_of_year, now, this_year
from tests.kiosk.portal.line import RunningPortal, TestKiosk, problem


def lease(kiosk: TestKiosk, kind: str, count: int, year: int | None = None) -> Any:
    request = {"kind": kind, "year": year or this_year(), "count": count}
    return kiosk.call("POST", "/v1/leases", json.dumps(request).encode())


def test_a_code_enrols_one_key_only(portal: RunningPortal) -> None:
    code = enrolment.add_code(portal.settings.enrolment_codes_file, "kiosk-01")
    first = TestKiosk(portal, "kiosk-01")
    assert first.enrol(code).status_code == 200
    thief = TestKiosk(portal, "kiosk-01")
    assert problem(thief.enrol(code)) == (401, "intake.not-enrolled")
    assert problem(thief.call("GET", "/v1/policy")) == (401, "intake.bad-signature")


def test_a_used_code_stays_used_after_a_restart(portal: RunningPortal) -> None:
    code = enrolment.add_code(portal.settings.enrolment_codes_file, "kiosk-01")
    TestKiosk(portal, "kiosk-01").enrol(code)
    portal.restart()
    assert problem(TestKiosk(portal, "kiosk-01").enrol(code)) == (401, "intake.not-enrolled")


def test_a_kiosk_that_lost_the_answer_asks_again(portal: RunningPortal) -> None:
    code = enrolment.add_code(portal.settings.enrolment_codes_file, "kiosk-01")
    kiosk = TestKiosk(portal, "kiosk-01")
    assert kiosk.enrol(code).json() == kiosk.enrol(code).json()


def test_a_code_is_for_one_kiosk(portal: RunningPortal) -> None:
    code = enrolment.add_code(portal.settings.enrolment_codes_file, "kiosk-01")
    assert problem(TestKiosk(portal, "kiosk-02").enrol(code)) == (401, "intake.not-enrolled")


def test_a_code_ends_after_a_week(portal: RunningPortal, monkeypatch: pytest.MonkeyPatch) -> None:
    file = portal.settings.enrolment_codes_file
    code, kiosk = enrolment.add_code(file, "kiosk-01"), TestKiosk(portal, "kiosk-01")
    late = now() + enrolment.LIFE
    monkeypatch.setattr(enrolment, "now", lambda: late)
    assert problem(kiosk.enrol(code)) == (401, "intake.not-enrolled")
    digest = file.read_text().split()[1]
    for until in ("", " soon", " 2999-01-01"):  # as made before codes had an end, or by hand
        file.write_text(f"kiosk-01 {digest}{until}\n")
        assert problem(kiosk.enrol(code)) == (401, "intake.not-enrolled")
    monkeypatch.undo()
    file.write_text(f"# made by hand\nkiosk-01 {digest} {late.isoformat()}\n")
    assert kiosk.enrol(code).ok


def test_a_name_fits_into_a_certificate(tmp_path: Path) -> None:
    assert enrolment.add_code(tmp_path / "codes", "k" * 64)
    for name in ("k" * 65, "ki-ốt" * 10, "kiosk 1", ""):
        with pytest.raises(ValueError, match="name"):
            enrolment.add_code(tmp_path / "codes", name)


def test_codes_are_kept_as_digests(portal: RunningPortal) -> None:
    file = portal.settings.enrolment_codes_file
    code = enrolment.add_code(file, "kiosk-01")
    assert code not in file.read_text()
    assert TestKiosk(portal, "kiosk-01").enrol(f" {code.lower()} ").status_code == 200


def test_only_p256_keys_enrol(portal: RunningPortal) -> None:
    kiosk = TestKiosk(portal, "kiosk-01", key=ec.generate_private_key(ec.SECP384R1()))
    assert problem(kiosk.enrol()) == (400, "intake.bad-request")


def test_the_portal_keeps_its_keys(portal: RunningPortal, kiosk: TestKiosk) -> None:
    before = load_keys(portal.settings.state / "keys").enrol_answer()
    assert before.model_dump() == kiosk.keys
    private = list((portal.settings.state / "keys").iterdir())
    assert {file.stat().st_mode & 0o077 for file in private} == {0}


def test_a_rotated_envelope_key_still_opens(portal: RunningPortal, kiosk: TestKiosk) -> None:
    locked_before = kiosk.dossier()
    keys = portal.settings.state / "keys"
    (keys / "envelope.key").rename(keys / "envelope-1.key")
    portal.restart()
    assert locked_before.send()["key_id"] == kiosk.keys["receipt_key_id"]
    assert load_keys(keys).envelope_key_id != kiosk.keys["envelope_key_id"]


def test_a_kiosk_that_is_not_enrolled_is_told_so(portal: RunningPortal) -> None:
    stranger = TestKiosk(portal, "kiosk-99")
    assert problem(stranger.call("GET", "/v1/policy")) == (401, "intake.not-enrolled")


@pytest.mark.parametrize(
    "changes",
    [
        {"Kiosk-Signature": ""},
        {"Kiosk-Signature": "?"},
        {"Kiosk-Date": ""},
        {"Kiosk-Date": "2026-11-24T08:00:00"},
        {"Kiosk-Date": "2026-11-24T08:00:00+07:00"},
    ],
)
def test_a_request_with_a_wrong_signature_is_refused(
    kiosk: TestKiosk, changes: dict[str, str]
) -> None:
    answer = kiosk.call("GET", "/v1/policy", changes=changes)
    assert problem(answer) == (401, "intake.bad-signature")


def test_the_signature_covers_the_body(kiosk: TestKiosk) -> None:
    body = json.dumps({"reason": "help"}).encode()
    answer = kiosk.call("POST", "/v1/staff-calls", body, signed_body=b"{}")
    assert problem(answer) == (401, "intake.bad-signature")


def test_one_kiosk_cannot_sign_for_another(kiosk: TestKiosk, other_kiosk: TestKiosk) -> None:
    answer = kiosk.call("GET", "/v1/policy", changes={"Kiosk-Id": other_kiosk.name})
    assert problem(answer) == (401, "intake.bad-signature")


def test_a_dead_clock_stops_leases_but_not_dossiers(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    dossier.send()
    factory_date = "2020-01-01T00:00:00+00:00"
    assert kiosk.call("GET", dossier.path, date=factory_date).status_code == 200
    body = json.dumps({"kind": "dossier", "year": this_year(), "count": 1}).encode()
    answer = kiosk.call("POST", "/v1/leases", body, date=factory_date)
    assert problem(answer) == (401, "intake.bad-signature")
    late = (datetime.now(UTC) - timedelta(hours=23)).isoformat()
    assert kiosk.call("POST", "/v1/leases", body, date=late).status_code == 200


def test_leased_blocks_never_overlap(kiosk: TestKiosk, other_kiosk: TestKiosk) -> None:
    kiosks = [kiosk, other_kiosk] * 8
    with ThreadPoolExecutor(8) as pool:
        leases = [answer.json() for answer in pool.map(lambda k: lease(k, "dossier", 7), kiosks)]
    numbers = [n for block in leases for n in range(block["first"], block["last"] + 1)]
    assert sorted(numbers) == list(range(1, 16 * 7 + 1))


def test_leases_survive_a_restart(portal: RunningPortal, kiosk: TestKiosk) -> None:
    assert lease(kiosk, "certificate", 10).json()["last"] == 10
    portal.restart()
    assert lease(kiosk, "certificate", 10).json()["first"] == 11


def test_kinds_and_years_count_apart(kiosk: TestKiosk) -> None:
    year = this_year()
    assert lease(kiosk, "dossier", 5).json()["first"] == 1
    assert lease(kiosk, "certificate", 5).json()["first"] == 1
    following = lease(kiosk, "certificate", 5, year + 1).json()
    assert (following["first"], following["book"]) == (1, f"01/{year + 1}-SCT/BS")


def test_a_lease_ends(kiosk: TestKiosk) -> None:
    block = lease(kiosk, "certificate", 1).json()
    expires = datetime.fromisoformat(block["expires"])
    limit = min(datetime.now(UTC) + timedelta(days=7), end_of_year(this_year()))
    assert abs(expires - limit) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "request_",
    [
        {"kind": "dossier", "year": 1999, "count": 1},
        {"kind": "dossier", "year": this_year(), "count": 0},
        {"kind": "dossier", "year": this_year(), "count": 501},
        {"kind": "money", "year": this_year(), "count": 1},
    ],
)
def test_a_lease_that_makes_no_sense_is_refused(kiosk: TestKiosk, request_: dict[str, Any]) -> None:
    answer = kiosk.call("POST", "/v1/leases", json.dumps(request_).encode())
    assert problem(answer) == (400, "intake.bad-request")


def test_a_call_for_staff_is_shown(portal: RunningPortal, kiosk: TestKiosk) -> None:
    body = json.dumps({"reason": "device.scanner.jam"}).encode()
    assert kiosk.call("POST", "/v1/staff-calls", body).status_code == 204
    words = json.dumps({"reason": "Bà Mẫu cần giúp"}).encode()
    answer = kiosk.call("POST", "/v1/staff-calls", words)
    assert problem(answer) == (400, "intake.bad-request")


def test_bundle_and_policy_are_passed_on(portal: RunningPortal, kiosk: TestKiosk) -> None:
    assert problem(kiosk.call("GET", "/v1/trust-bundle")) == (404, "intake.not-found")
    (portal.settings.trust_dir / "bundle.cose").write_bytes(b"\xd2bundle")
    (portal.settings.trust_dir / "policy.cose").write_bytes(b"\xd2policy")
    bundle = kiosk.call("GET", "/v1/trust-bundle")
    assert bundle.headers["Content-Type"].startswith("application/cose")
    assert bundle.content == b"\xd2bundle"
    assert kiosk.call("GET", "/v1/policy").content == b"\xd2policy"
