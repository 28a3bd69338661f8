"""What a procedure costs here: by its rule, less what the agency lets off.

The law's rule is the procedure's (circular 226/2016: pages of the original, capped a copy). How
much of it is charged is the province's decision: the portal-signed policy says so for all kiosks,
and where it is silent the setting ``site.fee_percent`` does.
"""

from __future__ import annotations

from kiosk.session import Session
from kiosk.views import Text
from kiosk.words import price

POLICY_PERCENT = "fee-percent"


def percent(session: Session) -> int:
    """How much of the legal fee is charged, 0 to 100."""
    limits = session.policy.thresholds if session.policy else {}
    given = limits.get(POLICY_PERCENT, session.kiosk.settings.site.fee_percent)
    return min(100, max(0, round(given)))


def amount(session: Session) -> int:
    """In đồng, for the pages and copies so far."""
    record = session.record
    whole = session.procedure.fee.amount(len(record.pages), record.copies)
    return whole * percent(session) // 100


def in_words(session: Session) -> Text:
    """What it will cost, before anything is scanned."""
    rule, share = session.procedure.fee, percent(session)
    if rule.rule == "free" or not share:
        return Text("fee.none")
    prices = (rule.first_price, rule.next_price, rule.most)
    first, following, most = (price(each * share // 100) for each in prices)
    values: dict[str, str | int | Text] = {
        "pages": rule.first_pages,
        "first": first,
        "next": following,
        "most": most,
    }
    return Text("fee.pages", values)
