"""A scanned page with its words: what goes into a certified copy, and into a dossier."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass


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
