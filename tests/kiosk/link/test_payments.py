"""VietQR payloads, and the stand-in's promise that a payment asked for twice is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.failures import Fault, KioskError
from kiosk.link import vietqr
from kiosk.link.messages import PayRequest
from kiosk.link.payments import PaymentGateway
from kiosk.link.vietqr import Payment
from kiosk.sandbox.payments import PaymentSandbox
from kiosk.settings import PaymentSettings

PAYMENT = Payment("970436", "0123456789", 15000, "H26.15-261124-0001")


def test_the_checksum_is_ccitt_false() -> None:
    assert vietqr.crc16(b"123456789") == 0x29B1


def test_a_payload_field_by_field() -> None:
    assert vietqr.encode(PAYMENT)[:-4] == (
        "000201" "010212"
        "3854" "0010A000000727" "0124" "0006970436" "01100123456789" "0208QRIBFTTA"
        "5303704" "540515000" "5802VN" "6222" "0818H26.15-261124-0001" "6304"
    )  # fmt: skip
    assert vietqr.decode(vietqr.encode(PAYMENT)) == PAYMENT


@pytest.mark.parametrize("place", range(0, 120, 7))
def test_a_changed_payload_is_not_paid(place: int) -> None:
    good = vietqr.encode(PAYMENT)
    changed = good[:place] + ("8" if good[place] != "8" else "9") + good[place + 1 :]
    with pytest.raises(ValueError, match=r".+"):
        vietqr.decode(changed)


@pytest.mark.parametrize("payload", ["", "6304", "00020163041234", "x" * 40, "6304ABCD"])
def test_what_is_no_payload_is_refused(payload: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        vietqr.decode(payload)


def test_a_code_for_another_amount_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PaymentSandbox() as sandbox:
        key = tmp_path / "key.pem"
        key.write_text(sandbox.notice_key)
        gateway = PaymentGateway(PaymentSettings(gateway=sandbox.address, notice_key_file=key))
        ask = PayRequest(reference="H26.15-261124-0001", amount=15000)
        real = vietqr.encode
        monkeypatch.setattr(
            vietqr, "encode", lambda p: real(Payment(p.bank, p.account, p.amount * 10, p.reference))
        )
        with pytest.raises(KioskError) as caught:
            gateway.create(ask)
        assert caught.value.code == Fault.PAYMENT_FORGED
        monkeypatch.undo()
        first, second = gateway.create(ask), gateway.create(ask)
        assert first == second
