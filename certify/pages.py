"""A scanned page with its words: what goes into a certified copy, and into a dossier."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from certify.errors import CertifyError, Fault

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 100_000_000
MAX_PAGES = 200
MIN_SIDE = 200  # pixels; an identity card at 200 dpi is 425 high
PDF_DPI = 200
_DPI_RANGE = (72, 1200)
_A4_INCHES = 8.27
_JPEG_QUALITY = 92


@dataclass(frozen=True, slots=True)
class Word:
    """A read word. The box is in pixels of the page image, origin top left; confidence 0 to 100."""

    text: str
    left: int
    top: int
    width: int
    height: int
    confidence: int
    line: int


@dataclass(frozen=True, slots=True)
class SourcePage:
    """One page of the original. ``jpeg`` is the archived image, true to colour and scale."""

    jpeg: bytes
    width: int
    height: int
    dpi: int
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """Plain text, one printed line a line."""
        lines: dict[int, list[str]] = {}
        for word in self.words:
            lines.setdefault(word.line, []).append(word.text)
        return "\n".join(" ".join(words) for words in lines.values())


def encode_text(pages: Sequence[SourcePage]) -> bytes:
    """The part ``text.json`` of a dossier: sizes and words of all pages, without the images."""
    return json.dumps(
        [
            {
                "width": page.width,
                "height": page.height,
                "dpi": page.dpi,
                "words": [
                    [w.text, w.left, w.top, w.width, w.height, w.confidence, w.line]
                    for w in page.words
                ],
            }
            for page in pages
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def decode_text(data: bytes, images: Sequence[bytes]) -> list[SourcePage]:
    """The inverse of :func:`encode_text`; raises ValueError when text and images do not match."""
    entries = json.loads(data)
    if len(entries) != len(images):
        raise ValueError(f"text of {len(entries)} pages for {len(images)} images")
    return [
        SourcePage(
            jpeg=image,
            width=int(entry["width"]),
            height=int(entry["height"]),
            dpi=int(entry["dpi"]),
            words=tuple(Word(str(w[0]), *map(int, w[1:7])) for w in entry["words"]),
        )
        for entry, image in zip(entries, images, strict=True)
    ]


def load_pages(paths: Sequence[Path]) -> list[SourcePage]:
    """Pages without words from PNG, JPEG, TIFF and PDF files, in order.

    A JPEG is taken as it is; a PDF is drawn at 200 dpi. Raises CertifyError: PAGE_UNREADABLE,
    PAGE_TOO_SMALL, PAGE_TOO_LARGE, TOO_MANY_PAGES, PDF_ENCRYPTED. Imports native decoders.
    """
    pages: list[SourcePage] = []
    for path in paths:
        for page in _load(path):
            pages.append(page)
            if len(pages) > MAX_PAGES:
                raise CertifyError(Fault.TOO_MANY_PAGES, f"more than {MAX_PAGES}")
    return pages


def _load(path: Path) -> Iterator[SourcePage]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CertifyError(Fault.PAGE_UNREADABLE, f"{path.name}: {error.strerror}") from None
    return _from_pdf(data, path.name) if data[:5] == b"%PDF-" else _from_image(data, path.name)


def _from_image(data: bytes, name: str) -> Iterator[SourcePage]:
    from PIL import Image, ImageSequence

    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "TIFF"]) as image:
            for frame in ImageSequence.Iterator(image):
                _check_size(frame.size, name)
                frame.load()
                yield _page(frame, _dpi(frame), data if _usable_as_is(frame) else None)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        detail = f"{name}: {type(error).__name__}"
        raise CertifyError(Fault.PAGE_UNREADABLE, detail) from None


def _from_pdf(data: bytes, name: str) -> Iterator[SourcePage]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        encrypted = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        fault = Fault.PDF_ENCRYPTED if encrypted else Fault.PAGE_UNREADABLE
        raise CertifyError(fault, name) from None
    try:
        for page in document:
            scale = PDF_DPI / 72
            _check_size((page.get_width() * scale, page.get_height() * scale), name)
            yield _page(page.render(scale=scale).to_pil(), PDF_DPI, None)
    except pypdfium2.PdfiumError:
        raise CertifyError(Fault.PAGE_UNREADABLE, name) from None
    finally:
        document.close()


def _check_size(size: tuple[float, float], name: str) -> None:
    """Before decoding: a few bytes can claim to be gigabytes of pixels."""
    if size[0] * size[1] > MAX_PIXELS:
        raise CertifyError(Fault.PAGE_TOO_LARGE, name)
    if min(size) < MIN_SIDE:
        raise CertifyError(Fault.PAGE_TOO_SMALL, name)


def _usable_as_is(image: Image) -> bool:
    """A JPEG that PDF readers show alike: grey or RGB, upright by itself."""
    orientation = image.getexif().get(0x0112, 1)
    return image.format == "JPEG" and image.mode in ("L", "RGB") and orientation == 1


def _page(image: Image, dpi: int, jpeg: bytes | None) -> SourcePage:
    if jpeg is None:
        from PIL import ImageOps

        upright = ImageOps.exif_transpose(image)
        image = _on_white(upright)
        out = io.BytesIO()
        image.save(out, "JPEG", quality=_JPEG_QUALITY, subsampling=0, dpi=(dpi, dpi))
        jpeg = out.getvalue()
    return SourcePage(jpeg, image.width, image.height, dpi, ())


def _on_white(image: Image) -> Image:
    """JPEG has no transparency: what shines through is paper."""
    if image.mode in ("1", "L"):
        return image.convert("L")
    if not image.has_transparency_data:
        return image.convert("RGB")
    from PIL import Image as Images

    paper = Images.new("RGBA", image.size, "white")
    return Images.alpha_composite(paper, image.convert("RGBA")).convert("RGB")


def _dpi(image: Image) -> int:
    """What the file says when it is plausible, otherwise as if the page were A4 wide."""
    said = round(float(image.info.get("dpi", (0, 0))[0]))
    if _DPI_RANGE[0] < said <= _DPI_RANGE[1]:
        return said
    return max(_DPI_RANGE[0], round(min(image.size) / _A4_INCHES))
