"""What a benchmark reports, and how it takes time."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    value: float
    unit: str
    note: str = ""


def cpu_seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """Least CPU time of ``work``, its children included: other load on the machine adds none."""
    return min(_cpu(work) for _ in range(rounds))


def wall_seconds(work: Callable[[], object], rounds: int = 3) -> float:
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def _cpu(work: Callable[[], object]) -> float:
    before = _used()
    work()
    return _used() - before


def _used() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
