"""A copy that was made elsewhere must come out the same when it is made again."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from certify.issue import Issued, assemble, issue_post_check, sign_copy
from certify.layers import layered
from certify.reassembly import shows_only
from certify.trust import TrustBundle
from certify.verify import State, verify
from tests.certify import specimens
from tests.certify.conftest import Signers
from tests.certify.forgeries import FORGERIES, Forgery

PAGE = specimens.page(36)


def test_the_same_pages_facts_and_seal_give_the_same_bytes(
    post_check: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: again)  # which reportlab asks
    made = assemble([PAGE], specimens.facts("post-check"), lambda _: post_check.seal)
    assert post_check.pdf.startswith(made)


def test_copies_of_both_modes_and_profiles_are_made_again(
    signers: Signers, pre_check: Issued, post_check: Issued
) -> None:
    assert shows_only(pre_check.pdf, [specimens.page(20), specimens.page(4)])
    assert shows_only(post_check.pdf, [PAGE])
    assert shows_only(sign_copy(post_check.pdf, signers.officer, "officer"), [PAGE])
    lean = [layered(specimens.page(4))]
    copy = issue_post_check(
        lean,
        specimens.facts("post-check"),
        agency=signers.kiosk_agency,
        seal=signers.kiosk_seal,
        seal_host=specimens.SEAL_HOST,
    )
    assert shows_only(copy.pdf, lean)


@pytest.mark.parametrize("forge", FORGERIES)
def test_what_is_drawn_over_a_sealed_page_shows(
    forge: Forgery, post_check: Issued, signers: Signers, bundle: TrustBundle
) -> None:
    """To the signatures and the seal such a file is as good as any: the kiosk made them all."""
    honest = assemble([PAGE], specimens.facts("post-check"), lambda _: post_check.seal)
    forged = sign_copy(forge(honest), signers.kiosk_agency, "agency")
    assert verify(forged, bundle).state == State.INSPECTION_DUE
    assert not shows_only(forged, [PAGE])


def test_other_words_and_other_sizes_show(post_check: Issued) -> None:
    assert not shows_only(post_check.pdf, [replace(PAGE, words=PAGE.words[1:])])
    assert not shows_only(post_check.pdf, [])
    assert not shows_only(b"%PDF-1.7 nothing", [PAGE])


def test_a_page_that_is_said_to_be_a_point_is_not_signed(signers: Signers) -> None:
    for wrong in (replace(PAGE, dpi=100_000), replace(PAGE, height=PAGE.height // 9)):
        copy = issue_post_check(
            [wrong],
            specimens.facts("post-check"),
            agency=signers.kiosk_agency,
            seal=signers.kiosk_seal,
            seal_host=specimens.SEAL_HOST,
        )
        assert not shows_only(copy.pdf, [wrong])
