"""The app scans the kiosk's screen (RFC 8628), and every way in which that may come to nothing; and
introspection of the app's own code (RFC 7662). Against the sandbox, which keeps the standards."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from kiosk.failures import Fault, KioskError
from kiosk.identity.providers import ProviderProfile
from kiosk.link import messages
from kiosk.link.handlers import Handlers
from kiosk.link.identity import VneidClient
from kiosk.link.provider import Provider
from kiosk.sandbox.vneid import VneidSandbox

NUMBER = "001192000000"


@pytest.fixture
def sandbox() -> Iterator[VneidSandbox]:
    with VneidSandbox() as sandbox:
        for number, level in ((NUMBER, 2), ("031085000000", 1)):
            sandbox.provider.add_person(
                citizen_number=number, full_name="Trần Thị Mẫu", birth_date="19920314", level=level
            )
        yield sandbox


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def client_of(sandbox: VneidSandbox, clock: Any = time.monotonic, **quirks: Any) -> VneidClient:
    profile = ProviderProfile(title="test", source="test", **quirks)
    return VneidClient(Provider(sandbox.address, "kiosk", 2, profile), clock)


def scan(sandbox: VneidSandbox, shown: messages.ScreenCode, **how: Any) -> None:
    sandbox.provider.scan(shown.code, **{"citizen_number": NUMBER, **how})


def fault_of(client: VneidClient, handle: str) -> str:
    with pytest.raises(KioskError) as caught:
        client.look(handle)
    assert NUMBER not in str(caught.value)
    return caught.value.code


@pytest.mark.parametrize("quirks", [{}, {"nonce": False}, {"pkce": False}])
def test_a_scanned_code_becomes_a_person(sandbox: VneidSandbox, quirks: dict[str, Any]) -> None:
    client = client_of(sandbox, **quirks)
    shown = client.begin()
    assert shown.user_code in shown.code
    assert client.look(shown.handle).identity is None
    scan(sandbox, shown)
    identity = client.look(shown.handle).identity
    assert identity is not None
    assert (identity.citizen_number, identity.level, identity.method) == (NUMBER, 2, "vneid")
    assert fault_of(client, shown.handle) == Fault.IDENTITY_EXPIRED  # once


def test_a_person_who_says_no(sandbox: VneidSandbox) -> None:
    client = client_of(sandbox)
    shown = client.begin()
    scan(sandbox, shown, agree=False)
    assert fault_of(client, shown.handle) == Fault.IDENTITY_DENIED


def test_an_account_of_level_1(sandbox: VneidSandbox) -> None:
    client = client_of(sandbox)
    shown = client.begin()
    scan(sandbox, shown, citizen_number="031085000000")
    assert fault_of(client, shown.handle) == Fault.IDENTITY_LEVEL


@pytest.mark.parametrize(
    ("faults", "fault"),
    [
        ({"down": True}, Fault.LINK_OFFLINE),
        ({"proof": "absent"}, Fault.IDENTITY_REFUSED),
        ({"proof": "forged"}, Fault.IDENTITY_REFUSED),
        ({"proof": "other-nonce"}, Fault.IDENTITY_REFUSED),
        ({"audience": "another"}, Fault.IDENTITY_AUDIENCE),
        ({"skew": 3600.0}, Fault.IDENTITY_CLOCK),
        ({"skew": -3600.0}, Fault.IDENTITY_CLOCK),
    ],
)
def test_what_a_provider_may_do(
    sandbox: VneidSandbox, faults: dict[str, Any], fault: Fault
) -> None:
    client = client_of(sandbox)
    shown = client.begin()
    scan(sandbox, shown)
    sandbox.provider.set(**faults)
    assert fault_of(client, shown.handle) == fault


def test_a_little_skew_does_no_harm(sandbox: VneidSandbox) -> None:
    client = client_of(sandbox)
    shown = client.begin()
    scan(sandbox, shown)
    sandbox.provider.set(skew=40.0)
    assert client.look(shown.handle).identity is not None


def test_nobody_without_the_verifier_can_fetch_what_was_agreed_to(sandbox: VneidSandbox) -> None:
    client = client_of(sandbox)
    shown = client.begin()
    scan(sandbox, shown)
    client._begun[shown.handle].verifier = "stolen device code, guessed verifier"
    assert fault_of(client, shown.handle) == Fault.IDENTITY_REFUSED


def test_a_code_runs_out_here_whatever_the_provider_says(sandbox: VneidSandbox) -> None:
    clock = Clock()
    client = client_of(sandbox, clock)
    shown = client.begin()
    scan(sandbox, shown)
    clock.now += 600
    assert fault_of(client, shown.handle) == Fault.IDENTITY_EXPIRED


def test_a_handle_of_nobody(sandbox: VneidSandbox) -> None:
    assert fault_of(client_of(sandbox), "guess") == Fault.IDENTITY_EXPIRED


def test_not_without_end(sandbox: VneidSandbox) -> None:
    client = client_of(sandbox)
    for _ in range(16):
        client.begin()
    with pytest.raises(KioskError) as caught:
        client.begin()
    assert caught.value.code == Fault.LINK_BUSY


def test_two_sessions_never_see_each_others_person(sandbox: VneidSandbox) -> None:
    client = client_of(sandbox)
    first, second = client.begin(), client.begin()
    scan(sandbox, second)
    assert client.look(first.handle).identity is None
    assert client.look(second.handle).identity is not None


def test_the_verb_waits_and_asks_no_oftener_than_allowed(
    sandbox: VneidSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(sandbox)
    shown = client.begin()
    begun = client._begun[shown.handle]
    begun.interval, begun.due = 0.2, 0.0
    looked: list[float] = []
    look = client.look

    def watched(handle: str) -> messages.ScreenCodeState:
        looked.append(time.monotonic())
        if len(looked) == 2:
            scan(sandbox, shown)
        return look(handle)

    monkeypatch.setattr(client, "look", watched)

    async def main() -> messages.ScreenCodeState:
        handlers: Any = SimpleNamespace(vneid=client, _in_thread=_in_thread)
        request = messages.ScreenCodeRequest(handle=shown.handle, seconds=20)
        return await Handlers.wait_code(handlers, request)

    assert asyncio.run(main()).identity is not None
    assert len(looked) == 2
    assert looked[1] - looked[0] >= begun.interval


async def _in_thread(call: Any) -> Any:
    return await asyncio.to_thread(call)


def test_nothing_secret_is_shown(sandbox: VneidSandbox) -> None:
    client = client_of(sandbox)
    shown = client.begin()
    begun = client._begun[shown.handle]
    for secret in (begun.device_code, begun.verifier, begun.nonce):
        assert secret not in shown.model_dump_json()
    assert re.fullmatch(r"[A-Z]{4}-[A-Z]{4}", shown.user_code)


# -- introspection ---------------------------------------------------------------------------


def payload_of(sandbox: VneidSandbox, **how: Any) -> str:
    return str(sandbox.provider.make_code(NUMBER, **how)["payload"])


def introspecting(sandbox: VneidSandbox, clock: Any = time.monotonic) -> VneidClient:
    return client_of(sandbox, clock, app_code="introspection", login_idp="BCA")


def test_the_apps_code_is_introspected(sandbox: VneidSandbox) -> None:
    identity = introspecting(sandbox).identify(payload_of(sandbox))
    assert identity.citizen_number == NUMBER


def test_a_photographed_code_works_once_here_though_the_provider_would_take_it_again(
    sandbox: VneidSandbox,
) -> None:
    clock, payload = Clock(), payload_of(sandbox)
    client = introspecting(sandbox, clock)
    client.identify(payload)
    assert _told(client, payload) == Fault.IDENTITY_REPLAYED
    clock.now += 899
    assert _told(client, payload) == Fault.IDENTITY_REPLAYED


@pytest.mark.parametrize(
    ("how", "faults", "fault"),
    [
        ({"expired": True}, {}, Fault.IDENTITY_EXPIRED),
        ({"level": 1}, {}, Fault.IDENTITY_LEVEL),
        ({}, {"audience": "another"}, Fault.IDENTITY_AUDIENCE),
        ({}, {"down": True}, Fault.LINK_OFFLINE),
    ],
)
def test_what_introspection_may_answer(
    sandbox: VneidSandbox, how: dict[str, Any], faults: dict[str, Any], fault: Fault
) -> None:
    payload = payload_of(sandbox, **how)
    sandbox.provider.set(**faults)
    assert _told(introspecting(sandbox), payload) == fault


def _told(client: VneidClient, payload: str) -> str:
    with pytest.raises(KioskError) as caught:
        client.identify(payload)
    return caught.value.code
