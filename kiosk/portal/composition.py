"""The portal's objects, wired once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from kiosk.portal.accounts import Accounts
from kiosk.portal.admission import Admission
from kiosk.portal.archiving import Archives
from kiosk.portal.arrival import Arrivals
from kiosk.portal.attestations import Attestations
from kiosk.portal.casebook import Casebook
from kiosk.portal.cases import Cases
from kiosk.portal.catalogue import Catalogue
from kiosk.portal.channels import channels_of
from kiosk.portal.collecting import Collecting
from kiosk.portal.confirmations import Confirmations
from kiosk.portal.copies import CopyVerifier
from kiosk.portal.database import DatabaseError, SchemaError
from kiosk.portal.delivery import Deliveries
from kiosk.portal.desks import Desks
from kiosk.portal.device_ca import DeviceCa
from kiosk.portal.errors import Fault, PortalError
from kiosk.portal.export import Export
from kiosk.portal.fees import Fees
from kiosk.portal.fleet import Fleet
from kiosk.portal.following import Following
from kiosk.portal.inspections import Inspections
from kiosk.portal.intake import Intake
from kiosk.portal.keys import PortalKeys, load_keys
from kiosk.portal.limits import Limits
from kiosk.portal.logins import Logins
from kiosk.portal.objects import Objects, open_objects
from kiosk.portal.receipts import Receipts
from kiosk.portal.register import Register
from kiosk.portal.register_book import RegisterBook
from kiosk.portal.revocations import revoked_codes
from kiosk.portal.schema import open_database
from kiosk.portal.sealed import SealedCopies
from kiosk.portal.secret import derive, load_secret
from kiosk.portal.services import Services
from kiosk.portal.settings import DeliverySettings, PortalSettings
from kiosk.portal.statistics import Statistics
from kiosk.portal.store import Store
from kiosk.portal.supplements import Supplements
from kiosk.portal.tracking import Tracking
from kiosk.portal.trust import unpublished
from kiosk.portal.uploads import Uploads
from kiosk.portal.vault import Vault
from kiosk.portal.vouched import VouchedReview


@dataclass(frozen=True, slots=True)
class Portal:
    """``forms``: the key of the tokens in forms."""

    settings: PortalSettings
    forms: bytes
    keys: PortalKeys
    store: Store
    objects: Objects
    vault: Vault
    register: Register
    book: RegisterBook
    sealed: SealedCopies
    intake: Intake
    uploads: Uploads
    admission: Admission
    cases: Cases
    attestations: Attestations
    inspections: Inspections
    devices: DeviceCa
    services: Services
    confirmations: Confirmations
    offices: Offices
    vouched: VouchedReview


@dataclass(frozen=True, slots=True)
class Offices:
    """What people meet: accounts, desks, logins, tracking, fees, deliveries, figures."""

    accounts: Accounts
    desks: Desks
    logins: Logins
    limits: Limits
    casebook: Casebook
    fees: Fees
    deliveries: Deliveries
    archives: Archives
    tracking: Tracking
    collecting: Collecting
    catalogue: Catalogue
    statistics: Statistics
    fleet: Fleet
    export: Export


def open_portal(settings: PortalSettings) -> Portal:
    """Raises PortalError (SETTINGS_INVALID, STORAGE_UNAVAILABLE), and OSError when the state
    folder is unusable."""
    settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    key_folder = settings.keys_dir or settings.state / "keys"
    keys = load_keys(key_folder)
    incoming = settings.state / "incoming"
    objects = open_objects(settings, incoming)
    vault = Vault(incoming, objects, keys)
    try:
        store = Store(open_database(settings))
    except (DatabaseError, SchemaError) as error:
        raise PortalError(Fault.STORAGE_UNAVAILABLE, str(error), retryable=True) from error
    register = Register(store, settings.book)
    verifier = CopyVerifier(settings.trust_dir)
    sealed = SealedCopies(store, settings.trust_dir)
    secret = load_secret(key_folder)
    offices = open_offices(settings, store, vault, register, secret)
    following = Following(
        offices.casebook,
        offices.fees,
        Supplements(store, offices.casebook),
        offices.deliveries,
        offices.archives,
    )
    attestations = Attestations(store, vault, offices.catalogue)
    arrivals = Arrivals(store, vault, register, verifier, sealed, following, settings.trust_dir)
    intake = Intake(store, vault, keys, arrivals, settings.agency_code)
    return Portal(
        settings=settings,
        forms=derive(secret, "forms"),
        keys=keys,
        store=store,
        objects=objects,
        vault=vault,
        register=register,
        book=RegisterBook(store, register),
        sealed=sealed,
        intake=intake,
        uploads=Uploads(intake, objects),
        admission=Admission(settings.admission_rate, store),
        cases=Cases(settings, store, vault, register, verifier, sealed, following, attestations),
        attestations=attestations,
        inspections=Inspections(
            store, vault, register, verifier, sealed, attestations, following, offices.desks
        ),
        devices=DeviceCa(key_folder, store),
        services=Services(store, vault, offices.casebook, settings.paper_days),
        confirmations=Confirmations(store, settings.message_gateway),
        offices=offices,
        vouched=VouchedReview(
            settings.trust_dir, derive(secret, "vouched"), settings.vouched_sample_percent
        ),
    )


def open_offices(
    settings: PortalSettings, store: Store, vault: Vault, register: Register, secret: bytes
) -> Offices:
    """Raises PortalError (SETTINGS_INVALID)."""
    catalogue = Catalogue(settings.trust_dir)
    casebook = Casebook(store, secret, catalogue, settings.holidays)
    limits = Limits(store, secret)
    delivery = settings.delivery or DeliverySettings()
    accounts = Accounts(store, secret, settings.agency, limits)
    deliveries = Deliveries(
        store,
        channels=frozenset(channels_of(settings.delivery)),
        try_days=delivery.try_days,
        link_days=delivery.link_days,
    )
    fees = Fees(store, Receipts(store, register))
    tracking = Tracking(store, casebook, limits, deliveries, fees)
    return Offices(
        accounts=accounts,
        desks=Desks(store, accounts),
        logins=Logins(store, hours=settings.login_hours, idle_minutes=settings.idle_minutes),
        limits=limits,
        casebook=casebook,
        fees=fees,
        deliveries=deliveries,
        archives=Archives(store),
        tracking=tracking,
        collecting=Collecting(store, vault, casebook, tracking),
        catalogue=catalogue,
        statistics=Statistics(store, catalogue),
        fleet=Fleet(store),
        export=Export(store, vault, casebook, settings.agency),
    )


def unpublished_of(portal: Portal) -> frozenset[str]:
    """Id codes of revoked copies that verifiers still take for good."""
    codes = revoked_codes(portal.store)
    return unpublished(portal.settings.trust_dir, portal.keys.revocations, codes)


def portal_of(request: Request) -> Portal:
    portal = request.app.state.portal
    assert isinstance(portal, Portal)
    return portal


PortalDep = Annotated[Portal, Depends(portal_of)]
