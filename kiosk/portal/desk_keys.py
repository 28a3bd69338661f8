"""Which keys a desk signs with: on a token, at a signing service or, never in production, in files.

The portal's server has none of them. The desk is a process of its own, so that what a token's
library does to it happens to nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from certify.csc import Account, CscClient
from certify.developer_key import DeveloperSigner
from certify.remote import RemoteSigner
from certify.secret import Secret, ask, secret_of
from certify.signing import Signer, open_signer, read_certificates
from kiosk.portal.errors import Fault, PortalError
from kiosk.portal.settings import DeskSettings, RemoteSettings


@dataclass(frozen=True, slots=True)
class Keys:
    officer: Signer
    agency: Signer
    seal: Signer


def open_keys(settings: DeskSettings) -> Keys:
    """Each secret is asked for at most once.

    Raises PortalError (SETTINGS_INVALID) when no place is named, and CertifyError (SIGNER_ABSENT,
    SIGNER_REFUSED, SIGNER_LOCKED, SIGNER_UNREACHABLE).
    """
    opener = _Opener(settings)
    return Keys(
        officer=opener.open("officer", settings.officer_key),
        agency=opener.open("agency", settings.agency_key),
        seal=opener.open("seal", settings.seal_key),
    )


class _Opener:
    def __init__(self, settings: DeskSettings) -> None:
        self._settings = settings

    def open(self, role: str, label: str) -> Signer:
        """The service first, since whoever names a credential there means it."""
        settings = self._settings
        credential = getattr(settings.remote, role, "")
        if credential:
            return self._remote(credential)
        if settings.developer_keys:
            return DeveloperSigner(settings.developer_keys / f"{role}.p12", self._pin)
        if settings.token:
            pin = self._pin.reveal()
            return open_signer(settings.module, settings.token, label, pin, settings.chain)
        detail = f"no place is named for the key of {role}: token, remote or developer_keys"
        raise PortalError(Fault.SETTINGS_INVALID, detail)

    def _remote(self, credential: str) -> Signer:
        settings = self._settings.remote
        assert settings  # it named the credential
        return RemoteSigner(
            self._client,
            credential,
            pin=self._remote_pin,
            ask=ask,
            batch=settings.batch,
            chain=[each for file in self._settings.chain for each in read_certificates(file)],
        )

    @cached_property
    def _pin(self) -> Secret:
        return secret_of(self._settings.pin_file, "PIN of the token")

    @cached_property
    def _remote_pin(self) -> Secret:
        settings = self._settings.remote
        return secret_of(settings.pin_file if settings else None, "PIN of the signing service")

    @cached_property
    def _client(self) -> CscClient:
        settings = self._settings.remote
        assert settings  # asked for by _remote alone
        return CscClient(_account(settings))


def _account(settings: RemoteSettings) -> Account:
    return Account(
        url=settings.url,
        version=settings.version,
        token=_optional(settings.access_token_file, "access token"),
        token_url=settings.token_url,
        client_id=settings.client_id,
        client_secret=_optional(settings.client_secret_file, "client secret"),
        seconds=settings.seconds,
        ca=settings.ca_file,
    )


def _optional(file: Path | None, what: str) -> Secret | None:
    return secret_of(file, what) if file else None
