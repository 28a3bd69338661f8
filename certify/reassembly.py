"""Is this copy the one that these pages make? Assembled once more, and compared byte for byte.

The seal's digest covers image objects of the file; it does not say that the page shows them.
Whoever holds a kiosk's keys could seal the right images and draw others over them. Therefore a copy
that was made elsewhere is made again from the dossier's own pages before anybody signs or keeps it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel, StandardDiffPolicy
from pyhanko.sign.diff_analysis.form_rules_api import FormUpdatingRule
from pyhanko.sign.diff_analysis.rules.file_structure_rules import CatalogModificationRule
from pyhanko.sign.diff_analysis.rules.form_field_rules import SigFieldModificationRule
from pyhanko.sign.diff_analysis.rules.metadata_rules import DocInfoRule, MetadataUpdateRule

from certify.copyfile import read_copy
from certify.issue import assemble
from certify.pages import DPI_RANGE, SourcePage

# What filling the first of our fields changes: the form, the catalog's word of who certifies, and
# when the file was changed.
_CATALOG = {"/AcroForm", "/Extensions", "/Metadata", "/Perms"}
_FILLING = StandardDiffPolicy(
    global_rules=[
        CatalogModificationRule(ignored_keys=_CATALOG),  # type: ignore[no-untyped-call]
        DocInfoRule().as_qualified(ModificationLevel.LTA_UPDATES),
        MetadataUpdateRule().as_qualified(  # type: ignore[no-untyped-call]
            ModificationLevel.LTA_UPDATES
        ),
    ],
    form_rule=FormUpdatingRule(field_rules=[SigFieldModificationRule()]),
    ignore_orphaned_objects=False,
)


def shows_only(pdf: bytes, pages: Sequence[SourcePage]) -> bool:
    """Whether the copy's first revision is exactly what ``pages`` with its facts and its seal make,
    and its second one filled nothing but one signature field. What comes later is for
    :func:`certify.verify.verify`, as are seal and signatures."""
    try:
        reader = PdfFileReader(io.BytesIO(pdf), strict=True)
        copy = read_copy(reader)
        made = assemble(pages, copy.facts, lambda _: copy.seal)
        return (
            all(map(_is_as_large_as_said, pages))
            and pdf.startswith(made)
            and _continues(reader, made)
            and _only_signed(reader)
        )
    except Exception:
        # Pages and file come from outside: whatever they provoke in a parser means "no".
        return False


def _is_as_large_as_said(page: SourcePage) -> bool:
    """Otherwise a page could be shrunk to a point, or drawn out of shape."""
    with Image.open(io.BytesIO(page.jpeg), formats=["JPEG"]) as image:
        as_said = image.size == (page.width, page.height)
    return as_said and DPI_RANGE[0] <= page.dpi <= DPI_RANGE[1]


def _continues(reader: PdfFileReader, made: bytes) -> bool:
    """Whether the reader's first revision is ``made``, and not a file of its own behind it."""
    start = PdfFileReader(io.BytesIO(made), strict=True).last_startxref
    return bool(reader.xrefs.get_startxref_for_revision(0) == start)


def _only_signed(reader: PdfFileReader) -> bool:
    first = min(reader.embedded_regular_signatures, key=lambda found: found.signed_revision)
    before, after = (reader.get_historical_resolver(revision) for revision in (0, 1))
    changes = _FILLING.apply(before, after)
    return (
        first.signed_revision == 1
        and isinstance(changes, DiffResult)
        and changes.changed_form_fields == {first.field_name}
    )
