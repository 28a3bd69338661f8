"""Two kiosks and two citizens in any order: nobody sees, is handed or can fetch another's data.

Engine, steps, outbox, uploader and portal are the real ones, in one thread and without wires; what
a person does and shows, when the line goes and when the power fails, is Hypothesis' choice.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kiosk.portal.errors import RefusedError
from kiosk.portal.store import manifest_of
from kiosk.views import (
    Back,
    CardView,
    Choose,
    ChooseServiceView,
    FaultView,
    IdentifyView,
    Intent,
    Leave,
    Next,
    ScanView,
    View,
)
from offline_queue.intake import Problem
from tests.kiosk.two_kiosks import Citizen, Office, Place

TURNS = 60
"""Of the event loop, after which everybody waits for somebody: nothing here waits for time."""
_persons = itertools.count()


@pytest.fixture(scope="module", autouse=True)
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    AnyOrder.office = Office(tmp_path_factory.mktemp("office"))
    yield
    AnyOrder.office.portal.store.close()


PLACE, CITIZEN = st.integers(0, 1), st.integers(0, 1)


class AnyOrder(RuleBasedStateMachine):
    office: Office

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="isolation-"))
        self.citizens = [Citizen(_number(next(_persons))) for _ in range(2)]
        for each in self.citizens:
            self.office.provider.add_person(
                citizen_number=each.number, full_name=each.name, birth_date="19920314"
            )
        self.loop = asyncio.new_event_loop()
        self.places = [self._place(name) for name in self.office.keys]
        self._run(*(place.switch_on for place in self.places))

    def _place(self, name: str) -> Place:
        (self.folder / name).mkdir()
        return Place(self.office, name, self.folder / name, self.citizens)

    def teardown(self) -> None:
        try:
            self.everything_arrives_and_is_its_owners()
        finally:
            for place in self.places:
                self.loop.run_until_complete(place.switch_off())
                place.journal.close()
            self.loop.close()
            shutil.rmtree(self.folder)

    def _run(self, *deeds: Callable[[], object]) -> None:
        async def turns() -> None:
            for deed in deeds:
                deed()
            for _ in range(TURNS):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())

    # -- what happens ------------------------------------------------------------------------

    @rule(place=PLACE, citizen=CITIZEN, moves=st.integers(1, 9), phone=st.booleans())
    def goes_on(self, place: int, citizen: int, moves: int, phone: bool) -> None:
        """So many screens, as somebody would who wants to get through."""
        for _ in range(moves):
            view = self.places[place].view
            if isinstance(view, IdentifyView | CardView):
                self.shows_a_code(place, citizen, phone)
            elif isinstance(view, ScanView) and not view.pages:
                self.lays_down_a_page(place)
            else:
                self._touch(place, _answer(view))

    @rule(place=PLACE, citizen=CITIZEN, phone=st.booleans())
    def shows_a_code(self, place: int, citizen: int, phone: bool) -> None:
        """Whoever it is, whoever's session it is, and whether or not it was asked for."""
        shown, at = self.citizens[citizen], self.places[place]
        code = self.office.provider.make_code(shown.number)["payload"] if phone else shown.card
        before = at.holder
        at.holder = shown  # the very next screen is theirs
        if not at.reader.put(code) or (phone and not at.line.up):
            at.holder = before
        self._run()

    @rule(place=PLACE)
    def lays_down_a_page(self, place: int) -> None:
        at = self.places[place]
        self._run(lambda: at.holder and at.scanner.put(at.holder.page))

    @rule(place=PLACE, citizen=CITIZEN, phone=st.booleans())
    def gives_way(self, place: int, citizen: int, phone: bool) -> None:
        """In the middle of it, a neighbour takes over the same session."""
        for _ in range(3):
            if not isinstance(self.places[place].view, IdentifyView):
                self._touch(place, Back())
        self.shows_a_code(place, citizen, phone)

    @rule(place=PLACE, intent=st.sampled_from([Back(), Back(), Leave()]))
    def turns_back(self, place: int, intent: Intent) -> None:
        self._touch(place, intent)

    @rule(place=PLACE)
    def power_fails(self, place: int) -> None:
        self.loop.run_until_complete(self.places[place].switch_off())
        self._run(self.places[place].switch_on)

    @rule(place=PLACE, up=st.booleans())
    def line_changes(self, place: int, up: bool) -> None:
        self.places[place].line.up = up
        self.places[place].send()

    def _touch(self, place: int, intent: Intent) -> None:
        self._run(lambda: self.places[place].on_intent(intent))

    # -- what holds --------------------------------------------------------------------------

    @invariant()
    def a_draft_is_its_holders_and_nobody_elses(self) -> None:
        for place in self.places:
            drafts = place.outbox.drafts()
            assert len(drafts) <= (place.holder is not None)
            for name, part in ((draft.id, part) for draft in drafts for part in draft.parts):
                data = place.outbox.read_part(name, part.name)
                strangers = (each for each in self.citizens if each != place.holder)
                assert not any(each.number.encode() in data for each in strangers)

    @precondition(lambda self: any(place.slips for place in self.places))
    @invariant()
    def the_portal_tells_each_person_of_their_own(self) -> None:
        for citizen in self.citizens:
            found = self.office.portal.offices.tracking.of_citizen(citizen.number)
            theirs = {slip["code"] for holder, slip in self._slips() if holder == citizen}
            assert {each.code for each in found} <= theirs

    def everything_arrives_and_is_its_owners(self) -> None:
        for place in self.places:
            place.line.up = True
            place.send()
            assert not place.outbox.waiting()
            journal = (place.folder / "journal" / "run.jsonl").read_text("utf-8")
            assert not any(each.name in journal or each.number in journal for each in self.citizens)
        tracking = self.office.portal.offices.tracking
        slips = self._slips()
        for (holder, slip), (_, other) in zip(slips, [*slips[1:], *slips[:1]], strict=True):
            found = tracking.look_up(slip["code"], slip["secret"], slip["code"])
            assert found
            assert found.code == slip["code"]
            if other is not slip:
                assert tracking.look_up(slip["code"], other["secret"], slip["code"]) is None
            self._holds_nothing_of_others(slip["code"], holder)

    def _holds_nothing_of_others(self, code: str, holder: Citizen) -> None:
        portal = self.office.portal
        (line,) = portal.offices.casebook.of_code(code)
        dossier = portal.store.dossier(line.dossier)
        assert dossier
        manifest = manifest_of(dossier)
        parts = b"".join(portal.vault.open_part(manifest, part.name) for part in manifest.parts)
        for citizen in self.citizens:
            assert (citizen.number.encode() in parts) == (citizen == holder)
            assert citizen.number not in dossier.manifest
        stranger = next(name for name in self.office.keys if name != dossier.kiosk_id)
        with pytest.raises(RefusedError) as caught:
            portal.intake.state(stranger, UUID(line.dossier))
        assert caught.value.code == Problem.NOT_FOUND

    def _slips(self) -> list[tuple[Citizen, dict[str, str]]]:
        return [each for place in self.places for each in place.slips]


def _number(person: int) -> str:
    """A birthplace and a year for each, and the serial that nobody is given."""
    return f"{person % 1000:03}1{person // 1000:02}000000"


def _answer(view: View) -> Intent:
    if isinstance(view, ChooseServiceView):
        return Choose("filing")
    return Choose(view.actions[0]) if isinstance(view, FaultView) else Next()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    phases=(Phase.generate,),  # what is accepted at the portal stays: a failure is not replayed
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
