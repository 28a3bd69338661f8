"""What is charged: the law's fee, the setting's share of it, and the signed policy above both."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kiosk import fees
from kiosk.procedures import FeeRule
from kiosk.settings import Settings
from kiosk.strings import LANGUAGES, resolve


def session(percent: int, policy: float | None = None, rule: str = "pages") -> Any:
    settings = Settings()
    site = settings.site.model_copy(update={"fee_percent": percent})
    limits = {} if policy is None else {fees.POLICY_PERCENT: policy}
    return SimpleNamespace(
        kiosk=SimpleNamespace(settings=SimpleNamespace(site=site)),
        policy=SimpleNamespace(thresholds=limits),
        procedure=SimpleNamespace(fee=FeeRule.model_validate({"rule": rule})),
        record=SimpleNamespace(pages=[1, 2, 3], copies=2),
    )


@pytest.mark.parametrize(
    ("percent", "policy", "amount"),
    [
        (100, None, 10_000),
        (0, None, 0),
        (50, None, 5_000),
        (100, 0, 0),
        (0, 100, 10_000),
        (100, 250, 10_000),
        (100, -1, 0),
    ],
)
def test_how_much(percent: int, policy: float | None, amount: int) -> None:
    assert fees.amount(session(percent, policy)) == amount


def test_without_a_policy_the_setting_counts() -> None:
    alone = session(100)
    alone.policy = None
    assert fees.amount(alone) == 10_000


def test_it_is_told_before_anything_is_scanned() -> None:
    said = {each: resolve(fees.in_words(session(50)), each) for each in LANGUAGES}
    assert all(price in said["vi"] for price in ("1.000\u00a0đ", "500\u00a0đ", "100.000\u00a0đ"))
    assert all(price in said["en"] for price in ("1,000\u00a0VND", "500\u00a0VND", "100,000"))
    for nothing in (session(0), session(100, rule="free"), session(100, 0)):
        assert fees.in_words(nothing).key == "fee.none"


def test_by_default_nothing_is_charged() -> None:
    assert Settings().site.fee_percent == 0
