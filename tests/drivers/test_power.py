"""A UPS behind upsd, over a real socket: what each of its words means to the kiosk."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from drivers.contract import DeviceError, Fault, Health
from drivers.emulators.upsd import UpsdEmulator
from drivers.power import NutPowerSupply


@pytest.fixture
def ups() -> Iterator[UpsdEmulator]:
    emulator = UpsdEmulator()
    yield emulator
    emulator.close()


def said(supply: NutPowerSupply) -> str | None:
    """The code of the trouble, or None."""
    try:
        asyncio.run(supply.check())
    except DeviceError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({}, None),
        ({"low": True}, None),  # it is being charged again
        ({"mains": False}, Fault.POWER_OUT),
        ({"mains": False, "low": True}, Fault.POWER_LOW),
        ({"shutdown": True}, Fault.POWER_LOW),
        ({"stale": True}, Fault.POWER_ABSENT),
    ],
)
def test_what_it_says(ups: UpsdEmulator, state: dict[str, bool], code: Fault | None) -> None:
    for name, value in state.items():
        setattr(ups.state, name, value)
    assert said(NutPowerSupply(address=ups.address)) == code


def test_silence_is_not_power(ups: UpsdEmulator) -> None:
    ups.state.silent = True
    supply = NutPowerSupply(address=ups.address, timeout=0.1)
    assert said(supply) == Fault.POWER_ABSENT
    assert supply.status().health is Health.ABSENT


def test_another_ups_is_absent(ups: UpsdEmulator) -> None:
    assert said(NutPowerSupply(address=ups.address.replace("kiosk", "other"))) == Fault.POWER_ABSENT


def test_nobody_there_is_absence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert said(NutPowerSupply(address=f"nut://kiosk@127.0.0.1:{port}")) == Fault.POWER_ABSENT


@pytest.mark.parametrize("answer", [b"\xff\xfe\n", b'VAR kiosk ups.status "\n', b"", b"x" * 9000])
def test_nonsense_is_absence(answer: bytes) -> None:
    async def talk() -> str:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(answer)
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(DeviceError) as raised:
                await NutPowerSupply(address=f"nut://kiosk@127.0.0.1:{port}").check()
        return raised.value.code

    assert asyncio.run(talk()) == Fault.POWER_ABSENT


def test_it_comes_back(ups: UpsdEmulator) -> None:
    supply = NutPowerSupply(address=ups.address)
    ups.state.mains = False
    assert said(supply) == Fault.POWER_OUT
    assert supply.status().code == Fault.POWER_OUT
    ups.state.mains = True
    assert said(supply) is None
    assert supply.status().health is Health.READY


@pytest.mark.parametrize("address", ["nut://host", "tcp://ups@host", "ups@host"])
def test_an_address_that_cannot_be_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="expected nut://"):
        NutPowerSupply(address=address)
