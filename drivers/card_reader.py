"""Card readers by PC/SC (pcscd), contactless or with a slot; pyscard runs in a supervised child."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drivers.apdu import parsed
from drivers.contract import DeviceError, Fault, Health, Status
from drivers.standing import Standing
from drivers.supervisor import Child, ChildSpec

_LOOK_SECONDS = 0.5  # one look; a caller that is cancelled leaves the child busy no longer
_SPARE_SECONDS = 5.0  # starting the child, and pcscd's own slowness
_CHILD_FAULTS = {
    Fault.CHILD_DEFECT,
    Fault.CHILD_DIED,
    Fault.CHILD_TIMEOUT,
    Fault.CHILD_CIRCUIT_OPEN,
}
_ABSENCES = {Fault.CARD_READER_ABSENT, Fault.CARD_READER_SERVICE}


class PcscCardReader:
    """``reader``: name with ``*`` and ``?``. ``socket``: pcscd's, empty for the system's own."""

    def __init__(self, *, reader: str = "*", socket: str = "", deadline: float = 5.0) -> None:
        environment = {"PCSCLITE_CSOCK_NAME": socket} if socket else {}
        self._child = Child(
            ChildSpec(
                "card-reader",
                "drivers.card_reader_child:Worker",
                {"pattern": reader},
                environment=environment,
            )
        )
        self._deadline = deadline
        self._standing = Standing()

    def status(self) -> Status:
        return self._standing.status()

    async def check(self) -> None:
        """Raises DeviceError (CARD_READER_*) when no reader could read a card now."""
        await self._ask("check", _SPARE_SECONDS)

    async def wait_for_card(self) -> bytes:
        """Wait for one card and power it up; its ATR. Cancel to stop waiting.

        Raises DeviceError: CARD_READER_*, CARD_SEVERAL, CARD_MUTE, CARD_PROTOCOL.
        """
        while True:
            atr = await self._ask("look", _LOOK_SECONDS + _SPARE_SECONDS, wait=_LOOK_SECONDS)
            if atr is not None:
                return bytes(atr)

    async def transmit(self, apdus: Sequence[bytes]) -> list[bytes]:
        """Send commands; answers (data and status word) up to the first that is not 9000.

        Long answers (61xx, 6Cxx) come whole; extended lengths are chained where the wire lacks
        them. ``deadline`` holds for each exchange. Raises DeviceError: CARD_REMOVED, CARD_MUTE,
        CARD_GARBLED, CARD_READER_*; then the card must be waited for again. A malformed command
        raises ValueError.
        """
        answers: list[bytes] = []
        for apdu in apdus:
            parsed(apdu)
            answers.append(await self._exchange(apdu))
            if answers[-1][-2:] != b"\x90\x00":
                break
        return answers

    async def release(self) -> None:
        """Power the card down, so that nothing of it counts for the next person."""
        await self._ask("release", _SPARE_SECONDS)

    async def close(self) -> None:
        await self._child.close()

    async def _exchange(self, apdu: bytes) -> bytes:
        # A child that is gone begins anew, and without a card: that is to be told, not its start.
        spare = 0.0 if self._child.pid else _SPARE_SECONDS
        try:
            answers = await self._ask("transmit", self._deadline + spare, apdus=[apdu])
        except DeviceError as error:
            if error.code == Fault.CHILD_TIMEOUT:
                raise DeviceError(Fault.CARD_MUTE, "no answer in time") from None
            if error.code == Fault.CHILD_DIED:
                raise DeviceError(Fault.CARD_REMOVED, f"the child died: {error.detail}") from None
            raise
        return bytes(answers[0])

    async def _ask(self, method: str, deadline: float, **arguments: Any) -> Any:
        if self._standing.status().health is Health.READY:
            self._standing.set(Health.BUSY)
        try:
            answer = await self._child.call(method, deadline=deadline, **arguments)
        except DeviceError as error:
            self._note(error.code)
            raise
        finally:
            if self._standing.status().health is Health.BUSY:
                self._standing.set(Health.READY)
        self._standing.set(Health.READY)
        return answer

    def _note(self, code: str) -> None:
        """A card at fault leaves the reader ready."""
        if code in _ABSENCES:
            self._standing.set(Health.ABSENT, code)
        elif code in _CHILD_FAULTS or code == Fault.CARD_READER_BUSY:
            self._standing.set(Health.FAULT, code)
