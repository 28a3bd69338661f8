"""What is told of devices."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from drivers.contract import Health, Status
from kiosk import reports
from kiosk.settings import Settings


def device(health: Health, code: str | None = None) -> Any:
    return SimpleNamespace(status=lambda: Status(health, 0.0, code))


def test_a_code_for_what_is_broken_and_ok_for_the_rest() -> None:
    held = {
        "scanner": device(Health.FAULT, "device.scanner.jam"),
        "code reader": device(Health.READY),
        "camera": device(Health.ABSENT),
        "receipt printer": device(Health.READY, "device.receipt.paper-low"),
        "power": device(Health.FAULT),
        "document printer": device(Health.STALE),
        "card reader": device(Health.ABSENT),
    }
    settings = Settings.model_validate(
        {
            "devices": {
                "power": {"address": "nut://ups@localhost"},
                "document_printer": {"uri": "ipp://localhost/ipp/print"},
            }
        }
    )
    kiosk: Any = SimpleNamespace(devices=held, settings=settings)
    assert reports.states(kiosk) == {
        "scanner": "device.scanner.jam",
        "code-reader": "ok",
        "camera": "absent",
        "receipt-printer": "device.receipt.paper-low",
        "power": "fault",
        "document-printer": "stale",
    }
