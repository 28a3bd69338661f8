"""The IPP codec and PWG raster: what is written is read back, and garbage is told as garbage."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import ipp, pwg_raster

_INTEGERS = st.integers(-(2**31), 2**31 - 1)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_PLAIN = st.one_of(
    st.lists(_INTEGERS, min_size=1, max_size=4).map(lambda v: ipp.attribute(ipp.INTEGER, *v)),
    st.lists(st.booleans(), min_size=1, max_size=3).map(lambda v: ipp.attribute(ipp.BOOLEAN, *v)),
    st.lists(_TEXTS, min_size=1, max_size=3).map(lambda v: ipp.attribute(ipp.TEXT, *v)),
    st.binary(max_size=20).map(lambda v: ipp.attribute(ipp.OCTETS, v)),
    st.builds(ipp.Range, _INTEGERS, _INTEGERS).map(lambda v: ipp.attribute(ipp.RANGE, v)),
    st.builds(ipp.Resolution, _INTEGERS, _INTEGERS, st.sampled_from([3, 4])).map(
        lambda v: ipp.attribute(ipp.RESOLUTION, v)
    ),
    st.just(ipp.attribute(ipp.NO_VALUE, None)),
)
_NAMES = st.text("abcdefghij-", min_size=1, max_size=12)
_VALUES = st.recursive(
    _PLAIN,
    lambda inner: st.dictionaries(_NAMES, inner, max_size=3).map(
        lambda members: ipp.attribute(ipp.COLLECTION, members)
    ),
    max_leaves=6,
)
_MESSAGES = st.builds(
    ipp.Message,
    code=st.integers(0, 0x7FFF),
    request_id=st.integers(0, 2**32 - 1),
    groups=st.lists(
        st.tuples(st.sampled_from([1, 2, 4, 5]), st.dictionaries(_NAMES, _VALUES, max_size=4)),
        max_size=3,
    ).map(tuple),
    data=st.binary(max_size=30),
)


@given(_MESSAGES)
def test_a_message_is_read_as_it_was_written(message: ipp.Message) -> None:
    assert ipp.decode(ipp.encode(message)) == message


@given(_MESSAGES, st.data())
def test_a_message_that_is_cut_or_changed_is_malformed_or_another(
    message: ipp.Message, data: st.DataObject
) -> None:
    raw = bytearray(ipp.encode(message))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    end = data.draw(st.integers(0, len(raw)))
    for damaged in (bytes(raw), bytes(raw[:end])):
        try:
            assert isinstance(ipp.decode(damaged), ipp.Message)
        except ipp.MalformedError:
            pass


@given(st.binary(max_size=200))
def test_garbage_raises_nothing_but_malformed(raw: bytes) -> None:
    try:
        ipp.decode(b"\x02\x00" + raw)
    except ipp.MalformedError:
        pass


def test_the_example_of_rfc_8010() -> None:
    """Appendix A.1, the head of its Print-Job request."""
    raw = bytes.fromhex("0101 0002 00000001 01 47 0012") + b"attributes-charset"
    raw += b"\x00\x05utf-8\x48\x00\x1battributes-natural-language\x00\x05en-us"
    raw += b"\x45\x00\x0bprinter-uri\x00\x15ipp://printer/pinetree"[:14]
    raw += struct.pack(">H", 22) + b"ipp://printer/pinetree"
    raw += b"\x02\x21\x00\x06copies\x00\x04\x00\x00\x00\x14\x03%!PDF"
    message = ipp.decode(raw)
    assert (message.code, message.data, message.version) == (2, b"%!PDF", (1, 1))
    assert ipp.strings(message.group(1), "printer-uri") == ("ipp://printer/pinetree",)
    assert ipp.integer(message.group(2), "copies") == 20


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes.fromhex("0900 000b 00000001 03"),  # version 9
        bytes.fromhex("0200 000b 00000001 01 21 0001 61 0002 0001 03"),  # a short integer
        bytes.fromhex("0200 000b 00000001 21 0001 61 0004 00000001 03"),  # outside a group
        bytes.fromhex("0200 000b 00000001 01 21 0000 0004 00000001 03"),  # without a name
        bytes.fromhex("0200 000b 00000001 01 41 0001 61 0001 ff 03"),  # no UTF-8
        bytes.fromhex(
            "0200 000b 00000001 01" + "34 0001 61 0000" + "4a 0000 0001 62 34 0000 0000" * 9
        ),
    ],
)
def test_what_is_malformed(raw: bytes) -> None:
    with pytest.raises(ipp.MalformedError):
        ipp.decode(raw)


@settings(deadline=None)
@given(st.integers(1, 3), st.integers(1, 300), st.integers(1, 6), st.data())
def test_raster_is_read_as_it_was_written(
    channels: int, width: int, height: int, data: st.DataObject
) -> None:
    channels = 3 if channels == 3 else 1
    rows = data.draw(
        st.lists(
            st.lists(st.sampled_from([0, 7, 255]), min_size=width, max_size=width),
            min_size=height,
            max_size=height,
        )
    )
    pixels = b"".join(bytes([value] * channels) for row in rows for value in row)
    page = pwg_raster.Page(pixels, width, height, channels, 300)
    sheet = pwg_raster.Sheet("iso_a4_210x297mm", (595, 842))
    assert pwg_raster.decode(pwg_raster.encode([page, page], sheet)) == [page, page]


def test_a_line_in_raster_by_hand() -> None:
    """PWG 5102.4, 4.4: the example line of pixels, and a page of 257 equal lines."""
    row = b"\x00" * 3 + b"\x01\x02\x03" + b"\xff" * 130
    assert pwg_raster.pack_bits(row, 1) == b"\x02\x00\xfe\x01\x02\x03\x7f\xff\x01\xff"
    page = pwg_raster.Page(b"\xff" * 257, 1, 257, 1, 300)
    raster = pwg_raster.encode([page], pwg_raster.Sheet("iso_a4_210x297mm", (595, 842)))
    assert raster[4 + pwg_raster.HEADER_BYTES :] == b"\xff\x00\xff\x00\x00\xff"


def test_the_header_of_a_raster_page() -> None:
    sheet = pwg_raster.Sheet("iso_a4_210x297mm", (595, 842), duplex=True)
    page = pwg_raster.Page(b"\x00" * 12, 2, 2, 3, 600, (-1, -1))
    header = pwg_raster.encode([page], sheet)[4 : 4 + pwg_raster.HEADER_BYTES]

    def number(offset: int) -> int:
        return int(struct.unpack_from(">i", header, offset)[0])

    assert header.startswith(b"PwgRaster\x00")
    assert header[1732:].rstrip(b"\x00") == b"iso_a4_210x297mm"
    assert [number(at) for at in (272, 276, 280, 352, 356, 368)] == [1, 600, 600, 595, 842, 0]
    assert [number(at) for at in (372, 376, 384, 388, 392, 396, 400)] == [2, 2, 8, 24, 6, 0, 19]
    assert [number(at) for at in (420, 452, 456, 460)] == [3, 1, -1, -1]
