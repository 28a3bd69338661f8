"""The cards that may be held to the emulated reader: what PERSON has in her purse, and worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

from drivers.emulators.card import Card
from kiosk.identity.chip import ChipFile
from kiosk.identity.numbers import Sex
from kiosk.sandbox.card_state import Bearer, CardState, dg2, kept_in
from kiosk.sandbox.chip_card import ChipCard
from kiosk.sandbox.people import OTHER_PERSON, PERSON, Citizen, card_portrait
from kiosk.sandbox.staff_card import StaffAuthority

_EXPIRED = date(2025, 3, 14)


def bearer_of(citizen: Citizen, photo: bytes) -> Bearer:
    """As the state knows that citizen; cards of people of that age end at 40."""
    return Bearer(
        number=citizen.number,
        name=citizen.name,
        birth_date=citizen.birth_date,
        sex="Nữ" if citizen.sex is Sex.FEMALE else "Nam",
        residence=citizen.residence,
        issued=citizen.card_issued,
        expires=citizen.birth_date.replace(year=citizen.birth_date.year + 40),
        photo=photo,
    )


def purse(folder: Path) -> Mapping[str, Callable[[], Card]]:
    """By kind. ``folder``: where the keys of the invented state are kept.

    "genuine"; "cloned" (all its data, none of its keys); "tampered" (another photo); "expired";
    "foreign" (of a state nobody knows); "other" (of OTHER_PERSON, with PERSON's photo); "staff"
    (of an officer).
    """
    state = kept_in(folder)
    person = bearer_of(PERSON, card_portrait())
    issued = state.issue(person)
    chips = {
        "genuine": issued,
        "cloned": issued.cloned(),
        "tampered": issued.tampered(ChipFile.DG2, dg2(b"\xff\xd8\xff another photo")),
        "expired": state.issue(replace(person, expires=_EXPIRED)),
        "foreign": CardState().issue(person),
        "other": state.issue(bearer_of(OTHER_PERSON, card_portrait())),
    }
    staff = StaffAuthority.kept_in(folder).card("Lê Văn Cán Bộ")
    return {
        "staff": lambda: staff,
        **{kind: partial(ChipCard, chip) for kind, chip in chips.items()},
    }
