"""Every table of the portal, and where they lie (see :mod:`kiosk.portal.database`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kiosk.portal import (
    accounts,
    admission,
    archiving,
    attestations,
    casebook,
    collecting,
    confirmations,
    delivery,
    desks,
    device_ca,
    fees,
    fleet,
    inspections,
    limits,
    logins,
    receipts,
    register,
    register_book,
    sealed,
    services,
    store,
)
from kiosk.portal.database import Database
from kiosk.portal.settings import PortalSettings

SCHEMAS: Mapping[str, Sequence[str]] = {
    "store": store.SCHEMA,
    "register": register.SCHEMA,
    "device_ca": device_ca.SCHEMA,
    "services": services.SCHEMA,
    "confirmations": confirmations.SCHEMA,
    "accounts": accounts.SCHEMA,
    "logins": logins.SCHEMA,
    "limits": limits.SCHEMA,
    "casebook": casebook.SCHEMA,
    "fees": fees.SCHEMA,
    "delivery": delivery.SCHEMA,
    "fleet": fleet.SCHEMA,
    "admission": admission.SCHEMA,
    "desks": desks.SCHEMA,
    "attestations": attestations.SCHEMA,
    "inspections": inspections.SCHEMA,
    "archives": archiving.SCHEMA,
    "prints": collecting.SCHEMA,
    "receipts": receipts.SCHEMA,
    "register_book": register_book.SCHEMA,
    "sealed": sealed.SCHEMA,
}
"""In the order of their references. The names stand in databases: they never change."""


def open_database(settings: PortalSettings) -> Database:
    """Open and bring up to date. Raises DatabaseError, SchemaError."""
    database = _connect(settings)
    try:
        database.migrate(SCHEMAS)
    except BaseException:
        database.close()
        raise
    return database


def _connect(settings: PortalSettings) -> Database:
    if settings.database is not None:
        from kiosk.portal.postgres import PostgresDatabase  # a portal on SQLite never loads it

        return PostgresDatabase(settings.database, settings.database_connections)
    from kiosk.portal.sqlite import SqliteDatabase

    return SqliteDatabase(settings.state / "portal.db")
