"""Tags, lengths and values as chips write them (ISO/IEC 7816-4; lengths up to three bytes)."""

from __future__ import annotations

from kiosk.failures import Fault, KioskError


def encode(tag: int, value: bytes) -> bytes:
    """``tag`` of one or two bytes, as it is written."""
    head = tag.to_bytes(2 if tag > 0xFF else 1, "big")
    length = len(value)
    if length < 0x80:
        return head + bytes([length]) + value
    size = (length.bit_length() + 7) // 8
    return head + bytes([0x80 | size]) + length.to_bytes(size, "big") + value


def read_length(data: bytes, at: int) -> tuple[int, int]:
    """A BER length at ``at`` and where its value starts. Raises KioskError (CHIP_UNREADABLE)."""
    first = data[at] if at < len(data) else 0xFF
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if not 1 <= count <= 3 or at + 1 + count > len(data):
        raise unreadable("not a length")
    return int.from_bytes(data[at + 1 : at + 1 + count], "big"), at + 1 + count


def objects(data: bytes) -> list[tuple[int, bytes]]:
    """Tags and values, one after the other. Raises KioskError (CHIP_UNREADABLE)."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(data):
        size = 2 if data[at] & 0x1F == 0x1F else 1
        tag = int.from_bytes(data[at : at + size], "big")
        length, start = read_length(data, at + size)
        if start + length > len(data):
            raise unreadable("a data object is cut off")
        found.append((tag, data[start : start + length]))
        at = start + length
    return found


def value(data: bytes, *path: int) -> bytes:
    """The value of the first object with each tag of ``path``, one inside the other.

    Raises KioskError (CHIP_UNREADABLE) where there is none.
    """
    for tag in path:
        data = next((inside for found, inside in objects(data) if found == tag), b"")
        if not data:
            raise unreadable(f"no object {tag:x}")
    return data


def unreadable(detail: str) -> KioskError:
    return KioskError(Fault.CHIP_UNREADABLE, detail, retryable=True)
