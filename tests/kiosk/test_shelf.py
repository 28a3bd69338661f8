"""What a session is offered: built in, and over it what packs say on that day."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certify import cose
from certify.trust import NamedPack, Policy, sign_policy
from kiosk.failures import Fault, KioskError
from kiosk.link import messages, verbs
from kiosk.procedures import procedures
from kiosk.session import Session
from kiosk.shelf import Shelf
from kiosk.stage import Prompter
from kiosk.views import Choose, ConsentView, Leave, View
from tests.kiosk.packed import BUILT_IN, pack, procedure
from tests.kiosk.test_session import NOW, Person, kiosk  # noqa: F401

ANCHOR = ec.generate_private_key(ec.SECP256R1())


class PackLink:
    """Link, as far as packs go; ``policy`` is signed anew by :meth:`publish`."""

    def __init__(self) -> None:
        self.policy = b""
        self.files: dict[str, bytes] = {}
        self.asked = 0
        self.absent = False

    def publish(
        self, *given: tuple[bytes, NamedPack], key: ec.EllipticCurvePrivateKey = ANCHOR
    ) -> None:
        self.files = {named.sha256: data for data, named in given}
        policy = Policy(
            serial=1,
            issued=NOW,
            expires=NOW,  # an end that has come takes no procedure away
            modes=frozenset(),
            thresholds={},
            post_check_papers=frozenset(),
            post_check_inspect_days=1,
            procedure_packs=tuple(named for _, named in given),
        )
        signer = cose.software_signer(key)
        self.policy = sign_policy(policy, signer, cose.key_id(ANCHOR.public_key()))

    async def call(self, verb: Any, request: Any) -> Any:
        if self.absent:
            raise KioskError(Fault.LINK_ABSENT)
        if verb is verbs.PACKS:
            return messages.PacksAnswer(policy=self.policy)
        if verb is verbs.STATUS:
            return messages.LinkStatus(online=True, outbox_waiting=0, clock_trusted=True)
        self.asked += 1
        return messages.PackAnswer(pack=self.files[request.sha256])


@pytest.fixture
def link() -> PackLink:
    return PackLink()


@pytest.fixture
def shelf(link: PackLink) -> Shelf:
    return Shelf(link, ANCHOR.public_key())  # type: ignore[arg-type]


def versions(shelf: Shelf, at: datetime = NOW) -> dict[str, int]:
    asyncio.run(shelf.refresh())
    return {name: each.version for name, each in shelf.on(at).items()}


def test_without_packs_what_is_built_in_is_offered(link: PackLink, shelf: Shelf) -> None:
    assert shelf.on(NOW) == procedures()
    assert versions(shelf) == {"certified-copy": 1}
    link.absent = True
    assert versions(shelf) == {"certified-copy": 1}


def test_a_pack_adds_replaces_and_withdraws(link: PackLink, shelf: Shelf) -> None:
    added = pack({"marriage": procedure("marriage")})
    link.publish(added)
    assert versions(shelf) == {"certified-copy": 1, "marriage": 1}
    newer = BUILT_IN.replace("version = 1", "version = 7")
    link.publish(added, pack({"certified-copy": newer}, name="copies"))
    assert versions(shelf) == {"certified-copy": 7, "marriage": 1}
    assert link.asked == 2  # each pack once
    link.publish(added, pack({}, name="copies", withdrawn=("certified-copy", "marriage")))
    assert versions(shelf) == {}
    link.publish()
    assert versions(shelf) == {"certified-copy": 1}


def test_it_counts_from_its_day_in_vietnam(link: PackLink, shelf: Shelf) -> None:
    old = pack({"marriage": procedure("marriage"), "birth": procedure("birth")})
    new = pack(
        {"marriage": procedure("marriage", version=2)}, version=2, effective=date(2026, 12, 1)
    )
    link.publish(old, new)
    eve, day = (datetime(2026, 11, 30, 16, 59, tzinfo=UTC), datetime(2026, 11, 30, 17, tzinfo=UTC))
    assert versions(shelf, eve) == {"certified-copy": 1, "marriage": 1, "birth": 1}
    assert versions(shelf, day) == {"certified-copy": 1, "marriage": 2}


@pytest.mark.parametrize(
    "bad",
    [
        BUILT_IN.replace("[fee]", "[fee"),
        BUILT_IN.replace('"face", ', '"dance", '),
        BUILT_IN,  # another id than the one it is packed under
        "",
        "\x00",
    ],
)
def test_a_bad_procedure_takes_no_other_down(
    link: PackLink, shelf: Shelf, caplog: pytest.LogCaptureFixture, bad: str
) -> None:
    link.publish(pack({"bad": bad, "marriage": procedure("marriage")}))
    assert versions(shelf) == {"certified-copy": 1, "marriage": 1}
    assert "settings.invalid: civil-status/bad: " in caplog.text


def test_a_bad_replacement_leaves_the_one_built_in(link: PackLink, shelf: Shelf) -> None:
    link.publish(pack({"certified-copy": BUILT_IN.replace("version = 1", "version = 0")}))
    assert versions(shelf) == {"certified-copy": 1}


def test_what_is_not_as_signed_leaves_the_shelf_as_it_was(
    link: PackLink, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    good, other = pack({"marriage": procedure("marriage")}), pack({"birth": procedure("birth")})
    link.publish(good)
    before = versions(shelf)
    link.publish((other[0], NamedPack("civil-status", good[1].effective, "0" * 64)))
    assert versions(shelf) == before
    assert "certify.pack-invalid" in caplog.text
    link.publish(other, key=ec.generate_private_key(ec.SECP256R1()))
    assert versions(shelf) == before
    assert "certify.bundle-invalid" in caplog.text


def test_a_session_keeps_what_it_began_with(
    kiosk: Any,  # noqa: F811
    link: PackLink,
    shelf: Shelf,
) -> None:
    link.publish(pack({"marriage": procedure("marriage")}))
    kiosk.link = link
    arrived: list[int] = []

    class Slow(Person):
        """At the first page after the choice a newer pack arrives."""

        def present(self, view: View) -> None:
            super().present(view)
            if isinstance(view, ConsentView):
                self.reading = asyncio.create_task(self._reads())

        async def _reads(self) -> None:
            link.publish(pack({"marriage": procedure("marriage", version=2)}, version=2))
            await shelf.refresh()
            arrived.append(shelf.on(NOW)["marriage"].version)
            arrived.append(session.procedure.version)
            self.on_intent(Leave())

    async def begin() -> Session:
        await shelf.refresh()
        person = Slow(Choose("marriage"))
        prompter = Prompter(person, language="vi", idle_seconds=60, warning_seconds=60)
        return Session(kiosk, prompter, None, shelf.on(NOW))

    with asyncio.Runner() as runner:
        session = runner.run(begin())
        runner.run(session.run())
    assert arrived == [2, 1]
