"""The lean profile: looks like the page, is sealed and valid like any copy, and is small."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pikepdf
import pytest
from PIL import Image
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from certify.copyfile import open_reader, read_copy
from certify.issue import Issued, assemble, issue_post_check
from certify.layers import layered
from certify.pages import SourcePage
from certify.seal import copy_digest
from certify.trust import TrustBundle
from certify.verify import verify
from kiosk.documents import worker
from kiosk.sandbox import papers
from kiosk.sandbox.people import PERSON
from tests.certify import specimens
from tests.certify.conftest import Signers
from tests.certify.forgery import DUE, code, first_page, updated
from tests.certify.pdfa import broken_rules
from tests.certify.test_crosspage import render

pytestmark = pytest.mark.xdist_group("pkcs11")

FIVE_PAGES = {"birth-certificate": 3, "diploma": 2}


def paper(kind: str) -> SourcePage:
    """As the document child keeps a page of 200 dpi."""
    draw = papers.diploma if kind == "diploma" else papers.birth_certificate
    image = np.asarray(draw(PERSON))
    jpeg = worker._jpeg(image, worker._KEPT_QUALITY, papers.DPI)
    return SourcePage(jpeg, *papers.SIZE, papers.DPI, ())


@pytest.fixture(scope="module")
def birth_certificate() -> SourcePage:
    return layered(paper("birth-certificate"))


@pytest.fixture(scope="module")
def lean(signers: Signers, birth_certificate: SourcePage) -> Issued:
    return issue_post_check(
        [birth_certificate, layered(specimens.page(4))],
        specimens.facts("post-check"),
        agency=signers.kiosk_agency,
        seal=signers.kiosk_seal,
        seal_host=specimens.SEAL_HOST,
    )


def test_it_is_a_genuine_copy(lean: Issued, bundle: TrustBundle) -> None:
    assert verify(lean.pdf, bundle, at=DUE).ok
    assert broken_rules(lean.pdf) == []


def test_the_digest_covers_every_layer(lean: Issued, birth_certificate: SourcePage) -> None:
    reader = open_reader(lean.pdf)
    assert reader is not None
    assert read_copy(reader).images == (birth_certificate.image, layered(specimens.page(4)).image)
    layers, facts = birth_certificate.layers, specimens.facts()
    assert layers is not None
    others = [
        replace(birth_certificate, layers=other)
        for other in (
            replace(layers, paper=b"other"),
            replace(layers, colours=b"other"),
            replace(layers, ink=b"other"),
        )
    ]
    pages = [birth_certificate, *others, replace(birth_certificate, layers=None)]
    assert len({copy_digest([page.image], facts) for page in pages}) == len(pages)


def test_a_replaced_mask_is_noticed(lean: Issued, bundle: TrustBundle) -> None:
    def replace_ink(writer: Any) -> None:
        page = first_page(writer).get_object()
        images = (image.get_object() for image in page["/Resources"]["/XObject"].values())
        colours = next(image for image in images if "/Mask" in image)
        mask = colours["/Mask"]
        altered = generic.StreamObject(dict(mask), encoded_data=mask.encoded_data[:-9])
        colours[pdf_name("/Mask")] = writer.add_object(altered)
        writer.update_container(colours)

    assert code(updated(lean.pdf, replace_ink), bundle, at=DUE) == "copy.image-replaced"


def test_no_code_that_may_exchange_letters(lean: Issued) -> None:
    with pikepdf.open(io.BytesIO(lean.pdf)) as pdf:
        streams = [thing for thing in pdf.objects if isinstance(thing, pikepdf.Stream)]
        filters = {name for stream in streams for name in filters_of(stream)}
    assert filters == {"/CCITTFaxDecode", "/DCTDecode", "/FlateDecode"}


def filters_of(stream: pikepdf.Stream) -> list[str]:
    found = stream.get("/Filter", pikepdf.Array())
    return [str(found)] if isinstance(found, pikepdf.Name) else [str(name) for name in found]


def test_it_looks_like_the_page(birth_certificate: SourcePage) -> None:
    """Letters are as dark, and stamp and title as red, as in the archive profile."""
    lean, archive = (
        shown(page).astype(int)
        for page in (birth_certificate, replace(birth_certificate, layers=None))
    )
    assert np.abs(lean - archive).mean() < 4
    for dark in (lean.max(2) < 90, archive.max(2) < 90):
        assert 0.01 < dark.mean() < 0.04
    assert ((lean.max(2) < 110) & (archive.min(2) > 200)).mean() < 5e-4  # nothing made up
    red = (archive[..., 0] - archive[..., 1] > 100) & (archive[..., 0] > 150)
    assert np.median(lean[red], axis=0) == pytest.approx(np.median(archive[red], axis=0), abs=35)


def shown(page: SourcePage) -> npt.NDArray[np.uint8]:
    pdf = assemble([page], specimens.facts(), lambda _: "HTTPS://X.EXAMPLE/V/AAAA")
    return np.asarray(render(pdf)[0])


def test_a_page_without_ink_and_a_grey_one_have_layers_too() -> None:
    out = io.BytesIO()
    Image.new("L", (420, 595), 250).save(out, "JPEG")
    blank = layered(SourcePage(out.getvalue(), 420, 595, 72, ()))
    assert shown(blank)[1000, 300].min() > 240


def test_sizes_of_five_colour_pages() -> None:
    """At 200 dpi: 1.5 MB archived, 0.4 MB lean; fonts, words and signatures are a tenth of it."""
    pages = {kind: paper(kind) for kind in FIVE_PAGES}
    archived = sum(count * len(pages[kind].image) for kind, count in FIVE_PAGES.items())
    lean = sum(count * len(layered(pages[kind]).image) for kind, count in FIVE_PAGES.items())
    assert archived < 1.5e6
    assert lean < 0.34e6
