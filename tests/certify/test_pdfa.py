"""Issued copies keep the rules of PDF/A-2b, and whoever breaks one of them is told which."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name

from certify.issue import Issued, sign_copy
from tests.certify.conftest import Signers
from tests.certify.pdfa import RULES, broken_rules

pytestmark = pytest.mark.xdist_group("pkcs11")

Change = Callable[[pikepdf.Pdf], Any]


def test_a_copy_of_either_mode_keeps_all_rules(pre_check: Issued, post_check: Issued) -> None:
    assert broken_rules(pre_check.pdf) == []
    assert broken_rules(post_check.pdf) == []


def test_so_does_a_copy_that_an_officer_has_inspected(post_check: Issued, signers: Signers) -> None:
    assert broken_rules(sign_copy(post_check.pdf, signers.officer, "officer")) == []


def field(pdf: pikepdf.Pdf) -> Any:
    return pdf.Root.AcroForm.Fields[0]


def font(pdf: pikepdf.Pdf) -> Any:
    fonts = pdf.pages[0].Resources.Font
    return next(found for found in fonts.values() if "/FontDescriptor" in found)


def unclaimed(pdf: pikepdf.Pdf) -> None:
    with pdf.open_metadata() as metadata:
        del metadata["pdfaid:part"]


def narrowed(pdf: pikepdf.Pdf) -> None:
    found = font(pdf)
    found.Widths = Array([1] * len(found.Widths))


def renamed(pdf: pikepdf.Pdf) -> None:
    pdf.docinfo["/Title"] = "Another"


def scripted(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS="app.alert(1)")


def attached(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["a.exe"] = b"MZ"


def transferred(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].Resources.ExtGState["/gRLs0"].TR = Name.Identity


def profiled_as_grey(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OutputIntents[0].DestOutputProfile.N = 1


def encoded_by_lzw(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].Contents = pikepdf.Stream(pdf, b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01")
    pdf.pages[0].Contents.Filter = Name.LZWDecode


def put(target: Callable[[pikepdf.Pdf], Any], key: str, value: Any) -> Change:
    return lambda pdf: target(pdf).__setitem__(key, value)


def drop(target: Callable[[pikepdf.Pdf], Any], key: str) -> Change:
    return lambda pdf: target(pdf).__delitem__(key)


def root(pdf: pikepdf.Pdf) -> Any:
    return pdf.Root


# Names of the validator tell the clause of ISO 19005-2, or what it does not approve at all.
CHANGES: dict[str, tuple[Change, str]] = {
    "no claim": (unclaimed, "ISO_19005_2:6.6.4-1"),
    "version 2.0": (put(root, "/Version", Name("/2.0")), "ISO_19005_2:6.1.2-1"),
    "no output intent": (drop(root, "/OutputIntents"), "ISO_19005_2:6.2.4.3"),
    "a grey profile": (profiled_as_grey, "pikepdf:icc-components"),
    "a font left out": (
        drop(lambda pdf: font(pdf).FontDescriptor, "/FontFile2"),
        "ISO_19005_2:6.2.11.4.1",
    ),
    "wrong widths": (narrowed, "ISO_19005_2:6.2.11.5"),
    "a transfer function": (transferred, "ISO_19005_2:6.2.5-1"),
    "LZW": (encoded_by_lzw, "ISO_19005_2:6.1.7.2-1"),
    "JavaScript": (scripted, "pikepdf:schema-Catalog"),
    "an attachment": (attached, "pikepdf:associated-files"),
    "another language": (put(root, "/Lang", "en"), "language"),
    "another title": (renamed, "title"),
    "an XFA form": (put(lambda pdf: pdf.Root.AcroForm, "/XFA", "x"), "no-script"),
    "an action": (put(field, "/AA", Dictionary()), "no-script"),
    "a field without a picture": (drop(field, "/AP"), "fields-shown"),
    "a picture for mouse-overs": (
        put(lambda pdf: field(pdf).AP, "/R", Dictionary()),
        "fields-shown",
    ),
    "a hidden field": (put(field, "/F", 4 | 2), "fields-printed"),
    "other permissions": (put(lambda pdf: pdf.Root.Perms, "/Other", Dictionary()), "permissions"),
    "private data of no date": (
        drop(lambda pdf: pdf.Root.PieceInfo.MotCuaKiosk, "/LastModified"),
        "private-data",
    ),
    "another extension": (
        put(lambda pdf: pdf.Root.Extensions, "/OTHR", Dictionary(BaseVersion=Name("/1.7"))),
        "extensions",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_broken_rule_is_named(name: str, pre_check: Issued) -> None:
    change, rule = CHANGES[name]
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pre_check.pdf)) as pdf:
        change(pdf)
        pdf.save(out, stream_decode_level=pikepdf.StreamDecodeLevel.none, compress_streams=False)
    broken = broken_rules(out.getvalue())
    assert any(found.startswith(rule) for found in broken), broken


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        (b"%PDF-1.7", b"%PDF-2.0", "header"),
        (b"%%EOF\n", b"%%EOF\nmore", "end"),
        (b"/ByteRange [0 ", b"/ByteRange [1 ", "byte-ranges"),
    ],
)
def test_a_broken_rule_about_bytes_is_named(
    before: bytes, after: bytes, rule: str, pre_check: Issued
) -> None:
    start, _, end = pre_check.pdf.rpartition(before)
    assert start or end
    assert rule in broken_rules(start + after + end)


def test_a_signature_of_nobody_is_named(pre_check: Issued) -> None:
    """The certificates are an optional part of CMS, and none of PDF/A's."""
    with pikepdf.open(io.BytesIO(pre_check.pdf)) as pdf:
        value = field(pdf).V
        value.Contents = without_certificates(bytes(value.Contents))
        assert not RULES["one-signer"](b"", pdf)


def without_certificates(message: bytes) -> bytes:
    from asn1crypto import cms

    info = cms.ContentInfo.load(message, strict=False)
    info["content"]["certificates"] = cms.CertificateSet([])
    return bytes(info.dump(force=True))
