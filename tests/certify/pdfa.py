"""Rules of PDF/A-2b (ISO 19005-2) that a copy must keep, as far as they can be judged here.

No veraPDF is at hand. pikepdf's validator knows its rules and approves only what it recognises,
but it knows no forms. So the rules of forms and signatures are written down here, and the
validator gets the pictures of the fields as stamps, which it does know.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pikepdf
from asn1crypto import cms
from pikepdf import Name, pdfa

PRINT = 4
_UNSEEN = 1 | 2 | 32 | 256  # invisible, hidden, no view, toggled view
# The validator looks at no further rule for these, and RULES does.
_BEYOND_VALIDATOR = ("/AcroForm", "/Perms", "/PieceInfo", "/Extensions", "/DSS")


def broken_rules(pdf: bytes) -> list[str]:
    """Names of broken rules, ours and the validator's; empty for a copy that keeps them all."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        broken = [name for name, holds in RULES.items() if not holds(pdf, opened)]
        _lay_open(opened)
        broken += [finding.rule for finding in pdfa.check(opened, "2b").findings]
    whole = pdfa.validate_written(io.BytesIO(pdf), "2b")
    broken += [found.rule for found in whole.findings if not _beyond(found)]
    return broken


def _beyond(finding: Any) -> bool:
    unread = finding.rule == "pikepdf:schema-Catalog" and finding.kind == "unsupported"
    return unread and any(key in str(finding) for key in _BEYOND_VALIDATOR)


def _lay_open(pdf: pikepdf.Pdf) -> None:
    for widget in _widgets(pdf):
        for key in set(widget.keys()) - {"/Type", "/Rect", "/F", "/AP"}:
            del widget[key]
        widget.Subtype = Name.Stamp
    for key in _BEYOND_VALIDATOR:
        if key in pdf.Root:
            del pdf.Root[key]


def _header(pdf: bytes, _: pikepdf.Pdf) -> bool:
    """6.1.2: a version of 1.n, then a comment of bytes that show the file to be binary."""
    first, second = pdf.split(b"\n", 2)[:2]
    return first in (b"%PDF-1.4", b"%PDF-1.7") and second[:1] == b"%" and min(second[1:5]) > 127


def _end(pdf: bytes, _: pikepdf.Pdf) -> bool:
    """6.1.3: nothing but an end of line after the last end-of-file marker."""
    return pdf.rstrip(b"\r\n").endswith(b"%%EOF") and len(pdf) - len(pdf.rstrip(b"\r\n")) <= 2


def _language(_: bytes, pdf: pikepdf.Pdf) -> bool:
    return str(pdf.Root.get("/Lang", "")) == "vi"


def _title(_: bytes, pdf: pikepdf.Pdf) -> bool:
    """The same in both descriptions, and what a reader shows in its title bar."""
    shown = bool(
        pdf.Root.get("/ViewerPreferences", pikepdf.Dictionary()).get("/DisplayDocTitle", False)
    )
    with pdf.open_metadata() as metadata:
        return shown and bool(metadata.get("dc:title")) and _said(pdf) == metadata["dc:title"]


def _said(pdf: pikepdf.Pdf) -> str:
    return str(pdf.docinfo.get("/Title", ""))


def _no_script(_: bytes, pdf: pikepdf.Pdf) -> bool:
    """6.4.1, 6.4.2: no actions of fields, no XFA, no pictures that a reader would make itself."""
    form = pdf.Root.AcroForm
    silent = not form.get("/NeedAppearances", False) and "/XFA" not in form
    return silent and not any(key in widget for widget in _widgets(pdf) for key in ("/A", "/AA"))


def _fields_shown(_: bytes, pdf: pikepdf.Pdf) -> bool:
    """6.3.3: every field with an area has one picture, a form, and no other for mouse-overs."""
    return all(
        set(widget.get("/AP", pikepdf.Dictionary()).keys()) == {"/N"}
        and isinstance(widget.AP.N, pikepdf.Stream)
        for widget in _widgets(pdf)
        if _area(widget)
    )


def _fields_printed(_: bytes, pdf: pikepdf.Pdf) -> bool:
    """6.3.2: printed, and never hidden."""
    flags = [int(widget.get("/F", 0)) for widget in _widgets(pdf)]
    return all(flag & PRINT and not flag & _UNSEEN for flag in flags)


def _permissions(_: bytes, pdf: pikepdf.Pdf) -> bool:
    """6.1.12: DocMDP alone (UR3 would be allowed, and is not ours), without digests of objects."""
    granted = pdf.Root.get("/Perms", pikepdf.Dictionary())
    references = [r for grant in granted.values() for r in grant.get("/Reference", [])]
    digests = ("/DigestLocation", "/DigestMethod", "/DigestValue")
    return set(granted.keys()) <= {"/DocMDP"} and not any(
        key in reference for reference in references for key in digests
    )


def _byte_ranges(pdf: bytes, opened: pikepdf.Pdf) -> bool:
    """6.4.3: from the first byte, around the signature alone, to the end of that revision."""
    return all(_whole(pdf, list(map(int, value.ByteRange))) for value in _values(opened))


def _whole(pdf: bytes, ranges: list[int]) -> bool:
    start, before, after, length = ranges
    gap, end = pdf[before:after], pdf[: after + length].rstrip(b"\r\n")
    return start == 0 and gap[:1] + gap[-1:] == b"<>" and end.endswith(b"%%EOF")


def _one_signer(_: bytes, pdf: pikepdf.Pdf) -> bool:
    """6.4.3: each signature is of one signer, and holds at least his certificate."""
    for value in _values(pdf):
        content = cms.ContentInfo.load(bytes(value.Contents), strict=False)["content"]
        if len(content["signer_infos"]) != 1 or not len(content["certificates"]):
            return False
    return True


def _private_data(_: bytes, pdf: pikepdf.Pdf) -> bool:
    """ISO 32000-1, 14.5: what an application keeps for itself says when it was changed."""
    return all(
        "/LastModified" in entry
        for entry in pdf.Root.get("/PieceInfo", pikepdf.Dictionary()).values()
    )


def _extensions(_: bytes, pdf: pikepdf.Pdf) -> bool:
    """ISO 32000-1, 7.12: of extensions only ESIC, which PAdES declares, on top of PDF 1.7."""
    return all(
        prefix == "/ESIC" and extension.BaseVersion == "/1.7"
        for prefix, extension in pdf.Root.get("/Extensions", pikepdf.Dictionary()).items()
    )


def _widgets(pdf: pikepdf.Pdf) -> Iterator[Any]:
    for page in pdf.pages:
        yield from (note for note in page.obj.get("/Annots", []) if note.Subtype == "/Widget")


def _values(pdf: pikepdf.Pdf) -> Iterator[Any]:
    yield from (field.V for field in pdf.Root.AcroForm.Fields if "/V" in field)


def _area(widget: Any) -> float:
    left, bottom, right, top = map(float, widget.Rect)
    return abs((right - left) * (top - bottom))


Rule = Callable[[bytes, pikepdf.Pdf], bool]
RULES: dict[str, Rule] = {
    "header": _header,
    "end": _end,
    "language": _language,
    "title": _title,
    "no-script": _no_script,
    "fields-shown": _fields_shown,
    "fields-printed": _fields_printed,
    "permissions": _permissions,
    "byte-ranges": _byte_ranges,
    "one-signer": _one_signer,
    "private-data": _private_data,
    "extensions": _extensions,
}
