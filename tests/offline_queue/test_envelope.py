"""Segments as the format says, byte for byte; and nothing altered, moved or cut off ever opens."""

from __future__ import annotations

import base64
import hashlib
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from offline_queue import envelope
from offline_queue.envelope import PREFIX, SEGMENT, TAG
from offline_queue.errors import Fault, QueueError
from offline_queue.manifest import WrappedKey

KEY = bytes(range(32))
PREFIX_BYTES = bytes.fromhex("a0a1a2a3a4a5a6")
DOSSIER = UUID("01932f3c-8000-7000-8000-000000000001")
NAME = "page-1.jpg"


def encrypt(data: bytes, **other: bytes) -> bytes:
    return b"".join(envelope.encrypt_part(data, KEY, DOSSIER, NAME, **other))


def decrypt(ciphertext: bytes) -> bytes:
    return envelope.decrypt_part(ciphertext, KEY, DOSSIER, NAME)


def assert_damaged(ciphertext: bytes) -> None:
    with pytest.raises(QueueError) as caught:
        decrypt(ciphertext)
    assert caught.value.code == Fault.DAMAGED


def test_a_short_part_as_fixed_vector() -> None:
    assert encrypt(b"Ch\xc3\xa0o", prefix=PREFIX_BYTES).hex() == (
        "a0a1a2a3a4a5a634098abed772ad066c72ce1226113395d513a77916"
    )


def test_a_long_part_as_fixed_digest() -> None:
    data = bytes(number % 251 for number in range(2 * SEGMENT + 5))
    digest = hashlib.sha256(encrypt(data, prefix=PREFIX_BYTES)).hexdigest()
    assert digest == "fe8ec809d561ecbba758cc5586a9f534a5336a15c7560a2d29b95bc506cdaaa8"


def test_segments_follow_the_format_when_made_by_hand() -> None:
    about = b"mot-cua/part/1\0" + DOSSIER.bytes + NAME.encode()
    first, last = b"a" * SEGMENT, b"b" * 10
    by_hand = (
        PREFIX_BYTES
        + AESGCM(KEY).encrypt(PREFIX_BYTES + b"\0\0\0\0\0", first, about)
        + AESGCM(KEY).encrypt(PREFIX_BYTES + b"\0\0\0\1\1", last, about)
    )
    assert encrypt(first + last, prefix=PREFIX_BYTES) == by_hand
    assert decrypt(by_hand) == first + last


@pytest.mark.parametrize("size", [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT])
def test_round_trip_at_the_borders_of_a_segment(size: int) -> None:
    data = bytes(size)
    ciphertext = encrypt(data)
    assert len(ciphertext) == PREFIX + size + TAG * max(1, -(-size // SEGMENT))
    assert decrypt(ciphertext) == data


def test_the_same_part_never_gives_the_same_ciphertext() -> None:
    assert encrypt(b"page") != encrypt(b"page")


def test_a_view_of_wider_items_is_taken_byte_by_byte() -> None:
    wide = memoryview(bytes(range(16))).cast("I")
    ciphertext = b"".join(envelope.encrypt_part(wide, KEY, DOSSIER, NAME))
    assert decrypt(ciphertext) == bytes(range(16))


@pytest.mark.parametrize("place", [0, PREFIX, PREFIX + SEGMENT + TAG, -1])
def test_an_altered_byte_is_noticed(place: int) -> None:
    altered = bytearray(encrypt(bytes(2 * SEGMENT)))
    altered[place] ^= 1
    assert_damaged(bytes(altered))


def test_moved_repeated_cut_and_appended_segments_are_noticed() -> None:
    ciphertext = encrypt(bytes(3 * SEGMENT))
    prefix, body = ciphertext[:PREFIX], ciphertext[PREFIX:]
    step = SEGMENT + TAG
    one, two, three = body[:step], body[step : 2 * step], body[2 * step :]
    for other in (two + one + three, one + one + three, one + two, one + two + three + three):
        assert_damaged(prefix + other)
    for cut in (ciphertext[:-1], ciphertext[:PREFIX], ciphertext[:3], b"", ciphertext + b"x"):
        assert_damaged(cut)


@pytest.mark.parametrize(
    ("dossier", "name"), [(DOSSIER, "page-2.jpg"), (UUID(int=DOSSIER.int + 1), NAME)]
)
def test_a_part_cannot_stand_in_for_another(dossier: UUID, name: str) -> None:
    with pytest.raises(QueueError):
        envelope.decrypt_part(encrypt(b"page"), KEY, dossier, name)


def test_the_data_key_opens_for_the_portal_alone_and_for_its_dossier_alone() -> None:
    portal = X25519PrivateKey.generate()
    wrapped = envelope.wrap(KEY, DOSSIER, "portal-1", portal.public_key().public_bytes_raw())
    assert wrapped.key_id == "portal-1"
    assert envelope.unwrap(portal, DOSSIER, wrapped) == KEY
    altered = wrapped.model_copy(update={"wrapped": wrapped.wrapped[:-8] + "AAAAAAA="})
    for key, dossier, what in (
        (X25519PrivateKey.generate(), DOSSIER, wrapped),
        (portal, UUID(int=1), wrapped),
        (portal, DOSSIER, altered),
        (portal, DOSSIER, wrapped.model_copy(update={"wrapped": "no base64!"})),
        (portal, DOSSIER, wrapped.model_copy(update={"wrapped": ""})),
    ):
        with pytest.raises(QueueError) as caught:
            envelope.unwrap(key, dossier, what)
        assert caught.value.code == Fault.DAMAGED


def test_a_wrapped_key_of_an_earlier_version_still_opens() -> None:
    portal = X25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
    wrapped = WrappedKey(
        key_id="portal-1",
        wrapped=(
            "5W9FZ+GrAfE/I4vwGao7QBciOazZEWaY1KcvzHcWI3251oQuRathtZIXIRHf"
            "SVyQKtdqSPudwDTQi4Ffjdk2BSdrrDOX/q8jplve9LgPRIE="
        ),
    )
    assert len(base64.b64decode(wrapped.wrapped)) == 32 + 32 + TAG
    assert envelope.unwrap(portal, DOSSIER, wrapped) == KEY


def test_a_wrapped_key_of_another_length_is_refused() -> None:
    portal = X25519PrivateKey.generate()
    short = envelope.wrap(KEY[:16], DOSSIER, "portal-1", portal.public_key().public_bytes_raw())
    with pytest.raises(QueueError):
        envelope.unwrap(portal, DOSSIER, short)


def test_a_local_wrap_opens_with_its_key_and_context_alone() -> None:
    wrapped = envelope.wrap_local(KEY, bytes(32), b"context")
    assert envelope.unwrap_local(wrapped, bytes(32), b"context") == KEY
    for key, context, what in (
        (bytes(31) + b"1", b"context", wrapped),
        (bytes(32), b"other", wrapped),
        (bytes(32), b"context", wrapped[:-1]),
        (bytes(32), b"context", b""),
    ):
        with pytest.raises(QueueError):
            envelope.unwrap_local(what, key, context)
