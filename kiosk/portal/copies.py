"""Does a certified copy hold, what does it state, and does it show the pages of its dossier, and
nothing but these?

Parsers and signature checks of certify run in this server process: what they read comes from
enrolled kiosks and the agency's own desk, never from the public.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from certify.copyfile import CopyFile, open_reader, read_copy
from certify.errors import CertifyError
from certify.examination import OFFICER
from certify.pages import SourcePage, decode_text
from certify.reassembly import shows_only
from certify.seal import copy_digest, read_seal
from certify.statement import CopyFacts
from certify.verify import State, verify
from kiosk.portal.trust import read_bundle

OTHER_PAGES = "copy.other-pages"
OTHER_LOOK = "copy.other-look"
OTHER_FACTS = "copy.other-facts"
OTHER_FILE = "copy.other-file"
NOT_INSPECTED = "copy.not-inspected"
OTHER_OFFICER = "copy.other-officer"


@dataclass(frozen=True, slots=True)
class Checked:
    """``facts`` and ``state`` when the copy is good, else ``fault``: a code of certify or of this
    module."""

    facts: CopyFacts | None
    fault: str = ""
    state: State = State.NOT_GENUINE


class CopyVerifier:
    """Verifies with the newest trust bundle in ``trust_dir``."""

    def __init__(self, trust_dir: Path) -> None:
        self._trust_dir = trust_dir

    def check(self, pdf: bytes, images: Sequence[bytes], text: bytes) -> Checked:
        """``images``: the dossier's pages (JPEG, in order), ``text`` their words and sizes
        (certify.pages.encode_text): of them the copy must be made, byte for byte.

        Raises CertifyError (BUNDLE_INVALID, BUNDLE_EXPIRED) or OSError when the portal itself
        has no valid bundle.
        """
        bundle = read_bundle(self._trust_dir)
        try:
            verdict = verify(pdf, bundle)
        except CertifyError as error:
            return Checked(None, error.code)
        if verdict.facts is None:
            return Checked(None, verdict.code)
        if _sealed_digest(pdf) != copy_digest(images, verdict.facts):
            return Checked(None, OTHER_PAGES)
        if not shows_only(pdf, _decoded(images, text)):
            return Checked(None, OTHER_LOOK)
        return Checked(verdict.facts, state=verdict.state)

    def fault_of(self, pdf: bytes, images: Sequence[bytes], text: bytes, facts: CopyFacts) -> str:
        """Empty when ``pdf`` is good and states exactly ``facts``."""
        checked = self.check(pdf, images, text)
        if checked.facts is None:
            return checked.fault
        return "" if checked.facts == facts else OTHER_FACTS

    def inspection_fault_of(
        self,
        pdf: bytes,
        before: bytes,
        images: Sequence[bytes],
        text: bytes,
        facts: CopyFacts,
        officer: str,
    ) -> str:
        """Empty when ``pdf`` is the copy ``before`` and, as its only addition, the officer's
        signature. ``officer``: SHA-256 of his certificate (DER), hex."""
        if not pdf.startswith(before):
            return OTHER_FILE
        checked = self.check(pdf, images, text)
        if checked.facts is None:
            return checked.fault
        if checked.facts != facts:
            return OTHER_FACTS
        if checked.state != State.OFFICER_AND_AGENCY:
            return NOT_INSPECTED
        return "" if _officer_of(pdf) == officer else OTHER_OFFICER


def opened(pdf: bytes) -> CopyFile:
    """A copy that was verified."""
    reader = open_reader(pdf)
    assert reader is not None
    return read_copy(reader)


def _decoded(images: Sequence[bytes], text: bytes) -> list[SourcePage]:
    """No page at all when the two do not belong together."""
    try:
        return decode_text(text, images)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError):
        return []


def _sealed_digest(pdf: bytes) -> bytes:
    return read_seal(opened(pdf).seal).digest


def _officer_of(pdf: bytes) -> str:
    return sha256(opened(pdf).signatures[OFFICER].signer_cert.dump()).hexdigest()
