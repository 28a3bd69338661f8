"""A scanned page with its words: what goes into a certified copy, and into a dossier."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certify import cose
from certify.errors import CertifyError, Fault

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 100_000_000
MAX_PAGES = 200
MIN_SIDE = 200  # pixels; an identity card at 200 dpi is 425 high
PDF_DPI = 200
DPI_RANGE = (72, 1200)
_A4_INCHES = 8.27
_FORMATS = ("PNG", "JPEG", "TIFF")  # never EPS: that starts Ghostscript


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
class Layers:
    """A page as paper and ink (certify.layers): ``paper`` and ``colours`` are JPEGs of any size,
    ``ink`` is a CCITT group 4 mask of ``ink_size`` pixels, where the colours are seen."""

    paper: bytes
    colours: bytes
    ink: bytes
    ink_size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class SourcePage:
    """One page of the original. ``jpeg`` is the archived image, true to colour and scale; a copy
    shows ``layers`` in its place when there are any."""

    jpeg: bytes
    width: int
    height: int
    dpi: int
    words: tuple[Word, ...]
    layers: Layers | None = None

    @property
    def image(self) -> bytes:
        """What the seal's digest covers: the page image as the copy holds it."""
        if self.layers is None:
            return self.jpeg
        return layers_image(self.layers.paper, self.layers.colours, self.layers.ink)

    @property
    def text(self) -> str:
        """Plain text, one printed line a line."""
        lines: dict[int, list[str]] = {}
        for word in self.words:
            lines.setdefault(word.line, []).append(word.text)
        return "\n".join(" ".join(words) for words in lines.values())


def layers_image(paper: bytes, colours: bytes, ink: bytes) -> bytes:
    """The layers as one page image: the CBOR array of the three."""
    return cose.encode([paper, colours, ink])


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


def page_count(path: Path) -> int:
    """How many pages a PNG, JPEG, TIFF or PDF file has.

    Raises CertifyError: PAGE_UNREADABLE, PDF_ENCRYPTED. Runs native decoders.
    """
    with _opened(path) as file:
        return int(getattr(file, "n_frames", 1)) if _is_image(file) else len(file)


def open_page(path: Path, index: int) -> tuple[Image, int]:
    """Page ``index`` of a file, upright, grey or RGB on white paper; and its dots per inch.

    A PDF is drawn at 200 dpi. Raises CertifyError: PAGE_UNREADABLE, PAGE_TOO_SMALL,
    PAGE_TOO_LARGE, PDF_ENCRYPTED. Runs native decoders.
    """
    with _opened(path) as file:
        if _is_image(file):
            return _frame(file, index, path.name)
        page, scale = file[index], PDF_DPI / 72
        _check_size((page.get_width() * scale, page.get_height() * scale), path.name)
        return page.render(scale=scale).to_pil().convert("RGB"), PDF_DPI


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An image of Pillow or a document of pypdfium2, whose errors become ours."""
    import pypdfium2
    from PIL import Image

    try:
        data = path.read_bytes()
        if data[:5] == b"%PDF-":
            with closing(pypdfium2.PdfDocument(data)) as document:
                yield document
        else:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                yield image
    except pypdfium2.PdfiumError as error:
        encrypted = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        fault = Fault.PDF_ENCRYPTED if encrypted else Fault.PAGE_UNREADABLE
        raise CertifyError(fault, path.name) from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        detail = f"{path.name}: {type(error).__name__}"
        raise CertifyError(Fault.PAGE_UNREADABLE, detail) from None


def _is_image(file: Any) -> bool:
    from PIL import Image

    return isinstance(file, Image.Image)


def _frame(image: Image, index: int, name: str) -> tuple[Image, int]:
    from PIL import ImageOps

    image.seek(index)
    _check_size(image.size, name)
    dpi = _dpi(image)
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return _on_white(image), dpi


def _check_size(size: tuple[float, float], name: str) -> None:
    """Before decoding: a few bytes can claim to be gigabytes of pixels."""
    if size[0] * size[1] > MAX_PIXELS:
        raise CertifyError(Fault.PAGE_TOO_LARGE, name)
    if min(size) < MIN_SIDE:
        raise CertifyError(Fault.PAGE_TOO_SMALL, name)


def _on_white(image: Image) -> Image:
    """What shines through is paper."""
    if not image.has_transparency_data:
        mode = "L" if image.mode in ("1", "L") else "RGB"
        return image if image.mode == mode else image.convert(mode)
    from PIL import Image as Images

    paper = Images.new("RGBA", image.size, "white")
    return Images.alpha_composite(paper, image.convert("RGBA")).convert("RGB")


def _dpi(image: Image) -> int:
    """What the file says when it is plausible, otherwise as if the page were A4 wide."""
    said = round(float(image.info.get("dpi", (0, 0))[0]))
    if DPI_RANGE[0] < said <= DPI_RANGE[1]:
        return said
    return max(DPI_RANGE[0], round(min(image.size) / _A4_INCHES))
