"""Whatever has a code of the table of failures, whichever package owns it."""

from __future__ import annotations

from certify.errors import CertifyError
from drivers.contract import DeviceError
from kiosk.failures import KioskError
from offline_queue.errors import QueueError

CODED_ERRORS = (CertifyError, DeviceError, KioskError, QueueError)
