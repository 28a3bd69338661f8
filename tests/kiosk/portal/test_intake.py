"""The intake keeps its contract against a real server: nothing lost, nothing twice, no stranger."""

from __future__ import annotations

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import requests

from kiosk.portal.vault import part_key
from offline_queue import envelope, signatures
from offline_queue.intake import MAX_MANIFEST, MAX_PART
from offline_queue.manifest import Paper, WrappedKey
from tests.kiosk.portal.line import (
    APPLICANT,
    RunningPortal,
    TestDossier,
    TestKiosk,
    part_of,
    problem,
)


def test_health_needs_no_signature(portal: RunningPortal) -> None:
    answer = requests.get(f"{portal.address}/v1/health", timeout=10)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_dossier_goes_in_part_by_part(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    opened = dossier.put().json()
    assert opened["state"] == "receiving"
    assert set(opened["missing"]) == set(dossier.parts)
    dossier.send_part("text.json")
    assert set(dossier.state()["missing"]) == {"answers.json", "page-001.jpg"}
    for name in ("answers.json", "page-001.jpg"):
        assert dossier.send_part(name).status_code == 201
    assert dossier.commit().status_code == 200
    state = dossier.state()
    assert (state["state"], state["missing"], state["processing"]) == ("accepted", [], 1)


def test_the_receipt_is_signed_and_names_the_manifest(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    receipt = dossier.send()
    key = signatures.load_public(kiosk.keys["receipt_key"])
    statement = receipt["statement"].encode()
    assert signatures.verify(
        key, signatures.RECEIPT, statement, base64.b64decode(receipt["signature"])
    )
    assert receipt["key_id"] == kiosk.keys["receipt_key_id"]
    said = json.loads(statement)
    assert said["id"] == str(dossier.id)
    assert said["manifest_sha256"] == hashlib.sha256(dossier.manifest.encode()).hexdigest()


def test_the_same_again_is_no_error(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    receipt = dossier.send()
    assert dossier.put().json()["state"] == "accepted"
    assert dossier.send_part("page-001.jpg").status_code == 201
    assert dossier.commit().json() == receipt


def test_raced_commits_make_one_receipt(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    dossier.upload()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: dossier.commit(), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(portal.desk("GET", "/dossiers").json()) == 1


def test_a_restart_forgets_nothing(portal: RunningPortal, kiosk: TestKiosk) -> None:
    whole, half = kiosk.dossier(), kiosk.dossier(code="H26.15-261124-0002")
    receipt = whole.send()
    half.put()
    half.send_part("page-001.jpg")
    portal.restart()
    assert whole.commit().json() == receipt
    assert set(half.state()["missing"]) == {"answers.json", "text.json"}
    for name in ("answers.json", "text.json"):
        half.send_part(name)
    assert half.commit().status_code == 200


def test_another_manifest_under_the_same_id_is_a_conflict(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    dossier.put()
    dossier.manifest = dossier.manifest.model_copy(update={"copies": 3})
    assert problem(dossier.put()) == (409, "intake.conflict")
    assert dossier.state()["state"] == "receiving"


def test_unknown_fields_of_a_newer_kiosk_are_accepted(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier(colour_of_folder="blue")
    assert dossier.send()["key_id"] == kiosk.keys["receipt_key_id"]


def test_a_commit_without_all_parts_is_incomplete(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    dossier.put()
    dossier.send_part("answers.json")
    answer = dossier.commit()
    assert problem(answer) == (409, "intake.incomplete")
    assert "page-001.jpg" in answer.json()["detail"]
    assert dossier.state()["state"] == "receiving"


def test_a_part_that_the_manifest_does_not_name_is_unknown(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    dossier.put()
    assert problem(dossier.send_part("page-099.jpg", b"x")) == (404, "intake.not-found")


def test_parts_stay_encrypted_on_disk(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    dossier.send()
    objects = kiosk.portal.inside.objects
    kept = [objects.get(key) for key in objects.keys(f"dossiers/{dossier.id}/")]
    assert len(kept) == len(dossier.parts)
    files = [file for file in kiosk.portal.settings.state.rglob("*") if file.is_file()]
    assert files
    for data in (*kept, *(file.read_bytes() for file in files)):
        assert "Trần Thị Mẫu".encode() not in data


def test_a_manifest_signed_for_another_purpose_is_refused(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    body = kiosk.sign(dossier.manifest.encode().decode(), signatures.RECEIPT)
    assert problem(kiosk.call("PUT", dossier.path, body)) == (401, "intake.bad-signature")


@pytest.mark.parametrize("signature", ["?", "ký tên", ""])
def test_a_manifest_whose_signature_is_none_is_refused(kiosk: TestKiosk, signature: str) -> None:
    dossier = kiosk.dossier()
    signed = {"manifest": dossier.manifest.encode().decode(), "signature": signature}
    answer = kiosk.call("PUT", dossier.path, json.dumps(signed).encode())
    assert problem(answer) == (401, "intake.bad-signature")


def test_a_manifest_changed_after_signing_is_refused(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    signed = json.loads(kiosk.sign(dossier.manifest.encode().decode()))
    signed["manifest"] = signed["manifest"].replace('"copies":2', '"copies":9')
    body = json.dumps(signed).encode()
    assert problem(kiosk.call("PUT", dossier.path, body)) == (401, "intake.bad-signature")


def test_a_manifest_may_not_grow_without_end(kiosk: TestKiosk) -> None:
    body = kiosk.sign(" " * (MAX_MANIFEST + 1))
    path = f"/v1/dossiers/{uuid4()}"
    assert problem(kiosk.call("PUT", path, body)) == (413, "intake.too-large")
    assert problem(kiosk.call("PUT", path, b"x" * 5 * MAX_MANIFEST)) == (413, "intake.too-large")


def test_a_part_may_not_be_announced_without_end(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    parts = (*dossier.manifest.parts, part_of("scan.pdf", b"", size=MAX_PART + 1))
    dossier.manifest = dossier.manifest.model_copy(update={"parts": parts})
    assert problem(dossier.put()) == (413, "intake.too-large")


def test_a_manifest_for_a_key_of_nobody_is_refused(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier(key=WrappedKey(key_id="0000", wrapped="AAAA"))
    assert problem(dossier.put()) == (422, "intake.unknown-key")


def test_a_manifest_whose_key_does_not_open_is_refused(kiosk: TestKiosk) -> None:
    other = kiosk.dossier().manifest.key
    assert problem(kiosk.dossier(key=other).put()) == (422, "intake.bad-manifest")


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"kiosk_id": "kiosk-07"}, "kiosk_id"),
        ({"papers": (Paper(paper_class="diploma", pages=("page-002.jpg",)),)}, "papers"),
        ({"papers": ()}, "papers"),
        ({"parts": (part_of("page-001.jpg", b""),)}, "parts"),
        ({"mode": "post-check"}, "parts"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    kiosk: TestKiosk, changes: dict[str, object], place: str
) -> None:
    answer = kiosk.dossier(**changes).put()
    assert problem(answer) == (422, "intake.bad-manifest")
    assert answer.json()["detail"].startswith(place)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ('"code":"H26.15-261124-0001"', '"code":"H26.15\\u0000"'),
        ('"agency":"H26.15"', '"agency":"H26\\u0000"'),
        ('"paper_class":"diploma"', '"paper_class":"\\u0000"'),
        ('"rule":"tt226"', '"rule":"' + "x" * 201 + '"'),
        ('"amount":0', '"amount":' + "1" + "0" * 30),
    ],
)
def test_what_no_database_could_keep_is_refused_at_once(
    kiosk: TestKiosk, field: str, value: str
) -> None:
    dossier = kiosk.dossier()
    text = dossier.manifest.encode().decode()
    assert field in text
    answer = kiosk.call("PUT", dossier.path, kiosk.sign(text.replace(field, value)))
    # No body may hold U+0000, whatever it is for.
    nul = "u0000" in value
    assert problem(answer) == ((400, "intake.bad-request") if nul else (422, "intake.bad-manifest"))


def test_a_dossier_of_another_agency_is_refused(portal: RunningPortal, kiosk: TestKiosk) -> None:
    portal.inside.intake._agency = "H26.15"
    assert kiosk.dossier().put().status_code == 200
    assert problem(kiosk.dossier(agency="H99.99").put()) == (422, "intake.bad-manifest")


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_part_that_the_portal_lost_is_asked_for_again(
    portal: RunningPortal, kiosk: TestKiosk, damage: str
) -> None:
    dossier = kiosk.dossier()
    dossier.upload()
    key = part_key(str(dossier.id), "page-001.jpg")
    portal.inside.objects.delete(key)
    if damage == "changed":
        with portal.inside.vault.receive() as file:
            file.write(b"not what was sent")
            portal.inside.objects.put(key, file)
    assert problem(dossier.commit()) == (409, "intake.incomplete")
    assert dossier.put().json()["missing"] == ["page-001.jpg"]
    assert dossier.send_part("page-001.jpg").status_code == 201
    assert dossier.commit().status_code == 200


def test_a_code_that_is_there_already_is_noted_and_hides_nobody(
    portal: RunningPortal, kiosk: TestKiosk, other_kiosk: TestKiosk
) -> None:
    """As a kiosk does that was restored from an image."""

    def filed(by: TestKiosk, secret: str) -> TestDossier:
        answers = {"applicant": APPLICANT, "slip_secret": secret}
        dossier = by.dossier(contents={"answers.json": json.dumps(answers).encode()})
        dossier.send()
        return dossier

    first = filed(kiosk, "7K3M9QXT2B")
    second = filed(other_kiosk, "0123456789")
    held = [portal.inside.store.dossier(str(each.id)) for each in (first, second)]
    notes = [(each.note or "") if each else "" for each in held]
    assert ["trùng" in note for note in notes] == [False, True]
    look_up = portal.inside.offices.tracking.look_up
    for secret in ("7K3M9QXT2B", "0123456789"):
        assert look_up(first.manifest.code, secret, "line") is not None


def test_a_manifest_with_a_part_named_twice_is_refused(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    parts = (*dossier.manifest.parts, dossier.manifest.parts[0])
    dossier.manifest = dossier.manifest.model_copy(update={"parts": parts})
    assert problem(dossier.put()) == (422, "intake.bad-manifest")


def test_a_manifest_under_another_id_is_refused(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    body = kiosk.sign(dossier.manifest.encode().decode())
    answer = kiosk.call("PUT", f"/v1/dossiers/{uuid4()}", body)
    assert problem(answer) == (422, "intake.bad-manifest")


def test_errors_do_not_repeat_what_was_sent(kiosk: TestKiosk) -> None:
    body = kiosk.sign('{"applicant": "Trần Thị Mẫu"}')
    answer = kiosk.call("PUT", f"/v1/dossiers/{uuid4()}", body)
    assert problem(answer) == (422, "intake.bad-manifest")
    malformed = kiosk.call("PUT", f"/v1/dossiers/{uuid4()}", '"Trần Thị Mẫu"'.encode())
    assert problem(malformed) == (400, "intake.bad-request")
    assert "Mẫu" not in answer.text + malformed.text


@pytest.mark.parametrize(
    "contents",
    [
        {"answers.json": b"{}"},
        {"answers.json": b"not JSON"},
    ],
)
def test_no_receipt_for_answers_that_cannot_be_read(
    kiosk: TestKiosk, contents: dict[str, bytes]
) -> None:
    dossier = kiosk.dossier(contents=contents)
    dossier.upload()
    assert problem(dossier.commit()) == (422, "intake.bad-manifest")
    assert dossier.state()["state"] == "receiving"


def test_no_receipt_for_a_part_that_does_not_open(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    stranger = envelope.new_key()
    data = b"".join(envelope.encrypt_part(b"page", stranger, dossier.id, "page-001.jpg"))
    dossier.parts["page-001.jpg"] = data
    parts = tuple(part_of(name, data) for name, data in dossier.parts.items())
    dossier.manifest = dossier.manifest.model_copy(update={"parts": parts})
    dossier.upload()
    answer = dossier.commit()
    assert problem(answer) == (422, "intake.bad-manifest")
    assert "page-001.jpg" in answer.json()["detail"]


def test_the_dossier_of_another_kiosk_does_not_exist(
    kiosk: TestKiosk, other_kiosk: TestKiosk
) -> None:
    dossier = kiosk.dossier()
    dossier.send()
    part = dossier.parts["text.json"]
    answers = [
        other_kiosk.call("GET", dossier.path),
        other_kiosk.call("POST", f"{dossier.path}/commit"),
        other_kiosk.call("GET", f"{dossier.path}/copy"),
        other_kiosk.tus("POST", dossier.part_path("text.json"), part, Upload_Length=len(part)),
    ]
    assert [problem(answer) for answer in answers] == [(404, "intake.not-found")] * 4


def test_another_kiosk_cannot_take_an_id(kiosk: TestKiosk, other_kiosk: TestKiosk) -> None:
    dossier, thief = kiosk.dossier(), other_kiosk.dossier()
    dossier.put()
    thief.id = dossier.id
    thief.manifest = dossier.manifest.model_copy(update={"kiosk_id": other_kiosk.name})
    assert problem(thief.put()) == (409, "intake.conflict")


def test_there_is_no_copy_before_it_is_issued(kiosk: TestKiosk) -> None:
    dossier = kiosk.dossier()
    dossier.send()
    answer = kiosk.call("GET", f"{dossier.path}/copy")
    assert problem(answer) == (404, "intake.not-found")


def test_an_unknown_dossier_is_not_found(kiosk: TestKiosk) -> None:
    answer = kiosk.call("GET", f"/v1/dossiers/{uuid4()}")
    assert problem(answer) == (404, "intake.not-found")


def test_an_address_that_is_not_served_is_a_problem_too(kiosk: TestKiosk) -> None:
    assert problem(kiosk.call("GET", "/v1/nowhere")) == (404, "intake.not-found")
    assert problem(kiosk.call("GET", "/v1/dossiers/7")) == (400, "intake.bad-request")


def test_a_full_disk_asks_to_come_back(kiosk: TestKiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    dossier = kiosk.dossier()
    dossier.put()
    monkeypatch.setattr(type(kiosk.portal.inside.objects), "append", full)
    answer = dossier.send_part("page-001.jpg")
    assert problem(answer) == (503, "intake.unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    monkeypatch.undo()
    assert dossier.send_part("page-001.jpg").status_code == 201
