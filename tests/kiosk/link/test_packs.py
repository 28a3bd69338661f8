"""Packs on their way to a kiosk: whole, as named, and never fewer than before."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certify import cose
from certify.packs import file_name
from certify.trust import NamedPack, Policy, sign_policy
from kiosk.failures import Fault, KioskError
from kiosk.journal import read
from kiosk.link import messages, verbs
from kiosk.link.client import LinkClient
from kiosk.link.packs import PackKeeper
from kiosk.session import Session
from kiosk.shelf import Shelf
from kiosk.stage import Prompter
from kiosk.strings import resolve
from kiosk.views import Choose, ChooseServiceView, ConsentView, Leave
from offline_queue.errors import Fault as QueueFault
from offline_queue.errors import QueueError
from offline_queue.intake import Problem
from tests.kiosk.link.office import Office, run
from tests.kiosk.link.place import until_answered
from tests.kiosk.packed import pack, procedure
from tests.kiosk.test_session import NOW, Person, kiosk  # noqa: F401

ANCHOR = ec.generate_private_key(ec.SECP256R1())
FIRST, FIRST_NAMED = pack({"marriage": procedure("marriage")})
SECOND, SECOND_NAMED = pack({"marriage": procedure("marriage", version=2)}, version=2)
LAND, LAND_NAMED = pack({"land": procedure("land", code="1.012783")}, name="land")


def policy(*named: NamedPack, serial: int = 1) -> bytes:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    body = Policy(
        serial=serial,
        issued=at,
        expires=at,
        modes=frozenset(),
        thresholds={},
        post_check_papers=frozenset(),
        post_check_inspect_days=1,
        procedure_packs=named,
    )
    return sign_policy(body, cose.software_signer(ANCHOR), cose.key_id(ANCHOR.public_key()))


class Client:
    """A portal that gives out ``files``; what is an error is raised."""

    def __init__(self, *files: tuple[bytes | Exception, NamedPack]) -> None:
        self.files = {named.sha256: data for data, named in files}
        self.asked: list[str] = []

    def pack(self, sha256: str) -> bytes:
        self.asked.append(sha256)
        found = self.files.get(sha256, QueueError(QueueFault.REJECTED, Problem.NOT_FOUND))
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def keeper(tmp_path: Path) -> PackKeeper:
    return keeper_in(tmp_path)


def keeper_in(folder: Path) -> PackKeeper:
    return PackKeeper(folder / "packs", ANCHOR.public_key())


def keep(keeper: PackKeeper, policy: bytes, client: Client) -> None:
    keeper.keep(policy, client)  # type: ignore[arg-type]


def held(folder: Path) -> set[str]:
    return {file.name for file in (folder / "packs").iterdir()}


def test_what_the_policy_names_is_fetched_once_and_survives_a_restart(
    keeper: PackKeeper, tmp_path: Path
) -> None:
    client, named = Client((FIRST, FIRST_NAMED)), policy(FIRST_NAMED)
    keep(keeper, named, client)
    keep(keeper, named, client)
    assert client.asked == [FIRST_NAMED.sha256]
    again = keeper_in(tmp_path)
    assert (again.policy, again.read(FIRST_NAMED.sha256)) == (named, FIRST)


def test_what_is_no_longer_named_goes(keeper: PackKeeper, tmp_path: Path) -> None:
    client = Client((FIRST, FIRST_NAMED), (SECOND, SECOND_NAMED))
    keep(keeper, policy(FIRST_NAMED), client)
    (tmp_path / "packs" / "x.pack.0a0b0c0d.tmp").write_bytes(b"unfinished")
    keep(keeper, policy(SECOND_NAMED), client)
    assert held(tmp_path) == {"policy.cose", file_name(SECOND_NAMED.sha256)}
    keep(keeper, policy(), client)
    assert held(tmp_path) == {"policy.cose"}


@pytest.mark.parametrize("wrong", [SECOND, b"", b"\xff" * 100, b"<html>Accept</html>"])
def test_another_file_is_refused_and_the_old_ones_stay(
    keeper: PackKeeper, tmp_path: Path, caplog: pytest.LogCaptureFixture, wrong: bytes
) -> None:
    old, client = policy(FIRST_NAMED), Client((FIRST, FIRST_NAMED), (wrong, LAND_NAMED))
    keep(keeper, old, client)
    keep(keeper, policy(LAND_NAMED, serial=2), client)
    assert "certify.pack-invalid" in caplog.text
    assert keeper.policy == old
    assert held(tmp_path) == {"policy.cose", file_name(FIRST_NAMED.sha256)}


def test_packs_change_as_a_set(keeper: PackKeeper, caplog: pytest.LogCaptureFixture) -> None:
    """The second is there, but a third is not published yet; then the line breaks; then all is."""
    old, new = policy(FIRST_NAMED), policy(SECOND_NAMED, LAND_NAMED, serial=2)
    client = Client((FIRST, FIRST_NAMED), (SECOND, SECOND_NAMED))
    keep(keeper, old, client)
    keep(keeper, new, client)
    assert "land is not published yet" in caplog.text
    client.files[LAND_NAMED.sha256] = QueueError(QueueFault.UNREACHABLE)
    with pytest.raises(QueueError):
        keep(keeper, new, client)
    assert (keeper.policy, keeper.read(FIRST_NAMED.sha256)) == (old, FIRST)
    client.files[LAND_NAMED.sha256] = LAND
    keep(keeper, new, client)
    assert keeper.policy == new
    assert client.asked.count(SECOND_NAMED.sha256) == 1


def test_a_file_that_was_damaged_is_fetched_anew(keeper: PackKeeper, tmp_path: Path) -> None:
    client, named = Client((FIRST, FIRST_NAMED)), policy(FIRST_NAMED)
    keep(keeper, named, client)
    (tmp_path / "packs" / file_name(FIRST_NAMED.sha256)).write_bytes(FIRST[:-1])
    keep(keeper, named, client)
    assert keeper.read(FIRST_NAMED.sha256) == FIRST


def test_a_policy_of_a_stranger_is_not_used(
    keeper: PackKeeper, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep(keeper, policy(FIRST_NAMED), Client((FIRST, FIRST_NAMED)))
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert PackKeeper(tmp_path / "packs", other).policy is None
    assert "certify.bundle-invalid" in caplog.text


async def in_use(client: LinkClient, signed: bytes) -> bool:
    return (await client.call(verbs.PACKS, messages.Empty())).policy == signed


def test_from_the_portals_folder_to_the_first_screen(
    office: Office,
    kiosk: Any,  # noqa: F811
) -> None:
    """Real portal, real link: a procedure is published while both run, appears and is begun."""
    trust_dir = office.portal.settings.trust_dir
    office.publish(4, packs=(SECOND_NAMED,))
    (trust_dir / file_name(SECOND_NAMED.sha256)).write_bytes(SECOND)

    async def story(client: LinkClient) -> None:
        shelf = Shelf(client, office.place.anchor.public_key())
        assert "marriage" not in shelf.on(NOW)
        signed = (trust_dir / "policy.cose").read_bytes()
        await until_answered(lambda: in_use(client, signed))
        await shelf.refresh()
        kiosk.link = client
        await begin(kiosk, shelf)
        assert office.inside.offices.casebook.catalogue.procedure("1.004873").title == "Hôn nhân"
        for sha256, code in (("0" * 64, Fault.LINK_NOT_FOUND), ("../../anchor", Fault.UNEXPECTED)):
            asked = messages.PackRequest.model_construct(sha256=sha256)
            with pytest.raises(KioskError) as caught:
                await client.call(verbs.PACK, asked)
            assert caught.value.code == code

    run(office, story)


async def begin(machine: Any, shelf: Shelf) -> None:
    person = Person(Choose("marriage"), Leave())
    prompter = Prompter(person, language="vi", idle_seconds=60, warning_seconds=60)
    finished = await Session(machine, prompter, None, shelf.on(NOW)).run()
    machine.journal.close()
    chosen = [entry for entry in read(machine.path) if entry["event"] == "procedure-chosen"]
    assert (finished.ended, [entry["procedure"] for entry in chosen]) == ("left", ["marriage"])
    first, second = person.views
    assert isinstance(first, ChooseServiceView)
    assert isinstance(second, ConsentView)
    (card,) = (card for card in first.cards if card.procedure == "marriage")
    assert [resolve(card.title, tongue) for tongue in ("vi", "en")] == ["Hôn nhân", "Hôn nhân (en)"]
