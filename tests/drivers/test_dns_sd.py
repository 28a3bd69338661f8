"""Announcements, from a responder on loopback. What Avahi says: ``test_ippeveprinter.py``."""

from __future__ import annotations

import asyncio
import secrets
from ipaddress import IPv4Address

import pytest
from zeroconf import ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from drivers import dns_sd
from drivers.dns_sd import IPP, IPPS, Announced

LOOPBACK = ["127.0.0.1"]


async def heard(*infos: ServiceInfo, names: str) -> list[Announced]:
    """What is heard of those whose name holds ``names``: other tests may announce meanwhile."""
    responder = AsyncZeroconf(interfaces=LOOPBACK)
    try:
        for info in infos:
            await responder.async_register_service(info, cooperating_responders=True)
        found = await dns_sd.announced([IPP, IPPS], 0.4, LOOPBACK)
    finally:
        await responder.async_close()
    return [one for one in found if names in one.name]


def info(service: str, name: str, port: int, **about: str) -> ServiceInfo:
    return ServiceInfo(
        f"{service}.local.",
        f"{name}.{service}.local.",
        port=port,
        addresses=[b"\x7f\0\0\1"],
        properties=about,
        server=f"{secrets.token_hex(4)}.local.",
    )


def test_both_ways_of_a_printer_are_heard_and_a_name_without_a_port_is_not() -> None:
    ours = secrets.token_hex(4)
    name = f"Máy in. {ours}"  # a dot in a name is part of it
    spoken = info(IPP, name, 631, rp="ipp/print", TY="Ví dụ"), info(IPPS, name, 8631)
    found = asyncio.run(heard(*spoken, info(IPP, f"Held {ours}", 0), names=ours))
    assert [(one.service, one.name, one.port) for one in found] == [
        (IPP, name, 631),
        (IPPS, name, 8631),
    ]
    assert found[0].address == IPv4Address("127.0.0.1")
    assert found[0].about == {"rp": "ipp/print", "ty": "Ví dụ"}


def test_without_a_network_nothing_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError("no such device")

    monkeypatch.setattr("zeroconf.asyncio.AsyncZeroconf", refuse)
    assert asyncio.run(dns_sd.announced([IPP], 0.0)) == []
