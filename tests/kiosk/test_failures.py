"""Leaves own the codes, config/failures.toml the rest: the two must match, both ways."""

from __future__ import annotations

import certify.errors
import drivers.contract
import kiosk.failures
import kiosk.portal.errors
import offline_queue.errors
from drivers.contract import DeviceError
from kiosk.failures import failure_of, table
from kiosk.strings import LANGUAGES, catalogue

OWNERS = (
    certify.errors.Fault,
    drivers.contract.Fault,
    kiosk.failures.Fault,
    kiosk.portal.errors.Fault,
    offline_queue.errors.Fault,
)


def test_every_code_has_an_entry_and_every_entry_a_code() -> None:
    assert set(table()) == {str(fault) for owner in OWNERS for fault in owner}


def test_every_failure_is_told_in_every_language() -> None:
    for language in LANGUAGES:
        words = catalogue(language)
        for failure in table().values():
            for key in (failure.title, failure.happened, failure.todo):
                assert words[key], (language, failure.code)


def test_no_words_without_a_failure() -> None:
    used = {failure.words for failure in table().values()}
    told = {key.split(".")[1] for key in catalogue("vi") if key.startswith("failure.")}
    assert told == used


def test_an_error_without_a_code_is_told_as_unexpected() -> None:
    assert failure_of(ZeroDivisionError()).code == "kiosk.unexpected"
    assert failure_of(DeviceError("no.such-code")).code == "kiosk.unexpected"


def test_exit_codes_are_those_of_the_command_line() -> None:
    assert {failure.exit_code for failure in table().values()} <= {1, 2, 3}
    assert table()["certify.pdf-encrypted"].exit_code == 2
    assert table()["link.offline"].exit_code == 3
