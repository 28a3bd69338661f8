"""IPP over HTTP (RFC 8010): one request, one answer, and what each kind of silence means."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from drivers import ipp
from drivers.contract import DeviceError, Fault
from drivers.http_once import NoConnectionError, Request, Trust, ask

MOST_BYTES = 1024 * 1024
_PORT = 631
_NOT_FOUND = 0x0406
_NOT_POSSIBLE = 0x0404
_GONE = 0x0407
_BUSY = {0x0506, 0x0507}  # server-error-not-accepting-jobs, server-error-busy


class RefusedError(DeviceError):
    """The printer understood and said no. ``status``: RFC 8011, section 4.1.6 and appendix B."""

    def __init__(self, status: int, detail: str) -> None:
        code = Fault.PRINTER_BUSY if status in _BUSY else Fault.PRINTER_REFUSED
        super().__init__(code, f"0x{status:04x} {detail}".strip(), retryable=status in _BUSY)
        self.status = status

    @property
    def missing(self) -> bool:
        return self.status in (_NOT_FOUND, _GONE)

    @property
    def too_late(self) -> bool:
        """For Cancel-Job: the job is in no state to be cancelled any more."""
        return self.status == _NOT_POSSIBLE


def http_address(uri: str) -> str:
    """Raises ValueError for what is no ipp:// or ipps:// address."""
    parts = urlsplit(uri)
    if parts.scheme not in ("ipp", "ipps") or not parts.hostname:
        raise ValueError(f"{uri!r}: expected ipp://host[:port]/path or ipps://...")
    scheme = "https" if parts.scheme == "ipps" else "http"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{scheme}://{host}:{parts.port or _PORT}{parts.path or '/ipp/print'}"


class Wire:
    """A printer at ``uri``. ``fingerprint``: SHA-256 of its certificate, hex, may hold colons."""

    def __init__(
        self, uri: str, timeout: float, *, ca_file: Path | None = None, fingerprint: str = ""
    ) -> None:
        self.uri = uri
        self._address = http_address(uri)
        self._timeout = timeout
        self._trust = Trust(ca_file, fingerprint)
        self._ids = itertools.count(1)

    def ask(
        self,
        operation: ipp.Operation,
        details: Mapping[str, ipp.Attribute] | None = None,
        job: Mapping[str, ipp.Attribute] | None = None,
        data: bytes = b"",
    ) -> ipp.Message:
        """The answer, whose status is a success.

        Raises DeviceError: PRINTER_ABSENT (nothing reached the printer), PRINTER_BUSY (it took
        nothing), PRINTER_SILENT (it may have all of it); RefusedError (it said no).
        """
        request = self._request(operation, details or {}, job or {}, data)
        answer = self._exchange(ipp.encode(request), request.request_id)
        if answer.code >= 0x0100:
            words = ipp.strings(answer.group(ipp.GroupTag.OPERATION), "status-message")
            raise RefusedError(answer.code, f"{operation.name} {' '.join(words)}"[:200])
        return answer

    def _request(
        self,
        operation: ipp.Operation,
        details: Mapping[str, ipp.Attribute],
        job: Mapping[str, ipp.Attribute],
        data: bytes,
    ) -> ipp.Message:
        head = {
            "attributes-charset": ipp.attribute(ipp.CHARSET, "utf-8"),
            "attributes-natural-language": ipp.attribute(ipp.LANGUAGE, "en"),
            "printer-uri": ipp.attribute(ipp.URI, self.uri),
        }
        # RFC 8011, 4.1.5: the target comes right after charset and language, job-id next.
        if "job-id" in details:
            head["job-id"] = details["job-id"]
        head["requesting-user-name"] = ipp.attribute(ipp.NAME, "kiosk")
        groups: list[tuple[int, ipp.Attributes]] = [(ipp.GroupTag.OPERATION, {**head, **details})]
        if job:
            groups.append((ipp.GroupTag.JOB, job))
        return ipp.Message(operation, next(self._ids), tuple(groups), data)

    def _exchange(self, body: bytes, request_id: int) -> ipp.Message:
        # A connection for each request: one kept open could be dead without anybody knowing.
        request = Request(self._address, "POST", {"Content-Type": "application/ipp"}, body)
        try:
            status, answer = ask(request, self._timeout, most=MOST_BYTES, trust=self._trust)
        except (OSError, HTTPException) as error:
            raise _typed(error) from None
        if status == 503:
            raise DeviceError(Fault.PRINTER_BUSY, "HTTP 503")
        if status != 200:
            raise DeviceError(Fault.PRINTER_SILENT, f"HTTP {status}")
        try:
            message = ipp.decode(answer)
        except ipp.MalformedError as error:
            raise DeviceError(Fault.PRINTER_SILENT, f"no IPP: {error}") from None
        if message.request_id != request_id:
            raise DeviceError(Fault.PRINTER_SILENT, "an answer to something else")
        return message


def _typed(error: OSError | HTTPException) -> DeviceError:
    if isinstance(error, NoConnectionError):
        return DeviceError(Fault.PRINTER_ABSENT, "no connection")
    if isinstance(error, ssl.SSLCertVerificationError):
        return DeviceError(Fault.PRINTER_ABSENT, "another certificate", retryable=False)
    return DeviceError(Fault.PRINTER_SILENT, type(error).__name__)
