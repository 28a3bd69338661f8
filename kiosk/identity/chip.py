"""Files of a citizen's chip (ICAO Doc 9303, parts 10 and 11), behind whichever lock it has.

What is read here is what *a* chip says. It proves nothing until its security object is verified
against the issuer's certificates, so nothing here gives an identity grade.
"""

from __future__ import annotations

from enum import IntEnum

from drivers.apdu import Command
from drivers.contract import CardReader
from kiosk.identity import tlv
from kiosk.identity.secure_messaging import SecureChannel

_SELECT_APPLICATION = bytes.fromhex("00A4040C")
_APPLICATION = bytes.fromhex("A0000002471001")
_SELECT_FILE = bytes.fromhex("00A4020C")
OK = 0x9000
_HEAD = 4  # bytes of a file that hold its tag and length, for files up to 64 KiB
_PIECE = 0xDF  # with secure messaging still a short answer
_MAX_FILE = 0x7FFF  # READ BINARY addresses 15 bits


class ChipFile(IntEnum):
    """Identifiers (Doc 9303-10, table 34). DG13 holds what the issuing state likes."""

    CARD_ACCESS = 0x011C
    SOD = 0x011D
    COM = 0x011E
    DG1 = 0x0101
    DG2 = 0x0102
    DG13 = 0x010D
    DG14 = 0x010E
    DG15 = 0x010F

    @property
    def tag(self) -> int:
        """With which the file must begin."""
        return _TAGS[self]

    @property
    def group(self) -> int:
        """Number of the data group; 0 for the others."""
        return self - 0x0100 if self < self.CARD_ACCESS else 0


_TAGS = {
    ChipFile.CARD_ACCESS: 0x31, ChipFile.SOD: 0x77, ChipFile.COM: 0x60, ChipFile.DG1: 0x61,
    ChipFile.DG2: 0x75, ChipFile.DG13: 0x6D, ChipFile.DG14: 0x6E, ChipFile.DG15: 0x6F,
}  # fmt: skip


class Chip:
    """A chip on ``reader``, which holds the card (``wait_for_card`` has returned).

    ``channel`` is None until access control gave one; every method raises DeviceError as
    ``transmit``, and KioskError (CHIP_UNREADABLE) for answers that are none.
    """

    def __init__(self, reader: CardReader) -> None:
        self._reader = reader
        self.channel: SecureChannel | None = None

    async def select_application(self) -> None:
        _, status = await self.exchange(_SELECT_APPLICATION, _APPLICATION)
        if status != OK:
            raise tlv.unreadable(f"no application: {status:04x}")

    async def read(self, file: ChipFile) -> bytes | None:
        """The whole file with its tag; None when this chip has no such file."""
        _, status = await self.exchange(_SELECT_FILE, file.to_bytes(2, "big"))
        if status != OK:
            return None
        data = await self._piece(0, _HEAD)
        if data[0] != file.tag:
            raise tlv.unreadable(f"{file.name}: another tag")
        length, start = tlv.read_length(data, 1)
        size = start + length
        if size > _MAX_FILE:
            raise tlv.unreadable("file too long")
        while len(data) < size:
            data += await self._piece(len(data), min(_PIECE, size - len(data)))
        return data[:size]

    async def ask(self, header: bytes, data: bytes) -> bytes:
        """The data of an answer that must be good."""
        answer, status = await self.exchange(header, data, 256)
        if status != OK:
            raise tlv.unreadable(f"status {status:04x}")
        return answer

    async def exchange(
        self, header: bytes, data: bytes = b"", expected: int = 0
    ) -> tuple[bytes, int]:
        """Data and status word of the answer to one command, protected where there is a channel."""
        if self.channel is None:
            (answer,) = await self._reader.transmit([Command(header, data, expected).encoded()])
            return answer[:-2], int.from_bytes(answer[-2:], "big")
        (answer,) = await self._reader.transmit([self.channel.wrap(header, data, expected)])
        return self.channel.unwrap(answer)

    async def _piece(self, offset: int, size: int) -> bytes:
        header = bytes([0x00, 0xB0]) + offset.to_bytes(2, "big")
        data, status = await self.exchange(header, expected=size)
        if status != OK or not data or len(data) > size:
            raise tlv.unreadable(f"status {status:04x}")
        return data
