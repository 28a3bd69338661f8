"""Failure codes owned by this package; their words are in ``config/failures.toml``."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    BUDGET_SPENT = "queue.budget-spent"
    BUSY = "queue.busy"
    DISK_FULL = "queue.disk-full"
    DAMAGED = "queue.damaged"
    ILLEGAL_MOVE = "queue.illegal-move"
    IO = "queue.io"
    LOCKED = "queue.locked"
    NOT_ENROLLED = "queue.not-enrolled"
    NOT_FOUND = "queue.not-found"
    NO_ROOM = "queue.no-room"
    READ_ONLY = "queue.read-only"
    RECEIPT_INVALID = "queue.receipt-invalid"
    REJECTED = "queue.rejected"
    UNKNOWN = "queue.unknown"
    UNREACHABLE = "queue.unreachable"
    UNSIGNED = "queue.unsigned"


class QueueError(Exception):
    """``retryable``: the same call may succeed later; nothing was lost either way.
    ``retry_after``: seconds that the other side asks to be left alone."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = str(code)
        self.detail = detail
        self.retryable = retryable
        self.retry_after = retry_after
