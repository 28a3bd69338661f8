"""Read what a certified copy holds: seal, facts, page images, signatures. Judges nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from asn1crypto import cms, x509
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from certify.errors import CertifyError, Fault
from certify.pages import layers_image
from certify.statement import CopyFacts

PRIVATE_DATA = "MotCuaKiosk"
"""Our entry in the page-piece dictionary of the catalog (ISO 32000-2, 14.5): Seal and Facts."""

_HEADER_WITHIN = 1024  # readers accept some bytes before %PDF-; so must we, to judge them
_MAX_DEPTH = 16


@dataclass(frozen=True, slots=True)
class CopyFile:
    """``images``: one a page, of all pages that show one, as SourcePage.image.

    ``notes``: what lies upon the pages, by the name of its form field, or its kind.
    """

    seal: str
    facts: CopyFacts
    images: tuple[bytes, ...]
    page_count: int
    signatures: dict[str, EmbeddedPdfSignature]
    timestamps: tuple[EmbeddedPdfSignature, ...]
    notes: tuple[str, ...]


def open_reader(pdf: bytes) -> PdfFileReader | None:
    """None when it is a PDF whose structure is broken.

    Raises CertifyError: PDF_UNREADABLE (no PDF at all), PDF_ENCRYPTED.
    """
    if b"%PDF-" not in pdf[:_HEADER_WITHIN]:
        raise CertifyError(Fault.PDF_UNREADABLE, "not a PDF")
    try:
        reader = PdfFileReader(io.BytesIO(pdf), strict=True)
        encrypted = reader.encrypted
    except Exception:
        # A hostile file may provoke anything in a parser; all of it means the same.
        return None
    if encrypted:
        raise CertifyError(Fault.PDF_ENCRYPTED)
    return reader


def read_copy(reader: PdfFileReader) -> CopyFile:
    """Raises ValueError when this is no copy of ours, or a damaged one."""
    try:
        private = reader.root["/PieceInfo"][f"/{PRIVATE_DATA}"]["/Private"]
        pages = list(_pages(reader.root["/Pages"], 0))
        found = [image for page in pages for image in _images(page)]
        return CopyFile(
            seal=str(private["/Seal"]),
            facts=CopyFacts.from_dict(json.loads(str(private["/Facts"]))),
            images=tuple(found),
            page_count=len(pages),
            signatures=_signatures(reader),
            timestamps=tuple(reader.embedded_timestamp_signatures),
            notes=tuple(note for page in pages for note in _notes(page)),
        )
    except Exception as error:
        raise ValueError(f"not a readable copy: {type(error).__name__}") from None


def images_at(signature: EmbeddedPdfSignature) -> tuple[bytes, ...]:
    """The page images as a signature saw them. Raises whatever a broken file provokes."""
    root = signature.reader.get_historical_root(signature.signed_revision)
    return tuple(image for page in _pages(root["/Pages"], 0) for image in _images(page))


def strange_notes(copy: CopyFile) -> list[str]:
    """Annotations that are not the two signature fields, nor an archive timestamp's."""
    stamps = {stamp.field_name for stamp in copy.timestamps}
    known = {"Officer", "Agency", *stamps}
    return [note for note in copy.notes if note not in known]


def is_plainly_written(pdf: bytes, signature: EmbeddedPdfSignature) -> bool:
    """Whether the one gap in the signed bytes holds the signature and nothing else.

    The gap is not signed, so anything could be put there: after the signature only zeros, and the
    hexadecimal digits in one case.
    """
    start, end = int(signature.byte_range[1]), int(signature.byte_range[2])
    content = bytes(signature.pkcs7_content)
    used = len(cms.ContentInfo.load(content).dump())
    written = content.hex().encode()
    gap = pdf[start:end]
    return not any(content[used:]) and gap in (b"<%b>" % written, b"<%b>" % written.upper())


def is_minimal(signature: EmbeddedPdfSignature, path: Iterable[x509.Certificate]) -> bool:
    """Whether the parts of the CMS message that nothing signs (RFC 5652, 5.1) say only what must
    be said: the digest algorithm, and each certificate of the path once."""
    data = signature.signed_data
    needed = {certificate.dump() for certificate in path}
    embedded = [choice.dump() for choice in data["certificates"]]
    algorithms = [algorithm.dump() for algorithm in data["digest_algorithms"]]
    kind = data["encap_content_info"]["content_type"].native
    return (
        data["version"].native == ("v1" if kind == "data" else "v3")
        and algorithms == [signature.signer_info["digest_algorithm"].dump()]
        and len(set(embedded)) == len(embedded)
        and needed.issuperset(embedded)
    )


def _signatures(reader: PdfFileReader) -> dict[str, EmbeddedPdfSignature]:
    found = {sig.field_name: sig for sig in reader.embedded_regular_signatures}
    if len(found) != len(reader.embedded_regular_signatures):
        raise PdfReadError("two signatures of one name")
    return found


def _pages(node: Any, depth: int) -> Iterator[Any]:
    if depth > _MAX_DEPTH:
        raise PdfReadError("page tree too deep")
    for reference in node["/Kids"]:
        kid = reference.get_object()
        if kid["/Type"] == "/Pages":
            yield from _pages(kid, depth + 1)
        else:
            yield kid


def _notes(page: Any) -> Iterator[str]:
    for entry in page.get("/Annots", ()):
        note = entry.get_object()
        yield str(note["/T"] if note["/Subtype"] == "/Widget" else note["/Subtype"])


def _images(page: Any) -> Iterator[bytes]:
    """Page images as certify.pages.SourcePage has them; layers are one together."""
    things = [entry.get_object() for entry in page["/Resources"].get("/XObject", {}).values()]
    images = [thing for thing in things if thing["/Subtype"] == "/Image"]
    images.sort(key=lambda image: "/Mask" in image)
    if ["/Mask" in image for image in images] == [False, True]:
        paper, colours = images
        streams = (paper, colours, colours["/Mask"])
        yield layers_image(*(bytes(stream.encoded_data) for stream in streams))
    else:
        yield from (bytes(image.encoded_data) for image in images)
