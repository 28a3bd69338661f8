"""Only the portal's own word counts: everything else on the way is no answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from offline_queue.errors import Fault, QueueError
from offline_queue.intake import LeaseRequest, Problem
from offline_queue.transport import IntakeClient
from offline_queue.tus import Limits
from tests.offline_queue.invented import new_id
from tests.offline_queue.small_portal import CODE, Held, SmallPortal


@pytest.fixture
def portal() -> Iterator[SmallPortal]:
    with SmallPortal() as portal:
        yield portal


@pytest.fixture
def client(portal: SmallPortal) -> IntakeClient:
    client = IntakeClient(
        portal.address,
        "kiosk-01",
        ec.generate_private_key(ec.SECP256R1()),
        read_seconds=2,
        limits=Limits(give_up=0.0),
    )
    client.enrol(CODE)
    return client


CALLS: dict[str, Callable[[IntakeClient], Any]] = {
    "state": lambda client: client.state(new_id()),
    "part": lambda client: client.send_part(new_id(), "page-1.jpg", b"x"),
    "lease": lambda client: client.lease(LeaseRequest(kind="dossier", year=2026, count=5)),
    "policy": lambda client: client.policy(),
    "copy": lambda client: client.copy(new_id()),
    "staff": lambda client: client.call_staff("help"),
    "health": lambda client: client.health(),
    "enrol": lambda client: client.enrol(CODE),
}


@pytest.mark.parametrize(
    "kind",
    ["500", "502", "captive", "forbidden", "redirect", "nonsense", "strange", "busy", "lost"],
)
@pytest.mark.parametrize("call", CALLS)
def test_what_is_no_answer_of_the_portal_is_no_answer(
    portal: SmallPortal, client: IntakeClient, call: str, kind: str
) -> None:
    portal.fault("/v1/", kind)
    with pytest.raises(QueueError) as caught:
        CALLS[call](client)
    assert caught.value.code == Fault.UNREACHABLE
    assert caught.value.retryable


@pytest.mark.parametrize("kind", ["500", "captive", "lost"])
def test_a_commit_without_an_answer_is_unknown(
    portal: SmallPortal, client: IntakeClient, kind: str
) -> None:
    portal.fault("commit", kind)
    with pytest.raises(QueueError) as caught:
        client.commit(new_id())
    assert caught.value.code == Fault.UNKNOWN


@pytest.mark.parametrize("call", ["state", "lease", "policy", "staff"])
def test_a_refusal_carries_the_portals_code(
    portal: SmallPortal, client: IntakeClient, call: str
) -> None:
    portal.fault("/v1/", Problem.BAD_SIGNATURE)
    with pytest.raises(QueueError) as caught:
        CALLS[call](client)
    assert (caught.value.code, caught.value.detail) == (Fault.REJECTED, Problem.BAD_SIGNATURE)


def test_a_portal_that_is_down_is_unreachable(portal: SmallPortal, client: IntakeClient) -> None:
    portal.close()
    for call in CALLS.values():
        with pytest.raises(QueueError) as caught:
            call(client)
        assert caught.value.code == Fault.UNREACHABLE


def test_what_the_portal_does_not_know_is_none(client: IntakeClient) -> None:
    assert client.state(new_id()) is None
    assert client.copy(new_id()) is None


def test_a_copy_is_a_pdf(portal: SmallPortal, client: IntakeClient) -> None:
    dossier = new_id()
    portal.held[dossier] = Held("", copy=b"%PDF-1.7 copy")
    assert client.copy(dossier) == b"%PDF-1.7 copy"
    portal.held[dossier].copy = b"something else"
    with pytest.raises(QueueError):
        client.copy(dossier)


def test_requests_are_signed_over_their_body(portal: SmallPortal, client: IntakeClient) -> None:
    client.call_staff("help")
    assert portal.staff_calls == ["help"]
    portal.devices["kiosk-01"] = portal.devices["kiosk-01"].replace("A", "B", 0)
    stranger = IntakeClient(portal.address, "kiosk-01", ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(QueueError) as caught:
        stranger.call_staff("help")
    assert caught.value.detail == Problem.BAD_SIGNATURE


def test_a_lease_is_read_as_sent(client: IntakeClient) -> None:
    lease = client.lease(LeaseRequest(kind="dossier", year=2026, count=5))
    assert (lease.kind, lease.year, lease.first, lease.last) == ("dossier", 2026, 1, 5)


def test_signed_files_come_byte_by_byte(portal: SmallPortal, client: IntakeClient) -> None:
    portal.files = {"trust-bundle": bytes(range(256)), "policy": b"\xd2policy"}
    assert client.trust_bundle() == bytes(range(256))
    assert client.policy() == b"\xd2policy"


def test_health_tells_the_portals_clock(client: IntakeClient) -> None:
    told = client.health()
    assert told is not None
    assert abs(told - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_proxy_of_the_environment_is_not_used(
    client: IntakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    assert client.health() is not None


def test_an_answer_without_end_is_cut(
    portal: SmallPortal, client: IntakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.files["policy"] = bytes(200_000)
    assert hashlib.sha256(client.policy()).digest() == hashlib.sha256(bytes(200_000)).digest()
    monkeypatch.setattr("offline_queue.transport.MAX_ANSWER", 100_000)
    with pytest.raises(QueueError, match="without end"):
        client.policy()
