"""People whom an officer vouched for: the desk sees by whom, some are drawn, all hear of it."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from kiosk.portal import vouched
from kiosk.portal.accounts import Role
from kiosk.portal.answers import Answers
from kiosk.portal.vouched import VouchedReview
from kiosk.sandbox.staff_card import StaffAuthority
from offline_queue.manifest import Applicant
from offline_queue.vouching import Vouch
from tests.kiosk.portal.line import APPLICANT, RunningPortal, TestKiosk
from tests.kiosk.portal.people import logged_in

AUTHORITY = StaffAuthority()
KEY = ec.generate_private_key(ec.SECP256R1())
OFFICER = "Lê Văn Cán Bộ"


def word_for(dossier: UUID, kiosk_id: str, /, **changes: Any) -> dict[str, Any]:
    certificate = AUTHORITY.card(OFFICER, key=KEY)._certificate
    word = Vouch(
        dossier=dossier,
        kiosk_id=kiosk_id,
        citizen_number=str(APPLICANT["citizen_number"]),
        reason="no-phone",
        at=datetime.now(UTC),
        certificate=base64.b64encode(certificate).decode(),
    )
    digest = hashlib.sha256(word.statement).digest()
    signature = KEY.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    signed = word.model_copy(update={"signature": base64.b64encode(signature).decode()})
    return {**signed.model_dump(mode="json"), **changes}


def manifest_of(dossier: UUID, grade: str = "vouched") -> Any:
    applicant = Applicant.model_validate({"grade": grade, "method": "staff", "face_match": False})
    return SimpleNamespace(id=dossier, kiosk_id="kiosk-01", applicants=(applicant,))


@pytest.fixture
def review(monkeypatch: pytest.MonkeyPatch) -> VouchedReview:
    bundle = SimpleNamespace(staff_roots=(AUTHORITY.root_der,), revoked_signers=frozenset())
    monkeypatch.setattr(vouched, "read_bundle", lambda _: bundle)
    return VouchedReview(Path("."), b"k" * 32, 0)


def told(review: VouchedReview, dossier: UUID, vouch: object) -> list[str]:
    answers = Answers.model_validate({"applicant": APPLICANT, "vouch": vouch})
    return review.warnings(manifest_of(dossier), answers)


def test_the_desk_reads_who_vouched_and_why(review: VouchedReview) -> None:
    dossier = uuid4()
    (line,) = told(review, dossier, word_for(dossier, "kiosk-01"))
    assert OFFICER in line
    assert "không có điện thoại" in line


@pytest.mark.parametrize(
    "changes", [{"dossier": str(uuid4())}, {"citizen_number": "031085000000"}, {"signature": ""},
                {"reason": "a bribe"}]
)  # fmt: skip
def test_a_word_that_is_not_for_this_dossier_counts_for_nothing(
    review: VouchedReview, changes: dict[str, Any]
) -> None:
    dossier = uuid4()
    (line,) = told(review, dossier, word_for(dossier, "kiosk-01", **changes))
    assert OFFICER not in line
    assert "không kiểm tra được" in line


def test_as_many_are_drawn_as_wanted_and_only_of_those() -> None:
    every, fifth = (VouchedReview(Path("."), b"k" * 32, percent) for percent in (100, 20))
    dossiers = [manifest_of(UUID(int=number)) for number in range(1000)]
    assert all(map(every.is_sampled, dossiers))
    drawn = [fifth.is_sampled(manifest) for manifest in dossiers]
    assert 150 < sum(drawn) < 250
    assert drawn == [fifth.is_sampled(manifest) for manifest in dossiers]
    assert drawn != [VouchedReview(Path("."), b"q" * 32, 20).is_sampled(m) for m in dossiers]
    assert not every.is_sampled(manifest_of(UUID(int=1), "proven"))


def test_the_person_hears_of_it_and_the_desk_is_warned(
    portal: RunningPortal, kiosk: TestKiosk
) -> None:
    answers = {
        "applicant": APPLICANT,
        "vouch": word_for(uuid4(), "kiosk-01"),
        "delivery": {"channel": "email", "address": "ai-do@example.vn"},
    }
    applicant = Applicant(grade="vouched", method="staff:no-phone:0011223344556677",
                          face_match=False)  # fmt: skip
    dossier = kiosk.dossier(
        contents={"answers.json": json.dumps(answers).encode()},
        mode="filing",
        applicants=(applicant,),
    )
    announced: list[str] = []
    deliveries = portal.inside.offices.deliveries
    announce = deliveries.announce

    def heard(dossier_id: str, kind: Any, answers: Answers) -> None:
        announced.append(kind)
        announce(dossier_id, kind, answers)

    deliveries.announce = heard  # type: ignore[method-assign]
    dossier.send()
    assert announced == ["vouched"]
    (event,) = portal.inside.offices.casebook.events(str(dossier.id))
    assert event.words == vouched.VOUCHED_WORDS
    with logged_in(portal, "lan", Role.OFFICER) as session:
        page = session.get(f"{portal.address}/desk/{dossier.id}", timeout=10).text
    assert "không kiểm tra được" in page
    assert "Cán bộ xác nhận" in page
