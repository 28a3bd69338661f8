"""The tables of the modules that keep their own SQL, in the order of their references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kiosk.portal import accounts, casebook, delivery, fees, fleet, limits, logins

SCHEMAS: Mapping[str, Sequence[str]] = {
    "accounts": accounts.SCHEMA,
    "logins": logins.SCHEMA,
    "limits": limits.SCHEMA,
    "casebook": casebook.SCHEMA,
    "fees": fees.SCHEMA,
    "delivery": delivery.SCHEMA,
    "fleet": fleet.SCHEMA,
}
