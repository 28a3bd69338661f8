"""Who this kiosk is to the portal: the device key, and what enrolment told."""

from __future__ import annotations

import base64
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from kiosk.failures import Fault, KioskError
from kiosk.link.token_key import TokenKey
from kiosk.settings import DeviceKeySettings
from offline_queue import files, signatures
from offline_queue.errors import QueueError
from offline_queue.intake import EnrolAnswer

DeviceKey = ec.EllipticCurvePrivateKey
"""The port: signs requests, manifests and certificate requests with ES256. Cryptography's own
interface, so that a key in a file and one on a token are the same to whoever signs."""


def device_key(file: Path, settings: DeviceKeySettings) -> DeviceKey:
    """The key of this kiosk: on its token when there is one, else in ``file`` (0600). Made on the
    first start. Raises KioskError (SETTINGS_INVALID)."""
    if settings.token:
        try:
            return TokenKey(settings)
        except QueueError as error:
            raise KioskError(Fault.SETTINGS_INVALID, f"device_key: {error.detail}") from None
    return _file_key(file)


def next_key(file: Path) -> DeviceKey:
    """The key that is to take the place of the one in ``file``. It is made once and kept beside it
    until :func:`adopt_next_key`: the portal may have taken it although its answer was lost, and
    only the same key may ask again with the same code. Raises KioskError (SETTINGS_INVALID)."""
    return _file_key(_next(file))


def adopt_next_key(file: Path) -> None:
    """The portal has answered: durably, and at once or not at all. Raises QueueError."""
    with files.translated(file.name):
        _next(file).replace(file)
        files.sync_folder(file.parent)


def _next(file: Path) -> Path:
    return file.with_name(f"{file.name}.new")


def _file_key(file: Path) -> DeviceKey:
    fresh = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        key = serialization.load_pem_private_key(files.make_once(file, fresh), None)
    except (OSError, ValueError) as error:
        raise KioskError(Fault.SETTINGS_INVALID, f"{file}: {type(error).__name__}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KioskError(Fault.SETTINGS_INVALID, f"{file}: not a P-256 key")
    return key


class Enrolment:
    """The portal's keys, as it told when it took this kiosk in, or since. Kept in a file.

    Raises ValueError when the answer does not hold usable keys.
    """

    def __init__(self, answer: EnrolAnswer) -> None:
        self.answer = answer
        self.envelope_key_id = answer.envelope_key_id
        try:
            self.envelope_key = base64.b64decode(answer.envelope_key, validate=True)
        except ValueError as error:
            raise ValueError("envelope key") from error
        if len(self.envelope_key) != 32:
            raise ValueError("envelope key")
        receipts = {answer.receipt_key_id: answer.receipt_key, **answer.older_receipt_keys}
        self.receipt_keys = {
            key_id: signatures.load_public(pem) for key_id, pem in receipts.items()
        }

    def save(self, file: Path) -> None:
        """Raises QueueError (DISK_FULL, DAMAGED)."""
        with files.translated(file.name):
            files.write_durably(file, [self.answer.model_dump_json().encode()])

    @classmethod
    def load(cls, file: Path) -> Enrolment | None:
        """None when this kiosk is not enrolled. Raises KioskError for a damaged file."""
        try:
            return cls(EnrolAnswer.model_validate_json(file.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValidationError, ValueError, OSError):
            raise KioskError(Fault.SETTINGS_INVALID, f"{file}: damaged") from None
