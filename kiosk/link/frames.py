"""Frames on the link socket: a length (``>I``) and CBOR of plain values."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import cbor2

MAX_FRAME = 80 * 1024 * 1024

_LENGTH = struct.Struct(">I")


def encode(message: dict[str, Any]) -> bytes:
    body = cbor2.dumps(message)
    return _LENGTH.pack(len(body)) + body


async def read(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next frame. Raises EOFError when the peer is gone, ValueError for nonsense."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > MAX_FRAME:
        raise ValueError("a frame that is too long")
    try:
        message = cbor2.loads(await reader.readexactly(length))
    except cbor2.CBORDecodeError as error:
        raise ValueError("a frame that is no CBOR") from error
    if not isinstance(message, dict):
        raise ValueError("a frame that is no map")
    return message
