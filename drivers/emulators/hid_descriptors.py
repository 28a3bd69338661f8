"""Report descriptors as readers have them, put together item by item."""

from __future__ import annotations

PAGE, USAGE, SIZE, COUNT, REPORT_ID = 0x04, 0x08, 0x74, 0x94, 0x84
USAGE_MINIMUM, USAGE_MAXIMUM, LOGICAL_MINIMUM, LOGICAL_MAXIMUM = 0x18, 0x28, 0x14, 0x24
INPUT, OUTPUT, COLLECTION, END_COLLECTION = 0x80, 0x90, 0xA0, 0xC0
DATA, CONSTANT, BUFFERED = 0x02, 0x03, 0x102
APPLICATION, LOGICAL = 1, 2
POS, DESKTOP, KEYS = 0x8C, 0x01, 0x07


def items(*pairs: tuple[int, int]) -> bytes:
    """Short items of HID 1.11, 6.2.2.2: tag and type, and a value in as few bytes as hold it."""
    found = b""
    for tag, value in pairs:
        code, length = next((c, n) for c, n in ((1, 1), (2, 2), (3, 4)) if value < 1 << 8 * n)
        found += bytes([tag | code]) + value.to_bytes(length, "little")
    return found


END = bytes([END_COLLECTION])


def pos_descriptor(data_bytes: int = 56, *, page: int = POS, report_id: int = 2) -> bytes:
    """A counted report as Honeywell, Metrologic and Access-IS describe it: id, length, the three
    bytes of the AIM identifier, data, two bytes of the maker's, and a byte whose lowest bit says
    that the payload goes on. ``page``: of the application collection."""
    return (
        items((PAGE, page), (USAGE, 0x02), (COLLECTION, APPLICATION))
        + items((PAGE, POS), (USAGE, 0x12), (COLLECTION, LOGICAL))
        + items((REPORT_ID, report_id), (LOGICAL_MINIMUM, 0), (LOGICAL_MAXIMUM, 255), (SIZE, 8))
        + items((COUNT, 1), (PAGE, DESKTOP), (USAGE, 0x3B), (INPUT, DATA))
        + items((COUNT, 3), (PAGE, POS), (USAGE, 0xFB), (USAGE, 0xFC), (USAGE, 0xFD), (INPUT, DATA))
        + items((COUNT, data_bytes), (USAGE, 0xFE), (INPUT, BUFFERED))
        + items((COUNT, 2), (PAGE, 0xFF66), (USAGE, 4), (USAGE, 0), (INPUT, DATA))
        + items((PAGE, POS), (LOGICAL_MAXIMUM, 1), (SIZE, 1), (COUNT, 8), (USAGE, 0xFF))
        + items((INPUT, DATA))
        + END
        + END
    )


KEYBOARD = (
    items((PAGE, DESKTOP), (USAGE, 6), (COLLECTION, APPLICATION), (PAGE, KEYS))
    + items((USAGE_MINIMUM, 0xE0), (USAGE_MAXIMUM, 0xE7), (LOGICAL_MINIMUM, 0))
    + items((LOGICAL_MAXIMUM, 1), (SIZE, 1), (COUNT, 8), (INPUT, DATA))
    + items((COUNT, 1), (SIZE, 8), (INPUT, CONSTANT))
    + items((COUNT, 6), (LOGICAL_MAXIMUM, 255), (USAGE_MINIMUM, 0), (USAGE_MAXIMUM, 255))
    + items((INPUT, 0))
    + END
)
"""A boot keyboard, HID 1.11, appendix B."""


def pos_reports(payload: bytes, aim: str = "]Q1", data_bytes: int = 56) -> list[bytes]:
    """``payload`` in reports that :func:`pos_descriptor` describes."""
    parts = [payload[n : n + data_bytes] for n in range(0, len(payload), data_bytes)] or [b""]
    return [
        bytes([2, len(part)])
        + aim.encode()
        + part.ljust(data_bytes, b"\0")
        + b"\0\0"
        + bytes([number < len(parts)])
        for number, part in enumerate(parts, 1)
    ]
