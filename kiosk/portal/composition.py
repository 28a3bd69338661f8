"""The portal's objects, wired once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from kiosk.portal.admission import Admission
from kiosk.portal.arrival import Arrivals
from kiosk.portal.cases import Cases
from kiosk.portal.copies import CopyVerifier
from kiosk.portal.intake import Intake
from kiosk.portal.keys import PortalKeys, load_keys
from kiosk.portal.register import Register
from kiosk.portal.settings import PortalSettings, read_secret
from kiosk.portal.store import Store
from kiosk.portal.uploads import FileParts, Uploads
from kiosk.portal.vault import Vault


@dataclass(frozen=True, slots=True)
class Portal:
    settings: PortalSettings
    desk_secret: str
    keys: PortalKeys
    store: Store
    vault: Vault
    register: Register
    intake: Intake
    uploads: Uploads
    admission: Admission
    cases: Cases


def open_portal(settings: PortalSettings) -> Portal:
    """Raises PortalError (SETTINGS_INVALID) and OSError when the state folder is unusable."""
    desk_secret = read_secret(settings.desk_token_file)
    settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = load_keys(settings.state / "keys")
    store = Store(settings.state / "portal.db")
    vault = Vault(settings.state, keys)
    register = Register(store, settings.book)
    verifier = CopyVerifier(settings.trust_dir)
    arrivals = Arrivals(store, vault, register, verifier)
    intake = Intake(store, vault, keys, arrivals)
    return Portal(
        settings=settings,
        desk_secret=desk_secret,
        keys=keys,
        store=store,
        vault=vault,
        register=register,
        intake=intake,
        uploads=Uploads(intake, FileParts(settings.state)),
        admission=Admission(settings.admission_rate),
        cases=Cases(settings, store, vault, register, verifier),
    )


def portal_of(request: Request) -> Portal:
    portal = request.app.state.portal
    assert isinstance(portal, Portal)
    return portal


PortalDep = Annotated[Portal, Depends(portal_of)]
