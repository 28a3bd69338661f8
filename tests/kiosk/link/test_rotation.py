"""The portal changes its keys while a kiosk has dossiers waiting."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kiosk.failures import Fault
from kiosk.link import messages, verbs
from kiosk.link.client import LinkClient
from kiosk.link.device import Enrolment
from kiosk.link.key_ring import KeyRing
from kiosk.link.portal_client import PortalClient
from kiosk.portal.keys import PortalKeys, load_keys
from offline_queue import signatures
from offline_queue.errors import Fault as QueueFault
from offline_queue.errors import QueueError
from offline_queue.intake import KeysReply, Receipt
from offline_queue.manifest import Manifest
from offline_queue.outbox import Outbox, State
from tests.kiosk.link.office import Office, back, gone, run, standing_is
from tests.kiosk.link.place import until, until_answered


def rotate(office: Office, change: Callable[[Path], object]) -> None:
    """The portal is stopped, its keys are changed, and it is started again."""
    office.portal.stop()
    for name in ("envelope.key", "receipt.pem"):
        change(office.portal.settings.state / "keys" / name)
    office.portal.restart_stopped()
    office.line.lead_to(office.portal.address)


def put_aside(file: Path) -> None:
    file.rename(file.with_stem(f"{file.stem}-2026"))


def state_of(office: Office, dossier: UUID) -> State:
    outbox = office.outbox()
    try:
        return outbox.get(dossier).state
    finally:
        outbox.close()


async def accepted(office: Office, *dossiers: UUID) -> None:
    await until(lambda: all(state_of(office, each) is State.ERASED for each in dossiers))


def locked_for(office: Office, dossier: UUID) -> str:
    outbox = office.outbox()
    try:
        manifest = outbox.get(dossier).manifest
        assert manifest is not None
        return Manifest.decode(manifest).key.key_id
    finally:
        outbox.close()


def test_keys_change_in_the_middle_of_a_queue(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One dossier whose receipt was lost, one that waits, one that is locked afterwards."""
    real = PortalClient.commit

    def lost(self: PortalClient, id: UUID) -> Receipt:
        real(self, id)
        raise QueueError(QueueFault.UNKNOWN, retryable=True)

    async def story(link: LinkClient) -> None:
        monkeypatch.setattr(PortalClient, "commit", lost)
        first = office.lock()
        await until(lambda: state_of(office, first) is State.UNKNOWN)
        office.line.set("cut")
        await until_answered(lambda: gone(link))
        second = office.lock("H26.15-261124-0002")
        rotate(office, put_aside)
        monkeypatch.setattr(PortalClient, "commit", real)
        office.line.set("good")
        await accepted(office, first, second)
        await until_answered(lambda: back(link))
        current = office.inside.keys.envelope_key_id
        monkeypatch.setattr(PortalClient, "commit", lost)
        third = office.lock("H26.15-261124-0003")
        assert locked_for(office, third) == current
        monkeypatch.setattr(PortalClient, "commit", real)
        await accepted(office, third)

    run(office, story)


def test_a_receipt_key_that_is_gone_for_good_takes_a_fresh_code(office: Office) -> None:
    async def story(link: LinkClient) -> None:
        office.line.set("cut")
        await until_answered(lambda: gone(link))
        rotate(office, lambda file: put_aside(file) if file.suffix == ".key" else file.unlink())
        office.line.set("good")
        dossier = office.lock()
        await until_answered(lambda: standing_is(link, Fault.LINK_REVOKED))
        assert state_of(office, dossier) is not State.ERASED
        office.fresh_code()
        await accepted(office, dossier)
        assert (await link.call(verbs.STATUS, messages.Empty())).standing == ""

    run(office, story)


class Says(PortalClient):
    """A portal of which only the answer about keys is wanted."""

    def __init__(self, answer: Callable[[str], KeysReply]) -> None:
        self._says = answer

    def keys(self, nonce: str) -> KeysReply:
        return self._says(nonce)


@pytest.fixture
def keys(tmp_path: Path) -> PortalKeys:
    return load_keys(tmp_path / "portal")


@pytest.fixture
def ring(tmp_path: Path, keys: PortalKeys) -> Iterator[KeyRing]:
    outbox = Outbox(tmp_path / "outbox", machine_key=tmp_path / "machine.key")
    Enrolment(keys.enrol_answer()).save(tmp_path / "enrolment.json")
    yield KeyRing(tmp_path / "enrolment.json", outbox)
    outbox.close()


def by_a_stranger(reply: KeysReply) -> KeysReply:
    stranger = ec.generate_private_key(ec.SECP256R1())
    signature = signatures.sign(stranger, signatures.KEYS, reply.statement.encode())
    told = base64.b64encode(signature).decode()
    return reply.model_copy(update={"signatures": dict.fromkeys(reply.signatures, told)})


def changed(reply: KeysReply) -> KeysReply:
    text = reply.statement.replace('"certificate":""', '"certificate":" "')
    return reply.model_copy(update={"statement": text})


def unsigned(reply: KeysReply) -> KeysReply:
    return reply.model_copy(update={"signatures": dict.fromkeys(reply.signatures, "\u00e9")})


def test_every_receipt_key_signs_for_the_new_ones(tmp_path: Path, ring: KeyRing) -> None:
    put_aside(tmp_path / "portal" / "receipt.pem")
    put_aside(tmp_path / "portal" / "envelope.key")
    newer = load_keys(tmp_path / "portal")
    assert ring.receipt_key(newer.receipt_key_id) is None
    assert ring.wanted
    ring.refresh(Says(newer.sign_keys))
    assert not ring.wanted
    assert all(ring.receipt_key(key_id) for key_id in newer.receipts)
    kept = Enrolment.load(tmp_path / "enrolment.json")
    assert kept is not None
    assert (kept.envelope_key_id, len(kept.receipt_keys)) == (newer.envelope_key_id, 2)


@pytest.mark.parametrize("forge", [by_a_stranger, changed, unsigned])
def test_keys_that_no_held_key_has_signed_are_not_believed(
    ring: KeyRing, keys: PortalKeys, forge: Callable[[KeysReply], KeysReply]
) -> None:
    with pytest.raises(QueueError) as caught:
        ring.refresh(Says(lambda nonce: forge(keys.sign_keys(nonce))))
    assert caught.value.code == QueueFault.RECEIPT_INVALID
    assert ring.receipt_key(keys.receipt_key_id) is not None


def test_an_old_statement_is_not_believed(ring: KeyRing, keys: PortalKeys) -> None:
    with pytest.raises(QueueError, match="old"):
        ring.refresh(Says(lambda _: keys.sign_keys("0" * 32)))
