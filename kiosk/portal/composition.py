"""The portal's objects, wired once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from kiosk.portal.admission import Admission
from kiosk.portal.arrival import Arrivals
from kiosk.portal.cases import Cases
from kiosk.portal.confirmations import Confirmations
from kiosk.portal.copies import CopyVerifier
from kiosk.portal.database import DatabaseError, SchemaError
from kiosk.portal.device_ca import DeviceCa
from kiosk.portal.errors import Fault, PortalError
from kiosk.portal.intake import Intake
from kiosk.portal.keys import PortalKeys, load_keys
from kiosk.portal.objects import Objects, open_objects
from kiosk.portal.register import Register
from kiosk.portal.schema import open_database
from kiosk.portal.services import Services
from kiosk.portal.settings import PortalSettings, read_secret
from kiosk.portal.store import Store
from kiosk.portal.uploads import Uploads
from kiosk.portal.vault import Vault


@dataclass(frozen=True, slots=True)
class Portal:
    settings: PortalSettings
    desk_secret: str
    keys: PortalKeys
    store: Store
    objects: Objects
    vault: Vault
    register: Register
    intake: Intake
    uploads: Uploads
    admission: Admission
    cases: Cases
    devices: DeviceCa
    services: Services
    confirmations: Confirmations


def open_portal(settings: PortalSettings) -> Portal:
    """Raises PortalError (SETTINGS_INVALID, STORAGE_UNAVAILABLE), and OSError when the state
    folder is unusable."""
    desk_secret = read_secret(settings.desk_token_file)
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
    arrivals = Arrivals(store, vault, register, verifier)
    intake = Intake(store, vault, keys, arrivals)
    return Portal(
        settings=settings,
        desk_secret=desk_secret,
        keys=keys,
        store=store,
        objects=objects,
        vault=vault,
        register=register,
        intake=intake,
        uploads=Uploads(intake, objects),
        admission=Admission(settings.admission_rate, store),
        cases=Cases(settings, store, vault, register, verifier),
        devices=DeviceCa(key_folder, store),
        services=Services(store, vault, key_folder, settings.paper_days),
        confirmations=Confirmations(store, settings.message_gateway),
    )


def portal_of(request: Request) -> Portal:
    portal = request.app.state.portal
    assert isinstance(portal, Portal)
    return portal


PortalDep = Annotated[Portal, Depends(portal_of)]
