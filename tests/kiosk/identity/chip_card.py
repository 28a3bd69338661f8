"""A citizen's chip for tests: the card's side of Basic Access Control over the emulated reader."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from drivers.apdu import Command, parsed
from kiosk.identity import secure_messaging as sm
from kiosk.identity.chip import AccessKey

OK = b"\x90\x00"
REFUSED = b"\x69\x82"
NOT_FOUND = b"\x6a\x82"


class ChipCard:
    def __init__(self, files: Mapping[int, bytes], key: AccessKey) -> None:
        self._files = files
        self._key = key
        self.reset()

    def reset(self) -> None:
        self._challenge = b""
        self._selected = b""
        self._session: tuple[bytes, bytes] | None = None
        self._counter = 0

    def answer(self, apdu: bytes) -> bytes:
        command = parsed(apdu)
        if self._session:
            return self._answer_secured(command, *self._session)
        if command.header[:3] == b"\x00\xa4\x04":
            return OK
        if command.header[1] == 0x84:
            self._challenge = secrets.token_bytes(8)
            return self._challenge + OK
        return self._authenticate(command.data) if command.header[1] == 0x82 else REFUSED

    def _authenticate(self, proof: bytes) -> bytes:
        cryptogram, mac = proof[:32], proof[32:]
        if sm.retail_mac(self._key.mac, cryptogram) != mac:
            return b"\x63\x00"
        plain = sm.decrypt(self._key.encryption, cryptogram)
        theirs, ours = plain[16:], secrets.token_bytes(16)
        answer = sm.encrypt(self._key.encryption, self._challenge + plain[:8] + ours)
        self._counter = int.from_bytes(self._challenge[4:] + plain[4:8], "big")
        seed = bytes(a ^ b for a, b in zip(theirs, ours, strict=True))
        self._session = sm.session_keys(seed)
        return answer + sm.retail_mac(self._key.mac, answer) + OK

    def _answer_secured(self, command: Command, encryption: bytes, mac: bytes) -> bytes:
        objects = sm.data_objects(command.data)
        covered = command.data[: -2 - sm.BLOCK]
        if self._mac(mac, sm.pad(command.header) + covered) != objects[0x8E]:
            return b"\x69\x88"
        data = sm.unpad(sm.decrypt(encryption, objects[0x87][1:])) if 0x87 in objects else b""
        content, status = self._execute(command.header, data, objects.get(0x97, b"\0")[0] or 256)
        body = b""
        if content:
            cryptogram = b"\x01" + sm.encrypt(encryption, sm.pad(content))
            length = bytes([len(cryptogram)])
            body = b"\x87" + (b"\x81" + length if length[0] > 0x7F else length) + cryptogram
        body += b"\x99\x02" + status
        return body + b"\x8e\x08" + self._mac(mac, body) + OK

    def _execute(self, header: bytes, data: bytes, expected: int) -> tuple[bytes, bytes]:
        if header[1] == 0xA4:
            self._selected = self._files.get(int.from_bytes(data, "big"), b"")
            return b"", OK if self._selected else NOT_FOUND
        offset = int.from_bytes(header[2:], "big")
        return self._selected[offset : offset + expected], OK

    def _mac(self, key: bytes, message: bytes) -> bytes:
        self._counter += 1
        return sm.retail_mac(key, self._counter.to_bytes(8, "big") + message)
