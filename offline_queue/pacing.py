"""How much to send at once, and how much in an hour."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

SMALLEST = 4 * 1024
LARGEST = 8 * 1024 * 1024
FIRST = 64 * 1024
HOUR = 3600.0

_MINUTE = 60.0


class Pace:
    """Size of the next piece, so that an acknowledgement comes about every ``target`` seconds.

    A long piece spares round trips; a short one loses less of its time when the line is cut.
    At most doubled and at least halved from one piece to the next: one odd measurement is no rate.
    """

    def __init__(self, target: float = 15.0, first: int = FIRST) -> None:
        self._target = target
        self._rate = 0.0
        self.size = first

    def acknowledged(self, size: int, seconds: float) -> None:
        self._rate = size / max(seconds, 1e-6)
        wanted = self._target * self._rate
        if size < self.size:  # a short last piece says little about how much more would fit
            wanted = max(wanted, float(self.size))
        self._set(min(2 * self.size, max(self.size // 2, int(wanted))))

    def expected(self, size: int) -> float:
        """Seconds that a piece should take; 0 while nothing is known."""
        return size / self._rate if self._rate else 0.0

    def lost(self) -> None:
        self._set(self.size // 2)

    def _set(self, size: int) -> None:
        self.size = min(LARGEST, max(SMALLEST, size))


class HourlyBudget:
    """Bytes that may be sent in any 60 minutes; 0 is without limit.

    Counted by the minute, so what was sent is forgotten up to a minute late, never early.
    """

    def __init__(self, size: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._spent: deque[tuple[float, int]] = deque()

    def spend(self, size: int) -> None:
        minute = self._clock() // _MINUTE
        if self._spent and self._spent[-1][0] == minute:
            size += self._spent.pop()[1]
        self._spent.append((minute, size))

    def allows(self, wanted: int) -> int:
        """How many of ``wanted`` bytes may go now."""
        if not self._size:
            return wanted
        self._forget()
        left = self._size - sum(size for _, size in self._spent)
        return max(0, min(wanted, left))

    def wait(self, wanted: int) -> float:
        """Seconds until ``wanted`` bytes, or all that an hour allows, may go."""
        if not self._size:
            return 0.0
        self._forget()
        over = sum(size for _, size in self._spent) + min(wanted, self._size) - self._size
        until = self._clock()
        for minute, size in self._spent:
            if over <= 0:
                break
            over -= size
            until = (minute + 1) * _MINUTE + HOUR
        return max(0.0, until - self._clock())

    def _forget(self) -> None:
        while self._spent and (self._spent[0][0] + 1) * _MINUTE + HOUR <= self._clock():
            self._spent.popleft()
