"""PWG raster (PWG 5102.4-2012): the page format that every IPP Everywhere printer takes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

SYNC = b"RaS2"
HEADER_BYTES = 1796
_GRAY, _SRGB = 18, 19  # ColorSpaceEnum sGray_8, sRGB_8
_MOST = 128  # pixels in one run, and repeats of one line in 256


@dataclass(frozen=True, slots=True)
class Page:
    """Rows top to bottom, ``height * width * channels`` bytes (1 gray, 3 sRGB).

    ``transform``: how a back side was turned for this printer, (cross feed, feed), 1 or -1.
    """

    pixels: bytes
    width: int
    height: int
    channels: int
    dpi: int
    transform: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What each page's header repeats. ``points``: paper size, 1/72 inch."""

    media: str
    points: tuple[int, int]
    duplex: bool = False
    tumble: bool = False


def encode(pages: list[Page], sheet: Sheet) -> bytes:
    """Copies are the job's business (attribute ``copies``), not the raster's."""
    parts = [SYNC]
    for page in pages:
        parts.append(_header(page, sheet, len(pages)))
        parts += _lines(page)
    return b"".join(parts)


def _header(page: Page, sheet: Sheet, total: int) -> bytes:
    header = bytearray(HEADER_BYTES)
    header[0:9] = b"PwgRaster"
    bits = 8 * page.channels
    fields = {
        272: (int(sheet.duplex),),
        276: (page.dpi, page.dpi),
        352: sheet.points,
        368: (int(sheet.tumble),),
        372: (page.width, page.height),
        384: (8, bits, page.width * page.channels, 0, _GRAY if page.channels == 1 else _SRGB),
        420: (page.channels,),
        452: (total,),
        464: (0, 0, page.width, page.height),
    }
    for offset, numbers in fields.items():
        struct.pack_into(f">{len(numbers)}I", header, offset, *numbers)
    struct.pack_into(">2i", header, 456, *page.transform)
    header[1732 : 1732 + len(sheet.media)] = sheet.media.encode("ascii")
    return bytes(header)


def _lines(page: Page) -> Iterator[bytes]:
    """Each different line once, with how often it repeats (0: once) before it."""
    size = page.width * page.channels
    rows = [page.pixels[at : at + size] for at in range(0, size * page.height, size)]
    at = 0
    while at < len(rows):
        count = 1
        while at + count < len(rows) and count < 256 and rows[at + count] == rows[at]:
            count += 1
        yield bytes([count - 1]) + pack_bits(rows[at], page.channels)
        at += count


def pack_bits(row: bytes, channels: int) -> bytes:
    """PackBits over pixels: 0..127 repeats the next pixel n + 1 times, 129..255 is followed by
    257 - n pixels as they are."""
    import numpy as np

    pixels = np.frombuffer(row, np.uint8).reshape(-1, channels)
    edges = np.flatnonzero((pixels[1:] != pixels[:-1]).any(axis=1)) + 1
    bounds = [0, *edges.tolist(), len(pixels)]
    packed = bytearray()
    literal = 0  # where pixels that do not repeat began
    for start, end in pairwise(bounds):
        if end - start == 1:
            continue
        _literals(packed, row, literal, start, channels)
        _repeats(packed, row[start * channels : (start + 1) * channels], end - start)
        literal = end
    _literals(packed, row, literal, len(pixels), channels)
    return bytes(packed)


def _repeats(packed: bytearray, pixel: bytes, count: int) -> None:
    while count > 0:
        part = min(count, _MOST)
        packed += bytes([part - 1]) + pixel
        count -= part


def _literals(packed: bytearray, row: bytes, start: int, end: int, channels: int) -> None:
    while start < end:
        part = min(end - start, _MOST)
        if part == 1:
            packed += b"\x00"
        else:
            packed.append(257 - part)
        packed += row[start * channels : (start + part) * channels]
        start += part


def decode(data: bytes) -> list[Page]:
    """For whoever receives it: emulators and tests. Raises ValueError."""
    if data[:4] != SYNC:
        raise ValueError("no PWG raster")
    pages, at = [], 4
    while at < len(data):
        header = data[at : at + HEADER_BYTES]
        if len(header) < HEADER_BYTES:
            raise ValueError("cut short")
        dpi, width, height = (struct.unpack_from(">I", header, o)[0] for o in (276, 372, 376))
        channels = struct.unpack_from(">I", header, 388)[0] // 8
        transform = struct.unpack_from(">2i", header, 456)
        pixels, at = _unpack(data, at + HEADER_BYTES, width * channels, height, channels)
        pages.append(Page(pixels, width, height, channels, dpi, (transform[0], transform[1])))
    return pages


def _unpack(data: bytes, at: int, size: int, height: int, channels: int) -> tuple[bytes, int]:
    pixels = bytearray()
    while len(pixels) < size * height:
        if at >= len(data):
            raise ValueError("cut short")
        times, at = data[at] + 1, at + 1
        row = bytearray()
        while len(row) < size:
            if at >= len(data):
                raise ValueError("cut short")
            code, at = data[at], at + 1
            count, step = (code + 1, 1) if code < 128 else (1, 257 - code)
            row += data[at : at + step * channels] * count
            at += step * channels
        pixels += row * times
    return bytes(pixels), at
