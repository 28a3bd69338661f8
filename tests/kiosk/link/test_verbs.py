"""The verbs as a list: the document says what the code says, and deadlines fit together."""

from __future__ import annotations

import re
from pathlib import Path

from kiosk.link import process, verbs
from kiosk.link.handlers import Handlers

ROW = re.compile(r"^\| `([a-z-]+)` \| [^|]+ \| ([0-9]+) \| ([^|]+) \|$", re.MULTILINE)


def test_the_document_lists_every_verb() -> None:
    rows = ROW.findall(Path("docs/link.md").read_text("utf-8"))
    declared = [(verb.name, f"{verb.deadline:.0f}", verb.offline) for verb in verbs.VERBS.values()]
    assert rows == declared
    assert f"version ({verbs.VERSION})" in Path("docs/link.md").read_text("utf-8")


def test_every_verb_has_an_answer() -> None:
    assert set(Handlers.table(object.__new__(Handlers))) == set(verbs.VERBS)


def test_the_portal_is_given_up_before_the_caller_gives_up() -> None:
    """Connecting takes up to 3.05 s beside the silence; then the caller still gets the code."""
    longest_hold = 20.0
    connecting = 3.05
    for verb in (verbs.WAIT_COPY, verbs.PAYMENT):
        assert longest_hold + connecting + process.ASK_SECONDS < verb.deadline
    assert longest_hold < process.PATIENT_SECONDS
    patient = process.PATIENT_SECONDS + connecting
    assert patient < verbs.WAIT_COPY.deadline
