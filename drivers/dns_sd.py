"""Devices that announce themselves on the network: DNS-SD over multicast DNS (RFC 6763, RFC 6762).

Only for setting up: nothing that serves a citizen depends on an announcement.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo

log = logging.getLogger(__name__)

IPP, IPPS, ESCL = "_ipp._tcp", "_ipps._tcp", "_uscan._tcp"
_DOMAIN = ".local."
_ANSWER_MS = 1500.0


@dataclass(frozen=True, slots=True)
class Announced:
    """``service``: its type, as ``_ipp._tcp``. ``name``: what people call it, unique for its type.
    ``address``: IPv4. ``about``: the TXT record, keys in lower case."""

    service: str
    name: str
    address: IPv4Address
    port: int
    about: Mapping[str, str]


async def announced(
    services: Sequence[str], seconds: float = 3.0, interfaces: Sequence[str] | None = None
) -> list[Announced]:
    """Listen for ``seconds``, then ask each of what was heard for its address.

    ``interfaces``: addresses of those to listen on; None: all. Where there is no network that
    carries multicast, nothing is found.
    """
    from zeroconf import InterfaceChoice, IPVersion
    from zeroconf.asyncio import AsyncZeroconf

    try:
        line = AsyncZeroconf(
            interfaces=InterfaceChoice.All if interfaces is None else list(interfaces),
            ip_version=IPVersion.V4Only,
        )
    except (OSError, RuntimeError) as error:
        log.warning("announcements cannot be heard: %s", error)
        return []
    try:
        heard = await _heard(line, services, seconds)
        infos = await asyncio.gather(*(_asked(line, service, name) for service, name in heard))
    finally:
        await line.async_close()
    return [one for info in infos if info and (one := _told(info))]


async def _heard(line: Any, services: Sequence[str], seconds: float) -> list[tuple[str, str]]:
    """(type, full name) of each instance, in the order of their names."""
    from zeroconf import ServiceStateChange
    from zeroconf.asyncio import AsyncServiceBrowser

    found: set[tuple[str, str]] = set()

    def note(service_type: str, name: str, state_change: ServiceStateChange, **_: Any) -> None:
        change = found.discard if state_change is ServiceStateChange.Removed else found.add
        change((service_type, name))

    types = [service + _DOMAIN for service in services]
    browser = AsyncServiceBrowser(line.zeroconf, types, handlers=[note])
    await asyncio.sleep(seconds)
    await browser.async_cancel()
    return sorted(found)


async def _asked(line: Any, service: str, name: str) -> AsyncServiceInfo | None:
    from zeroconf.asyncio import AsyncServiceInfo

    info = AsyncServiceInfo(service, name)
    return info if await info.async_request(line.zeroconf, _ANSWER_MS) else None


def _told(info: AsyncServiceInfo) -> Announced | None:
    """None for one that says no address, or no port: port 0 is how a name is held and no more."""
    addresses = [IPv4Address(data) for data in info.addresses]
    if not addresses or not info.port:
        return None
    return Announced(
        info.type.removesuffix(_DOMAIN),
        info.name.removesuffix(f".{info.type}"),
        addresses[0],
        info.port,
        {_text(key).lower(): _text(value or b"") for key, value in info.properties.items()},
    )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
