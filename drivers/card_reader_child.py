"""The PC/SC side of the card reader, in a child: pyscard's plain winscard calls.

No monitor thread of pyscard is used: a restart of pcscd kills it. Each look asks
SCardGetStatusChange with a time limit, and any loss drops the context, so that the next look makes
a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatch
from typing import Any, TypeVar

from smartcard import scard

from drivers.apdu import AnswerError, exchange
from drivers.contract import DeviceError, Fault

_Answer = TypeVar("_Answer")
_PROTOCOLS = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
_FAULTS = {
    scard.SCARD_E_NO_SERVICE: Fault.CARD_READER_SERVICE,
    scard.SCARD_E_SERVICE_STOPPED: Fault.CARD_READER_SERVICE,
    scard.SCARD_E_INVALID_HANDLE: Fault.CARD_READER_SERVICE,
    scard.SCARD_F_COMM_ERROR: Fault.CARD_READER_SERVICE,
    scard.SCARD_E_NO_READERS_AVAILABLE: Fault.CARD_READER_ABSENT,
    scard.SCARD_E_UNKNOWN_READER: Fault.CARD_READER_ABSENT,
    scard.SCARD_E_READER_UNAVAILABLE: Fault.CARD_READER_ABSENT,
    scard.SCARD_E_SHARING_VIOLATION: Fault.CARD_READER_BUSY,
    scard.SCARD_E_NO_SMARTCARD: Fault.CARD_REMOVED,
    scard.SCARD_W_REMOVED_CARD: Fault.CARD_REMOVED,
    scard.SCARD_W_RESET_CARD: Fault.CARD_REMOVED,
    scard.SCARD_W_UNPOWERED_CARD: Fault.CARD_REMOVED,
    scard.SCARD_W_UNRESPONSIVE_CARD: Fault.CARD_MUTE,
    scard.SCARD_E_NOT_TRANSACTED: Fault.CARD_MUTE,
    scard.SCARD_E_TIMEOUT: Fault.CARD_MUTE,
    scard.SCARD_E_PROTO_MISMATCH: Fault.CARD_PROTOCOL,
    scard.SCARD_W_UNSUPPORTED_CARD: Fault.CARD_PROTOCOL,
}


class Worker:
    """``pattern``: name of the reader, ``*`` and ``?`` allowed, letter case ignored."""

    def __init__(self, pattern: str) -> None:
        # Many names have brackets in them, which are no choice of letters here.
        self._pattern = pattern.lower().replace("[", "[[]")
        self._context: Any = None
        self._card: Any = None
        self._reader = ""
        self._protocol = 0

    def check(self) -> list[str]:
        """Names of the readers that fit. Raises DeviceError (CARD_READER_*)."""
        return self._again_if_stale(self._readers)

    def look(self, wait: float) -> bytes | None:
        """The ATR of the one card that is there, or None after ``wait`` seconds without any.

        Raises DeviceError: CARD_READER_*, CARD_SEVERAL, CARD_MUTE, CARD_PROTOCOL.
        """
        self.release()
        return self._again_if_stale(lambda: self._looked(wait))

    def _looked(self, wait: float) -> bytes | None:
        states = [(name, scard.SCARD_STATE_UNAWARE) for name in self._readers()]
        found = self._states(0.0, states)
        if not _present(found):
            found = self._states(wait, [(name, state) for name, state, _ in found])
        cards = _present(found)
        if len(cards) > 1:
            raise DeviceError(Fault.CARD_SEVERAL, f"{len(cards)} cards")
        return self._connect(cards[0]) if cards else None

    def transmit(self, apdus: list[bytes]) -> list[bytes]:
        """Answers, each data and status word, up to the first that is not 9000."""
        answers: list[bytes] = []
        for apdu in apdus:
            extended = self._protocol == scard.SCARD_PROTOCOL_T1
            try:
                answers.append(exchange(self._send, apdu, extended=extended))
            except AnswerError as error:
                self.release()
                raise DeviceError(Fault.CARD_GARBLED, str(error)) from None
            if answers[-1][-2:] != b"\x90\x00":
                break
        return answers

    def release(self) -> None:
        """Power the card down; it must be looked for again."""
        card, self._card = self._card, None
        if card is not None:
            scard.SCardDisconnect(card, scard.SCARD_UNPOWER_CARD)

    def _send(self, apdu: bytes) -> bytes:
        if self._card is None:
            raise DeviceError(Fault.CARD_REMOVED, "no card is held")
        t1 = self._protocol == scard.SCARD_PROTOCOL_T1
        pci = scard.SCARD_PCI_T1 if t1 else scard.SCARD_PCI_T0
        result, answer = scard.SCardTransmit(self._card, pci, list(apdu))
        if result != scard.SCARD_S_SUCCESS:
            raise self._lost(result, self._cause_of(result))
        if not answer:  # torn away in the middle: some drivers call that a success
            raise self._lost(result, Fault.CARD_REMOVED)
        return bytes(byte & 0xFF for byte in answer)

    def _cause_of(self, result: int) -> Fault:
        """A card that is torn away often shows as a failed transaction: ask whether it is there."""
        cause = _fault(result)
        if cause not in (Fault.CARD_MUTE, Fault.CARD_READER_SERVICE):
            return cause
        watched = [(self._reader, scard.SCARD_STATE_UNAWARE)]
        asked, found = scard.SCardGetStatusChange(self._context, 0, watched)
        if asked not in (scard.SCARD_S_SUCCESS, scard.SCARD_E_TIMEOUT):
            return _fault(asked)
        return Fault.CARD_MUTE if _present(found) else Fault.CARD_REMOVED

    def _connect(self, name: str) -> bytes:
        result, card, protocol = scard.SCardConnect(
            self._opened(), name, scard.SCARD_SHARE_EXCLUSIVE, _PROTOCOLS
        )
        if result != scard.SCARD_S_SUCCESS:
            raise self._lost(result, _fault(result))
        self._card, self._protocol, self._reader = card, protocol, name
        result, _, _, _, atr = scard.SCardStatus(card)
        if result != scard.SCARD_S_SUCCESS:
            raise self._lost(result, _fault(result))
        return bytes(atr)

    def _readers(self) -> list[str]:
        result, names = scard.SCardListReaders(self._opened(), [])
        if result != scard.SCARD_S_SUCCESS:
            raise self._lost(result, _fault(result))
        fitting = [name for name in names if fnmatch(name.lower(), self._pattern)]
        if not fitting:
            raise DeviceError(Fault.CARD_READER_ABSENT, f"none of {len(names)} fits the name")
        return fitting

    def _states(self, wait: float, states: list[tuple[str, int]]) -> list[tuple[str, int, Any]]:
        milliseconds = round(wait * 1000)
        result, found = scard.SCardGetStatusChange(self._opened(), milliseconds, states)
        if result not in (scard.SCARD_S_SUCCESS, scard.SCARD_E_TIMEOUT):
            raise self._lost(result, _fault(result))
        return [(name, state & 0xFFFF, atr) for name, state, atr in found]

    def _again_if_stale(self, ask: Callable[[], _Answer]) -> _Answer:
        """A context from before a restart of pcscd fails once; a new one tells how things are."""
        stale = self._context is not None
        try:
            return ask()
        except DeviceError as error:
            if not (stale and error.code == Fault.CARD_READER_SERVICE):
                raise
        return ask()

    def _opened(self) -> Any:
        if self._context is None:
            result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
            if result != scard.SCARD_S_SUCCESS:
                raise DeviceError(_fault(result), scard.SCardGetErrorMessage(result))
            self._context = context
        return self._context

    def _lost(self, result: int, cause: Fault) -> DeviceError:
        """After any failure everything is opened anew: stale handles never work again."""
        self.release()
        context, self._context = self._context, None
        if context is not None:
            scard.SCardReleaseContext(context)
        return DeviceError(cause, scard.SCardGetErrorMessage(result))


def _present(states: list[tuple[str, int, Any]]) -> list[str]:
    """Readers where a card is, be it mute."""
    return [name for name, state, _ in states if state & scard.SCARD_STATE_PRESENT]


def _fault(result: int) -> Fault:
    return _FAULTS.get(result, Fault.CARD_READER_SERVICE)
