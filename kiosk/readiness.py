"""``kiosk doctor``: is everything there that a citizen will need in a minute?"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass

from certify.trust import load_bundle, load_policy
from drivers.contract import DeviceError, Fault
from kiosk import app
from kiosk.failures import failure_of
from kiosk.link import verbs
from kiosk.session import CODED_ERRORS
from kiosk.settings import Settings

_LEAST_FREE_BYTES = 2 * 1024**3
_DEADLINE = 15.0

GREEN, YELLOW, RED = "green", "yellow", "red"


@dataclass(frozen=True, slots=True)
class Finding:
    """``light``: green works, yellow should be mended, red stops the service."""

    what: str
    light: str
    detail: str

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


def examine(settings: Settings) -> list[Finding]:
    """Ask every part, one after the other. Raises KioskError when the settings are unusable."""
    return asyncio.run(_examine(settings))


def exit_code(findings: list[Finding]) -> int:
    lights = {finding.light for finding in findings}
    return 3 if RED in lights else 1 if YELLOW in lights else 0


async def _examine(settings: Settings) -> list[Finding]:
    settings.site.state.mkdir(parents=True, exist_ok=True)
    kiosk = app.build(settings)
    try:
        findings = [
            _disk(settings),
            await _ask("link", RED, lambda: _link(kiosk)),
            await _ask("trust bundle", RED, lambda: _trust(kiosk)),
            await _ask("numbers", YELLOW, lambda: _numbers(kiosk)),
            await _ask("scanner", RED, lambda: _scanner(kiosk)),
            await _ask("code reader", YELLOW, lambda: _reader(settings)),
            await _ask("camera", YELLOW, lambda: _camera(kiosk)),
            await _ask("receipt printer", YELLOW, lambda: _printer(kiosk)),
        ]
        if settings.devices.card_reader.reader:
            findings.append(await _ask("card reader", YELLOW, lambda: _card_reader(kiosk)))
        return findings
    finally:
        await kiosk.close()


async def _ask(what: str, if_not: str, question: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(what, GREEN, await asyncio.wait_for(question(), _DEADLINE))
    except CODED_ERRORS as error:
        return Finding(what, if_not, f"{failure_of(error).code} {error.detail}".strip())
    except TimeoutError:
        return Finding(what, if_not, f"no answer in {_DEADLINE:.0f} s")


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.site.state).free
    light = GREEN if free >= _LEAST_FREE_BYTES else RED
    return Finding("disk", light, f"{free / 1024**3:.1f} GiB free")


async def _link(kiosk: app.Kiosk) -> str:
    status = await kiosk.link.call(verbs.STATUS, verbs.Empty())
    line = "portal reached" if status.online else "portal not reached, dossiers wait here"
    return f"{line}; {status.outbox_waiting} in the outbox"


async def _trust(kiosk: app.Kiosk) -> str:
    answer = await kiosk.link.call(verbs.TRUST, verbs.Empty())
    now = kiosk.clock()
    bundle = load_bundle(answer.bundle, kiosk.trust_anchor, at=now)
    policy = load_policy(answer.policy, kiosk.trust_anchor, at=now)
    return f"bundle {bundle.serial} until {bundle.expires:%d/%m/%Y}, policy {policy.serial}"


async def _numbers(kiosk: app.Kiosk) -> str:
    now = kiosk.clock()
    left = kiosk.numbers.left("dossier", now.year, now)
    return f"{left} dossier codes left"


async def _scanner(kiosk: app.Kiosk) -> str:
    await kiosk.scanner.check()
    return "ready"


async def _reader(settings: Settings) -> str:
    port = settings.devices.code_reader.port
    if not await asyncio.to_thread(os.path.exists, port):
        raise DeviceError(Fault.READER_ABSENT, port)
    return f"{port} is there"


async def _camera(kiosk: app.Kiosk) -> str:
    async with aclosing(kiosk.camera.frames()) as frames:
        frame = await anext(frames)
    return f"{frame.width} x {frame.height} pixels"


async def _printer(kiosk: app.Kiosk) -> str:
    await kiosk.receipt.check()
    return "paper and cover in order"


async def _card_reader(kiosk: app.Kiosk) -> str:
    await kiosk.cards.check()
    return "ready"
