"""A citizen's chip for the emulated reader: the card's side of BAC, PACE, secure messaging, chip
and active authentication (ICAO Doc 9303-11)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from drivers.apdu import Command, parsed
from kiosk.failures import KioskError
from kiosk.identity import access, ciphers, security_infos, tlv
from kiosk.identity.access import Password
from kiosk.identity.chip import ChipFile
from kiosk.identity.ciphers import TRIPLE_DES, Suite
from kiosk.identity.curves import Point
from kiosk.identity.security_infos import PaceOffer
from kiosk.sandbox.card_state import IssuedChip, card_access

OK = b"\x90\x00"
_REFUSED = b"\x69\x82"
_NOT_FOUND = b"\x6a\x82"
_WRONG_DATA = b"\x6a\x80"
_NOT_THIS_CARD = b"\x63\x00"
_WRONG_CHANNEL = b"\x69\x88"
_NOT_KNOWN = b"\x6d\x00"
_CURVE_BYTES = 32


@dataclass(frozen=True, slots=True)
class _Pace:
    """What the card keeps between the steps of PACE."""

    password: bytes
    nonce: int = 0
    base: Point | None = None
    keys: tuple[bytes, bytes] = (b"", b"")
    my_point: Point | None = None
    their_point: Point | None = None


class ChipCard:
    """``pace``: EF.CardAccess where the card offers PACE; empty for a card with BAC alone.
    ``scalar``: random numbers below an order, for worked examples."""

    def __init__(
        self,
        chip: IssuedChip,
        *,
        pace: bytes | None = None,
        scalar: Callable[[int], int] = lambda order: secrets.randbelow(order - 2) + 1,
    ) -> None:
        self._chip = chip
        self._card_access = card_access() if pace is None else pace
        self._scalar = scalar
        self.reset()

    def reset(self) -> None:
        self._challenge = b""
        self._selected = b""
        self._channel: _Channel | None = None
        self._next_channel: _Channel | None = None
        self._pace: _Pace | None = None

    def answer(self, apdu: bytes) -> bytes:
        try:
            command = parsed(apdu)
            if self._channel:
                return self._answer_secured(command, self._channel)
            data, status = self._unsecured(command)
            self._channel, self._next_channel = self._next_channel, None
            return data + status
        except (ValueError, KeyError, KioskError):
            return _WRONG_DATA

    # -- before access control ---------------------------------------------------------------

    def _unsecured(self, command: Command) -> tuple[bytes, bytes]:
        head = command.header
        if head[1:3] == b"\xa4\x04":
            return b"", OK
        if head[1] in (0xA4, 0xB0):
            return self._file({ChipFile.CARD_ACCESS: self._card_access}, command)
        if head[1] == 0x84:
            self._challenge = secrets.token_bytes(8)
            return self._challenge, OK
        if head[1] == 0x82:
            return self._basic_access(command.data)
        if head[1] == 0x22:
            return self._choose_pace(dict(tlv.objects(command.data)))
        if head[1] == 0x86 and self._pace:
            (_, inside), *_ = tlv.objects(command.data)
            return self._pace_step(self._pace, dict(tlv.objects(inside)))
        return b"", _REFUSED

    def _basic_access(self, proof: bytes) -> tuple[bytes, bytes]:
        secret = Password.of_mrz(self._chip.zone.information).secret[:16]
        encryption, mac = ciphers.session_keys(TRIPLE_DES, secret)
        cryptogram = proof[:32]
        if TRIPLE_DES.mac(mac, cryptogram) != proof[32:]:
            return b"", _NOT_THIS_CARD
        plain = TRIPLE_DES.decrypt(encryption, cryptogram)
        ours = secrets.token_bytes(16)
        answer = TRIPLE_DES.encrypt(encryption, self._challenge + plain[:8] + ours)
        seed = bytes(a ^ b for a, b in zip(plain[16:], ours, strict=True))
        counter = int.from_bytes(self._challenge[4:] + plain[4:8], "big")
        self._next_channel = _Channel(TRIPLE_DES, ciphers.session_keys(TRIPLE_DES, seed), counter)
        return answer + TRIPLE_DES.mac(mac, answer), OK

    @property
    def _offer(self) -> PaceOffer:
        return security_infos.parse(self._card_access).pace[0]

    def _choose_pace(self, objects: dict[int, bytes]) -> tuple[bytes, bytes]:
        if not self._card_access or objects.get(0x80) != self._offer.oid:
            return b"", _WRONG_DATA
        zone = Password.of_mrz(self._chip.zone.information)
        known = {zone.kind: zone.secret, 2: self._chip.can.encode()}
        self._pace = _Pace(known[objects[0x83][0]])
        return b"", OK

    def _pace_step(self, so_far: _Pace, objects: dict[int, bytes]) -> tuple[bytes, bytes]:
        curve = self._offer.curve
        if not objects:
            nonce = secrets.token_bytes(16)
            key = ciphers.password_key(self._offer.suite, so_far.password)
            self._pace = _Pace(so_far.password, int.from_bytes(nonce, "big"))
            return _dynamic(0x80, self._offer.suite.encrypt(key, nonce)), OK
        if 0x81 in objects:
            scalar, theirs = self._scalar(curve.named.group_order), curve.decoded(objects[0x81])
            base = curve.sum(curve.multiple_of_base(so_far.nonce), curve.multiple(scalar, theirs))
            self._pace = _Pace(so_far.password, base=base)
            return _dynamic(0x82, curve.encoded(curve.multiple_of_base(scalar))), OK
        if 0x83 in objects and so_far.base:
            return self._agree(so_far.base, curve.decoded(objects[0x83]))
        return self._finish(so_far, objects.get(0x85, b""))

    def _agree(self, base: Point, theirs: Point) -> tuple[bytes, bytes]:
        curve = self._offer.curve
        scalar = self._scalar(curve.named.group_order)
        mine = curve.multiple(scalar, base)
        secret = curve.shared_x(scalar, theirs).to_bytes(curve.size, "big")
        keys = ciphers.session_keys(self._offer.suite, secret)
        self._pace = _Pace(b"", keys=keys, my_point=mine, their_point=theirs)
        return _dynamic(0x84, curve.encoded(mine)), OK

    def _finish(self, so_far: _Pace, token: bytes) -> tuple[bytes, bytes]:
        self._pace = None
        if so_far.my_point is None or so_far.their_point is None:
            return b"", _REFUSED
        mac = so_far.keys[1]
        if token != access.pace_token(self._offer, mac, so_far.my_point):
            return b"", _NOT_THIS_CARD
        self._next_channel = _Channel(self._offer.suite, so_far.keys, 0)
        return _dynamic(0x86, access.pace_token(self._offer, mac, so_far.their_point)), OK

    # -- behind it ---------------------------------------------------------------------------

    def _answer_secured(self, command: Command, channel: _Channel) -> bytes:
        opened = channel.opened(command)
        if opened is None:
            self.reset()
            return _WRONG_CHANNEL
        content, status = self._secured(opened)
        answer = channel.closed(content, status)
        if self._next_channel:
            self._channel, self._next_channel = self._next_channel, None
        return answer

    def _secured(self, command: Command) -> tuple[bytes, bytes]:
        head = command.header
        if head[1:3] == b"\xa4\x04":
            return b"", OK
        if head[1] in (0xA4, 0xB0):
            return self._file(self._chip.files, command)
        if head[1] == 0x88 and self._chip.signing_key:
            return self._sign(command.data), OK
        if head[1] == 0x22 and self._chip.agreement_key:
            return self._set_agreement(dict(tlv.objects(command.data)))
        if head[1] == 0x86 and self._chip.agreement_key:
            return self._agree_anew(tlv.value(command.data, 0x7C, 0x80), ciphers.AES_128)
        return b"", _NOT_KNOWN

    def _file(self, files: Mapping[int, bytes], command: Command) -> tuple[bytes, bytes]:
        if command.header[1] == 0xA4:
            self._selected = files.get(int.from_bytes(command.data, "big"), b"")
            return b"", OK if self._selected else _NOT_FOUND
        offset = int.from_bytes(command.header[2:], "big")
        return self._selected[offset : offset + command.expected], OK

    def _set_agreement(self, objects: dict[int, bytes]) -> tuple[bytes, bytes]:
        if 0x91 in objects:
            _, status = self._agree_anew(objects[0x91], TRIPLE_DES)
            return b"", status
        return b"", OK if 0x80 in objects else _WRONG_DATA

    def _agree_anew(self, point: bytes, suite: Suite) -> tuple[bytes, bytes]:
        key = self._chip.agreement_key
        assert key, "asked for only where there is one"
        public = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, point)
        secret = key.exchange(ec.ECDH(), public)
        self._next_channel = _Channel(suite, ciphers.session_keys(suite, secret), 0)
        return tlv.encode(0x7C, b""), OK

    def _sign(self, challenge: bytes) -> bytes:
        key = self._chip.signing_key
        if isinstance(key, rsa.RSAPrivateKey):
            return _sign_with_recovery(key, challenge)
        assert key, "asked for only where there is one"
        r, s = decode_dss_signature(key.sign(challenge, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(_CURVE_BYTES, "big") + s.to_bytes(_CURVE_BYTES, "big")


class _Channel:
    """The card's end of secure messaging."""

    def __init__(self, suite: Suite, keys: tuple[bytes, bytes], counter: int) -> None:
        self._suite = suite
        self._encryption, self._mac = keys
        self._counter = counter

    def opened(self, command: Command) -> Command | None:
        """The command inside; None when its MAC is wrong."""
        counter = self._next()
        objects = dict(tlv.objects(command.data))
        covered = ciphers.pad(command.header, self._suite.block) + command.data[:-10]
        if self._suite.channel_mac(self._mac, counter + covered) != objects.get(0x8E):
            return None
        data = b""
        if 0x87 in objects:
            plain = self._suite.decrypt(self._encryption, objects[0x87][1:], counter)
            data = ciphers.unpad(plain)
        return Command(command.header, data, objects.get(0x97, b"\0")[0] or 256)

    def closed(self, content: bytes, status: bytes) -> bytes:
        counter = self._next()
        body = b""
        if content:
            padded = ciphers.pad(content, self._suite.block)
            body = tlv.encode(
                0x87, b"\x01" + self._suite.encrypt(self._encryption, padded, counter)
            )
        body += tlv.encode(0x99, status)
        return body + tlv.encode(0x8E, self._suite.channel_mac(self._mac, counter + body)) + OK

    def _next(self) -> bytes:
        self._counter += 1
        return self._counter.to_bytes(self._suite.block, "big")


def _sign_with_recovery(key: rsa.RSAPrivateKey, challenge: bytes) -> bytes:
    """ISO/IEC 9796-2, scheme 1, with SHA-256."""
    numbers = key.private_numbers()
    n = numbers.public_numbers.n
    size = (n.bit_length() + 7) // 8
    own = secrets.token_bytes(size - 1 - 32 - 2)
    digest = hashlib.sha256(own + challenge).digest()
    message = int.from_bytes(b"\x6a" + own + digest + b"\x34\xcc", "big")
    return pow(message, numbers.d, n).to_bytes(size, "big")


def _dynamic(tag: int, value: bytes) -> bytes:
    return tlv.encode(0x7C, tlv.encode(tag, value))
