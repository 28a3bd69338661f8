"""What a kiosk that was taken over may do to a copy before it signs: other things to be seen, while
the sealed images stay where they are."""

from __future__ import annotations

import io
from collections.abc import Callable

import pikepdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from tests.certify import specimens

Forgery = Callable[[bytes], bytes]

_PAINT = b"q 1 1 1 rg 0 0 595 842 re f 0 0 0 rg 60 600 200 9 re f Q"


def overpainted(unsigned: bytes) -> bytes:
    """A white rectangle and something black upon it, behind the page's own contents."""
    return _changed(unsigned, lambda pdf: _behind(pdf, _PAINT))


def other_scan_inside(unsigned: bytes) -> bytes:
    """Another scan over the page, in a form, where nobody looks for page images."""

    def change(pdf: pikepdf.Pdf) -> None:
        page = specimens.page(3)
        image = pdf.make_stream(
            page.jpeg,
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Image,
            Width=page.width,
            Height=page.height,
            ColorSpace=pikepdf.Name.DeviceRGB,
            BitsPerComponent=8,
            Filter=pikepdf.Name.DCTDecode,
        )
        pdf.pages[0].Resources.XObject.F = pdf.make_stream(
            b"q 595 0 0 842 0 0 cm /I Do Q",
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Form,
            BBox=[0, 0, 595, 842],
            Resources=pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=image)),
        )
        _behind(pdf, b"q /F Do Q")

    return _changed(unsigned, change)


def overpainted_later(unsigned: bytes) -> bytes:
    """The same paint in a revision of its own, behind an honest first one."""
    writer = IncrementalPdfFileWriter(io.BytesIO(unsigned))
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    paint = writer.add_object(generic.StreamObject(stream_data=_PAINT))
    page[generic.pdf_name("/Contents")] = generic.ArrayObject([page.raw_get("/Contents"), paint])
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


FORGERIES: tuple[Forgery, ...] = (overpainted, other_scan_inside, overpainted_later)


def _behind(pdf: pikepdf.Pdf, contents: bytes) -> None:
    pdf.pages[0].contents_add(pdf.make_stream(contents))


def _changed(unsigned: bytes, change: Callable[[pikepdf.Pdf], None]) -> bytes:
    with pikepdf.open(io.BytesIO(unsigned)) as pdf:
        change(pdf)
        out = io.BytesIO()
        pdf.save(
            out,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            min_version="1.7",
            deterministic_id=True,
        )
    return out.getvalue()
