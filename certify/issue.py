"""Make a certified copy: pages and facts in, a PDF with seal and PAdES signatures out.

Signatures are PAdES B-B (ETSI EN 319 142-1). The first one certifies the document and allows only
form filling after it (DocMDP 2), which is how the other signature gets into its field. Both fields
therefore exist before any signature: one added later would break the first.

The file claims PDF/A-2b (ISO 19005-2; docs/pdfa.md): sRGB is the output intent, fonts are embedded.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from importlib import resources
from typing import Any, Literal

import pikepdf
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import AxisAlignment, Margins, SimpleBoxLayoutRule
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.stamp import StaticStampStyle
from reportlab.pdfgen.canvas import Canvas

from certify import cose, crosspage, drawing
from certify.copyfile import PRIVATE_DATA
from certify.drawing import Box
from certify.errors import CertifyError, Fault
from certify.pages import Layers, SourcePage
from certify.seal import copy_digest, make_seal
from certify.signing import Signer, token_errors
from certify.statement import CopyFacts, statement_of, template

Role = Literal["officer", "agency"]

FIELDS: dict[Role, str] = {"officer": "Officer", "agency": "Agency"}
_VIETNAM = timezone(timedelta(hours=7))
_PRINT_AND_LOCKED = 4 | 128
_ID_SIZE = 16  # bytes of each half of a file's /ID (ISO 32000-1, 14.4)


@dataclass(frozen=True, slots=True)
class Issued:
    """A finished copy. ``seal`` is the text of its QR code."""

    pdf: bytes
    seal: str


def issue_pre_check(
    pages: Sequence[SourcePage],
    facts: CopyFacts,
    *,
    officer: Signer,
    agency: Signer,
    seal: Signer,
    seal_host: str,
) -> Issued:
    """The officer compared the original with the copy: both sign, the officer first.

    Raises CertifyError: PAGE_UNREADABLE, SIGNER_MISMATCH, SIGNER_ABSENT.
    """
    _expect(facts.mode == "pre-check", "facts of the wrong mode")
    _expect(_names(officer) == (facts.officer, facts.agency), "the officer's certificate")
    _expect(_names(agency) == (facts.agency, facts.agency), "the agency's certificate")
    copy = _sealed(pages, facts, seal, seal_host)
    pdf = sign_copy(copy.pdf, officer, "officer")
    return Issued(sign_copy(pdf, agency, "agency"), copy.seal)


def issue_post_check(
    pages: Sequence[SourcePage], facts: CopyFacts, *, agency: Signer, seal: Signer, seal_host: str
) -> Issued:
    """Issued at once under the agency's signature; the officer's field stays open until inspection.

    Raises CertifyError: PAGE_UNREADABLE, SIGNER_MISMATCH, SIGNER_ABSENT.
    """
    _expect(facts.mode == "post-check", "facts of the wrong mode")
    _expect(_names(agency) == (facts.agency, facts.agency), "the agency's certificate")
    copy = _sealed(pages, facts, seal, seal_host)
    return Issued(sign_copy(copy.pdf, agency, "agency"), copy.seal)


def assemble(
    pages: Sequence[SourcePage], facts: CopyFacts, seal_text_for: Callable[[bytes], str]
) -> bytes:
    """The unsigned copy, with both signature fields. ``seal_text_for`` seals its digest. The same
    pages, facts and seal give the same bytes.

    Raises CertifyError (PAGE_UNREADABLE) and ValueError without any page.
    """
    if not pages:
        raise ValueError("a copy has at least one page")
    seal_text = seal_text_for(copy_digest([page.image for page in pages], facts))
    drawn, boxes = _draw(pages, facts, seal_text)
    with pikepdf.open(io.BytesIO(drawn)) as pdf:
        for page in pdf.pages:
            del page.obj.Trans  # reportlab's, empty: a copy is no slide show
        for source, page in zip(pages, pdf.pages, strict=False):
            if source.layers:
                _add_mask(pdf, page, source.layers)
        _describe(pdf, facts, seal_text)
        _add_fields(pdf, boxes)
        # The second half is made of the content. reportlab's first half would be of the hour, and
        # the same pages, facts and seal must always give the same bytes (certify.reassembly).
        pdf.trailer.ID = pikepdf.Array([cose.sha256(facts.id_code.encode())[:_ID_SIZE]] * 2)
        out = io.BytesIO()
        pdf.save(
            out,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            min_version="1.7",
            deterministic_id=True,
        )
    return out.getvalue()


def sign_copy(pdf: bytes, signer: Signer, role: Role) -> bytes:
    """Fill one of the two fields. Whoever signs first also certifies.

    Raises CertifyError: PDF_UNREADABLE (no copy of ours, or already signed there), SIGNER_ABSENT.
    """
    try:
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=True)
        box = _open_field(writer, FIELDS[role])
        first = not writer.prev.embedded_signatures
    except (PdfError, ValueError, KeyError) as error:
        raise CertifyError(Fault.PDF_UNREADABLE, type(error).__name__) from None
    metadata = PdfSignatureMetadata(
        field_name=FIELDS[role],
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        reason=statement_title(),
        certify=first,
        docmdp_permissions=MDPPerm.FILL_FORMS,
    )
    with tempfile.NamedTemporaryFile(suffix=".pdf") as picture:
        picture.write(_appearance(signer, box))
        picture.flush()
        style = _stamp(picture.name)
        with token_errors():
            signed = _CopySigner(metadata, signer.pdf_key, stamp_style=style).sign_pdf(
                writer, existing_fields_only=True
            )
    return bytes(signed.getvalue())


class _CopySigner(PdfSigner):
    def register_extensions(self, pdf_out: Any, *, md_algorithm: str) -> None:
        """pyHanko would call a file with ECDSA PDF 2.0 (ISO/TS 32002), and PDF/A-2 ends at 1.7."""
        pdf_out.register_extension(ESIC_EXTENSION_1)


def statement_title() -> str:
    return template()["title"].capitalize()


def _sealed(pages: Sequence[SourcePage], facts: CopyFacts, seal: Signer, seal_host: str) -> Issued:
    texts: list[str] = []

    def seal_text_for(digest: bytes) -> str:
        texts.append(
            make_seal(
                facts,
                digest,
                len(pages),
                host=seal_host,
                sign=seal.sign_es256,
                kid=seal.key_id,
            )
        )
        return texts[-1]

    return Issued(assemble(pages, facts, seal_text_for), texts[-1])


def _expect(condition: bool, what: str) -> None:
    if not condition:
        raise CertifyError(Fault.SIGNER_MISMATCH, what)


def _names(signer: Signer) -> tuple[str, str]:
    """Whom a certificate names: common name and organisation."""
    subject = signer.certificate.subject.native
    return subject.get("common_name", ""), subject.get("organization_name", "")


def _draw(
    pages: Sequence[SourcePage], facts: CopyFacts, seal_text: str
) -> tuple[bytes, tuple[Box, Box]]:
    drawing.prepare_fonts()
    sheets = [drawing.place(page) for page in pages]
    foot = drawing.block_box(sheets[-1].sheet)
    added = drawing.has_ink(sheets[-1], foot)
    count = len(sheets) + added
    across = crosspage.find_offset(sheets) if count > 1 else 0.0
    out = io.BytesIO()
    canvas = Canvas(out, pageCompression=1, initialFontName=drawing.REGULAR)
    for number, placed in enumerate(sheets, 1):
        if number > 1:
            canvas.showPage()
        drawing.draw_original(canvas, placed)
        drawing.draw_marks(canvas, placed, facts, number, count)
        if count > 1:
            crosspage.draw_slice(canvas, placed.sheet, facts, number, count, across)
    if added:
        canvas.showPage()
        drawing.draw_marks(canvas, None, facts, count, count)
        crosspage.draw_slice(canvas, drawing.A4, facts, count, count, across)
        boxes = drawing.draw_added_sheet(canvas, facts, seal_text, len(sheets))
    else:
        boxes = drawing.draw_block(canvas, foot, facts, seal_text)
    canvas.save()
    return out.getvalue(), boxes


def _add_mask(pdf: pikepdf.Pdf, page: pikepdf.Page, layers: Layers) -> None:
    """Let the colours be seen only where the ink is (ISO 32000-1, 8.9.6.3)."""
    images = page.obj.Resources.XObject.values()
    colours = next(image for image in images if image.read_raw_bytes() == layers.colours)
    width, height = layers.ink_size
    colours.Mask = pdf.make_stream(
        layers.ink,
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Width=width,
        Height=height,
        ImageMask=True,
        BitsPerComponent=1,
        Filter=pikepdf.Name.CCITTFaxDecode,
        DecodeParms=pikepdf.Dictionary(K=-1, Columns=width, Rows=height),
    )


def _describe(pdf: pikepdf.Pdf, facts: CopyFacts, seal_text: str) -> None:
    title = f"{statement_title()}: {statement_of(facts).number}"
    del pdf.docinfo  # reportlab's; what follows is the whole description
    with pdf.open_metadata(set_pikepdf_as_editor=False) as metadata:
        metadata["dc:title"] = title
        metadata["dc:language"] = {"vi"}
        metadata["dc:creator"] = [facts.agency]
        metadata["dc:identifier"] = facts.id_code
        metadata["xmp:CreateDate"] = facts.issued.isoformat()
        metadata["xmp:CreatorTool"] = "Một Cửa Kiosk"
        metadata["pdfaid:part"] = "2"
        metadata["pdfaid:conformance"] = "B"
    pdf.docinfo["/Title"] = title
    pdf.docinfo["/Author"] = facts.agency
    pdf.Root.Lang = pikepdf.String("vi")
    pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
    pdf.Root.OutputIntents = pikepdf.Array([_srgb(pdf)])
    private = pikepdf.Dictionary(
        Seal=seal_text, Facts=json.dumps(facts.to_dict(), ensure_ascii=False)
    )
    changed = f"D:{facts.issued.astimezone(_VIETNAM):%Y%m%d%H%M%S}+07'00'"
    pdf.Root.PieceInfo = pikepdf.Dictionary(
        {f"/{PRIVATE_DATA}": pikepdf.Dictionary(LastModified=changed, Private=private)}
    )


def _srgb(pdf: pikepdf.Pdf) -> pikepdf.Object:
    """The output intent: what the greys and colours of pages and statement mean."""
    # Debian's free profile, which pikepdf ships; importing pikepdf.pdfa would need its extras.
    profile = (resources.files("pikepdf") / "pdfa" / "data" / "sRGB.icc").read_bytes()
    return pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.OutputIntent,
            S=pikepdf.Name.GTS_PDFA1,
            OutputConditionIdentifier="sRGB",
            Info="sRGB",
            DestOutputProfile=pdf.make_stream(profile, N=3),
        )
    )


def _add_fields(pdf: pikepdf.Pdf, boxes: tuple[Box, Box]) -> None:
    page = pdf.pages[-1]
    widgets = [
        pdf.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot,
                Subtype=pikepdf.Name.Widget,
                FT=pikepdf.Name.Sig,
                T=name,
                F=_PRINT_AND_LOCKED,
                Rect=[round(corner, 2) for corner in box.corners],
                P=page.obj,
                AP=pikepdf.Dictionary(N=_empty(pdf, box)),
            )
        )
        for name, box in zip(FIELDS.values(), boxes, strict=True)
    ]
    page.Annots = pikepdf.Array(widgets)
    # 3: signatures exist, and only appending keeps them.
    pdf.Root.AcroForm = pdf.make_indirect(
        pikepdf.Dictionary(Fields=pikepdf.Array(widgets), SigFlags=3)
    )


def _empty(pdf: pikepdf.Pdf, box: Box) -> pikepdf.Object:
    """How an open field looks: PDF/A wants a picture of every field."""
    return pdf.make_stream(
        b"",
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Form,
        BBox=[0, 0, round(box.width, 2), round(box.height, 2)],
    )


def _open_field(writer: IncrementalPdfFileWriter, name: str) -> Box:
    """Raises KeyError when the copy has no such field, or it is signed already."""
    for found, value, reference in enumerate_sig_fields(writer.prev):
        if found == name and value is None:
            left, bottom, right, top = map(float, reference.get_object()["/Rect"])
            return Box(left, bottom, right - left, top - bottom)
    raise KeyError(name)


def _appearance(signer: Signer, box: Box) -> bytes:
    words = template()
    name, organisation = _names(signer)
    now = datetime.now(_VIETNAM)
    lines = [(words["signed-by"], name), (words["signed-at"], f"{now:%d/%m/%Y %H:%M:%S} +07:00")]
    if organisation != name:
        lines.insert(1, (words["signed-for"], organisation))
    return drawing.appearance(lines, box.width, box.height)


def _stamp(file: str) -> Any:
    fill = SimpleBoxLayoutRule(
        x_align=AxisAlignment.ALIGN_MID,
        y_align=AxisAlignment.ALIGN_MID,
        margins=Margins(0, 0, 0, 0),
    )
    return StaticStampStyle.from_pdf_file(file, border_width=0, background_layout=fill)
