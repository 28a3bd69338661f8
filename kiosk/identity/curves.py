"""The elliptic curves of Doc 9303-11 (table 12), with the one operation that PACE needs more.

Scalars are multiplied by OpenSSL through ``cryptography``, in constant time, but its key agreement
gives the x of a point only. Which of two y belongs to it shows the x of the neighbouring multiple:
x((k+1)P) is the x of kP + P. So a point can be had whole without arithmetic of our own on secrets'
bits; what is left for us is one addition of two points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from asn1crypto import keys
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kiosk.identity.tlv import unreadable

_UNCOMPRESSED = b"\x04"
_NO_STRUCTURE = (
    UnsupportedAlgorithm, TypeError, KeyError, AttributeError, OverflowError, RecursionError,
)  # fmt: skip
"""How asn1crypto and cryptography answer bytes that are no key, beside ValueError."""
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
Point = tuple[int, int]


@dataclass(frozen=True)
class Curve:
    """y² = x³ + ax + b over a prime p with p mod 4 = 3; all curves of the table are such."""

    named: ec.EllipticCurve
    p: int
    a: int

    @cached_property
    def b(self) -> int:
        x, y = self.multiple_of_base(1)
        return (y * y - x * x * x - self.a * x) % self.p

    @property
    def size(self) -> int:
        """Bytes of a coordinate."""
        return (self.p.bit_length() + 7) // 8

    def multiple_of_base(self, scalar: int) -> Point:
        numbers = ec.derive_private_key(scalar, self.named).public_key().public_numbers()
        return numbers.x, numbers.y

    def multiple(self, scalar: int, point: Point) -> Point:
        """``scalar`` times ``point``. Raises ValueError for a point that is not on the curve."""
        x = self.shared_x(scalar, point)
        beyond = self.shared_x(scalar + 1, point)
        y = self._root(x)
        upper = (x, y)
        return upper if self.sum(upper, point)[0] == beyond else (x, self.p - y)

    def shared_x(self, scalar: int, point: Point) -> int:
        """The x of ``scalar`` times ``point``: the shared secret of ECDH (BSI TR-03111, 4.3)."""
        private = ec.derive_private_key(scalar, self.named)
        public = ec.EllipticCurvePublicNumbers(*point, self.named).public_key()
        return int.from_bytes(private.exchange(ec.ECDH(), public), "big")

    def sum(self, first: Point, second: Point) -> Point:
        """Raises ValueError where the sum is no point (of opposites)."""
        (x1, y1), (x2, y2) = first, second
        if first == second:
            slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.p)
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, self.p)
        x = (slope * slope - x1 - x2) % self.p
        return x, (slope * (x1 - x) - y1) % self.p

    def encoded(self, point: Point) -> bytes:
        x, y = (coordinate.to_bytes(self.size, "big") for coordinate in point)
        return _UNCOMPRESSED + x + y

    def decoded(self, data: bytes) -> Point:
        """Raises KioskError (CHIP_UNREADABLE) for what is no point of this curve."""
        x = int.from_bytes(data[1 : 1 + self.size], "big")
        y = int.from_bytes(data[1 + self.size :], "big")
        whole = len(data) == 1 + 2 * self.size and data[:1] == _UNCOMPRESSED
        if not whole or max(x, y) >= self.p or (y * y - x * x * x - self.a * x - self.b) % self.p:
            raise unreadable("no point of the curve")
        return x, y

    def _root(self, x: int) -> int:
        return pow(x * x * x + self.a * x + self.b, (self.p + 1) // 4, self.p)


def _nist(named: ec.EllipticCurve, p: int) -> Curve:
    return Curve(named, p, p - 3)


# Brainpool: RFC 5639, section 3. NIST: FIPS 186-4, appendix D.1.2.
_BRAINPOOL_256 = Curve(
    ec.BrainpoolP256R1(),
    int("A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377", 16),
    int("7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9", 16),
)
_BRAINPOOL_384 = Curve(
    ec.BrainpoolP384R1(),
    int(
        "8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B412B1DA197FB71123"
        "ACD3A729901D1A71874700133107EC53",
        16,
    ),
    int(
        "7BC382C63D8C150C3C72080ACE05AFA0C2BEA28E4FB22787139165EFBA91F90F"
        "8AA5814A503AD4EB04A8C7DD22CE2826",
        16,
    ),
)
_BRAINPOOL_512 = Curve(
    ec.BrainpoolP512R1(),
    int(
        "AADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA70330871"
        "7D4D9B009BC66842AECDA12AE6A380E62881FF2F2D82C68528AA6056583A48F3",
        16,
    ),
    int(
        "7830A3318B603B89E2327145AC234CC594CBDD8D3DF91610A83441CAEA9863BC"
        "2DED5D5AA8253AA10A2EF1C98B9AC8B57F1117A72BF2C7B9E7C1AC4D77FC94CA",
        16,
    ),
)
BY_PARAMETER_ID = {
    12: _nist(ec.SECP256R1(), 2**256 - 2**224 + 2**192 + 2**96 - 1),
    13: _BRAINPOOL_256,
    15: _nist(ec.SECP384R1(), 2**384 - 2**128 - 2**96 + 2**32 - 1),
    16: _BRAINPOOL_384,
    17: _BRAINPOOL_512,
    18: _nist(ec.SECP521R1(), 2**521 - 1),
}


def public_key(info: bytes) -> PublicKey:
    """A SubjectPublicKeyInfo, also one that spells its curve out, as chips do (9.4).

    Raises ValueError for other kinds of keys and unknown curves, KioskError (CHIP_UNREADABLE) for
    a point that is not on its curve.
    """
    try:
        return _public_key(info)
    except _NO_STRUCTURE as error:
        raise ValueError(type(error).__name__) from None


def _public_key(info: bytes) -> PublicKey:
    parsed = keys.PublicKeyInfo.load(info, strict=True)
    if parsed.algorithm == "ec" and parsed["algorithm"]["parameters"].name == "specified":
        domain = parsed["algorithm"]["parameters"].chosen
        curve = _curve_over(domain["field_id"]["parameters"].native, domain["order"].native)
        point = curve.decoded(parsed["public_key"].native)
        return ec.EllipticCurvePublicNumbers(*point, curve.named).public_key()
    key = serialization.load_der_public_key(info)
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise ValueError("kind of key")
    return key


def curve_of(key: ec.EllipticCurvePublicKey) -> Curve:
    """Raises ValueError."""
    for curve in BY_PARAMETER_ID.values():
        if curve.named.name == key.curve.name:
            return curve
    raise ValueError("unknown curve")


def _curve_over(p: int, order: int) -> Curve:
    for curve in BY_PARAMETER_ID.values():
        if curve.p == p and curve.named.group_order == order:
            return curve
    raise ValueError("unknown curve")
