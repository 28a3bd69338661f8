"""Where the money stands, from the kiosk to its return."""

from __future__ import annotations

import pypdfium2
import pytest
import requests

from kiosk.portal.accounts import Role
from kiosk.portal.errors import RefusedError
from kiosk.portal.words import money
from offline_queue.manifest import Fee
from tests.kiosk.portal.line import RunningPortal, TestDossier, TestKiosk
from tests.kiosk.portal.people import logged_in, send


def sent(kiosk: TestKiosk, state: str, amount: int = 15000) -> TestDossier:
    fee = Fee.model_validate({"rule": "tt226", "amount": amount, "state": state})
    dossier = kiosk.dossier(fee=fee)
    dossier.send()
    return dossier


def fee_state(portal: RunningPortal, dossier: TestDossier) -> str:
    fee = portal.inside.offices.fees.fee(str(dossier.id))
    assert fee is not None
    return fee.state


@pytest.mark.parametrize(
    ("given", "kept", "after_refusal"),
    [("free", "free", "free"), ("due-at-desk", "due", "waived"), ("paid", "paid", "to-return")],
)
def test_a_refusal_gives_back_what_was_paid(
    portal: RunningPortal, kiosk: TestKiosk, given: str, kept: str, after_refusal: str
) -> None:
    dossier = sent(kiosk, given, 0 if given == "free" else 15000)
    assert fee_state(portal, dossier) == kept
    portal.inside.cases.refuse(str(dossier.id), "Bản chính bị tẩy xóa")
    assert fee_state(portal, dossier) == after_refusal


def test_an_approval_keeps_the_fee(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = sent(kiosk, "paid")
    portal.inside.cases.approve(str(dossier.id), "at-the-desk")
    assert fee_state(portal, dossier) == "paid"


def test_money_goes_back_once_and_with_a_receipt(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = sent(kiosk, "paid")
    portal.inside.cases.refuse(str(dossier.id), "Bản chính bị tẩy xóa")
    case = f"{portal.address}/desk/{dossier.id}"
    with logged_in(portal, "lan", Role.OFFICER) as session:
        assert "Phải hoàn trả lệ phí" in session.get(f"{portal.address}/desk", timeout=10).text
        assert send(session, case, f"{case}/fee", direction="back").status_code == 400
        assert send(session, case, f"{case}/fee", direction="back", reference="PC-01").ok
        again = send(session, case, f"{case}/fee", direction="back", reference="PC-02")
        assert again.status_code == 409
        assert "Phải hoàn trả lệ phí" not in session.get(f"{portal.address}/desk", timeout=10).text
    fee = portal.inside.offices.fees.fee(str(dossier.id))
    assert fee is not None
    assert (fee.state, fee.return_reference, fee.staff) == ("returned", "PC-01", "Lê Văn Thí Điểm")


def test_the_desk_takes_what_is_due(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = sent(kiosk, "due-at-desk")
    case = f"{portal.address}/desk/{dossier.id}"
    with logged_in(portal, "lan", Role.OFFICER) as session:
        assert "Thu lệ phí 15.000 đ" in session.get(case, timeout=10).text
        assert send(session, case, f"{case}/fee", direction="in", reference="PT-01").ok
    assert fee_state(portal, dossier) == "paid"
    with pytest.raises(RefusedError):
        portal.inside.offices.fees.take(str(dossier.id), "PT-02")


def test_money_is_written_as_people_write_it() -> None:
    assert [money(amount) for amount in (0, 8000, 1234567)] == ["0 đ", "8.000 đ", "1.234.567 đ"]


def receipts(portal: RunningPortal, dossier: TestDossier) -> dict[str, tuple[int, int]]:
    """Number and amount by kind."""
    found = portal.inside.offices.fees.receipts.of(str(dossier.id))
    return {kind: (receipt.number, receipt.amount) for kind, receipt in found.items()}


def test_money_that_came_in_has_a_receipt_and_its_return_another(
    portal: RunningPortal, kiosk: TestKiosk
) -> None:
    paid, due, free = (
        sent(kiosk, state, amount)
        for state, amount in (("paid", 15000), ("due-at-desk", 2000), ("free", 0))
    )
    fees, cases = portal.inside.offices.fees, portal.inside.cases
    assert [receipts(portal, each) for each in (paid, due, free)] == [{"fee": (1, 15000)}, {}, {}]
    fees.take(str(due.id), "PT-07", "Lê Văn Thí Điểm")
    assert receipts(portal, due) == {"fee": (2, 2000)}
    with pytest.raises(RefusedError):
        fees.take(str(due.id), "PT-08", "Lê Văn Thí Điểm")
    cases.refuse(str(paid.id), "Bản chính bị tẩy xóa")
    assert receipts(portal, paid) == {"fee": (1, 15000)}
    fees.give_back(str(paid.id), "PC-01", "Lê Văn Thí Điểm")
    assert receipts(portal, paid) == {"fee": (1, 15000), "return": (3, 15000)}


def test_the_receipt_is_a_page_for_staff_only(portal: RunningPortal, kiosk: TestKiosk) -> None:
    dossier = sent(kiosk, "paid")
    case = f"{portal.address}/desk/{dossier.id}"
    with logged_in(portal, "lan", Role.OFFICER) as session:
        assert "Biên lai thu" in session.get(case, timeout=10).text
        text = words_in(session.get(f"{case}/receipts/fee.pdf", timeout=10).content)
        assert session.get(f"{case}/receipts/return.pdf", timeout=10).status_code == 404
        assert "hoàn trả" not in text
        portal.inside.cases.refuse(str(dossier.id), "Bản chính bị tẩy xóa")
        portal.inside.offices.fees.give_back(str(dossier.id), "PC-01", "Lê Văn Thí Điểm")
        after = words_in(session.get(f"{case}/receipts/fee.pdf", timeout=10).content)
        assert "đã được hoàn trả" in after
        back = words_in(session.get(f"{case}/receipts/return.pdf", timeout=10).content)
        assert "Biên lai hoàn trả" in back
    assert all(word in text for word in ("Trần Thị Mẫu", "15.000 đ", dossier.manifest.code))
    url = requests.get(f"{case}/receipts/fee.pdf", timeout=10).url
    assert url == f"{portal.address}/login"


def words_in(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return str(document[0].get_textpage().get_text_bounded())
    finally:
        document.close()
