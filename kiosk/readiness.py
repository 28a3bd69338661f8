"""``kiosk doctor``: is everything there that a citizen will need in a minute?

``CHECKS`` is the list to which further parts are added; devices come from ``kiosk/inventory.py``,
and the self-tests, which need a person's hands, from ``kiosk/selftest.py``.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from certify.trust import load_bundle, load_policy
from drivers.contract import WARNINGS, Health
from kiosk import app, inventory, selftest
from kiosk.coded import CODED_ERRORS
from kiosk.failures import Fault, KioskError, failure_of
from kiosk.link import messages, verbs
from kiosk.selftest import Hands
from kiosk.settings import Settings
from offline_queue.errors import Fault as QueueFault
from offline_queue.errors import QueueError

_LEAST_FREE_BYTES = 2 * 1024**3
_DEADLINE = 15.0
_SELF_TEST_DEADLINE = 90.0

GREEN, YELLOW, RED = "green", "yellow", "red"


@dataclass(frozen=True, slots=True)
class Check:
    """A question to one part. ``if_not``: the light when it fails. ``run`` says what it found, or
    raises an error with a failure code. ``warned``: it works, but somebody should come."""

    section: str
    what: str
    if_not: str
    run: Callable[[app.Kiosk], Awaitable[str]]
    warned: Callable[[app.Kiosk], bool] = lambda _: False


@dataclass(frozen=True, slots=True)
class Finding:
    """``light``: green works, yellow should be mended, red stops the service."""

    section: str
    what: str
    light: str
    detail: str

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


def examine(settings: Settings, hands: Hands | None = None) -> list[Finding]:
    """Ask every part, one after the other; with ``hands`` the self-tests too. Settings that no
    kiosk can be made of are a finding as well: the devices are asked nevertheless."""
    return asyncio.run(_examine(settings, hands))


def exit_code(findings: list[Finding]) -> int:
    lights = {finding.light for finding in findings}
    return 3 if RED in lights else 1 if YELLOW in lights else 0


async def _examine(settings: Settings, hands: Hands | None) -> list[Finding]:
    held = inventory.known(settings)
    try:
        kiosk = _built(settings)
    except KioskError as error:
        states = held or await inventory.probe(settings, quietly=True)
        return [_of_settings(error), *(_held(state, running=bool(held)) for state in states)]
    try:
        findings = [await _ask(check, kiosk) for check in CHECKS]
        if held is not None:
            return findings + [_held(state) for state in held]
        findings += [await _ask(_check_of(kind), kiosk) for kind in inventory.KINDS]
        return findings + (await _try(kiosk, hands) if hands else [])
    finally:
        await kiosk.close()


def _built(settings: Settings) -> app.Kiosk:
    """Raises KioskError (SETTINGS_INVALID)."""
    try:
        settings.site.state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        detail = f"{settings.site.state}: {error.strerror}"
        raise KioskError(Fault.SETTINGS_INVALID, detail) from None
    return app.build(settings)


def _of_settings(error: KioskError) -> Finding:
    return Finding("machine", "settings", RED, f"{failure_of(error).code} {error.detail}".strip())


def _held(state: inventory.State, *, running: bool = True) -> Finding:
    """A citizen may be using the device: the running kiosk's word counts."""
    kind = next(kind for kind in inventory.KINDS if kind.name == state.device)
    there = bool(state.address) or kind.optional
    well = YELLOW if state.warned else GREEN
    light = well if there and state.fine else _light(kind)
    words = [word for word in (state.state, state.code) if word]
    words += ["(the kiosk is running)"] if running else []
    return Finding("devices", state.device, light, " ".join(words))


def _check_of(kind: inventory.Kind) -> Check:
    async def look(kiosk: app.Kiosk) -> str:
        return await kind.look(kiosk.settings, kiosk.devices[kind.name])

    def warned(kiosk: app.Kiosk) -> bool:
        status = kiosk.devices[kind.name].status()
        return status.health is Health.READY and status.code in WARNINGS

    return Check("devices", kind.name, _light(kind), look, warned)


def _light(kind: inventory.Kind) -> str:
    return RED if kind.needed else YELLOW


async def _try(kiosk: app.Kiosk, hands: Hands) -> list[Finding]:
    bench = selftest.bench(kiosk, hands)
    checks = [Check("self-test", what, YELLOW, _on(bench, run)) for what, run in selftest.TESTS]
    return [await _ask(check, kiosk, _SELF_TEST_DEADLINE) for check in checks]


def _on(
    bench: selftest.Bench, run: Callable[[selftest.Bench], Awaitable[str]]
) -> Callable[[app.Kiosk], Awaitable[str]]:
    return lambda _: run(bench)


async def _ask(check: Check, kiosk: app.Kiosk, seconds: float = _DEADLINE) -> Finding:
    light, detail = check.if_not, f"no answer in {seconds:.0f} s"
    try:
        detail = await asyncio.wait_for(check.run(kiosk), seconds)
        light = YELLOW if check.warned(kiosk) else GREEN
    except CODED_ERRORS as error:
        detail = f"{failure_of(error).code} {error.detail}".strip()
    except TimeoutError:
        pass  # said above
    return Finding(check.section, check.what, light, detail)


async def _disk(kiosk: app.Kiosk) -> str:
    free = shutil.disk_usage(kiosk.settings.site.state).free
    said = f"{free / 1024**3:.1f} GiB free"
    if free < _LEAST_FREE_BYTES:
        raise QueueError(QueueFault.DISK_FULL, said)
    return said


async def _link(kiosk: app.Kiosk) -> str:
    status = await kiosk.link.call(verbs.STATUS, messages.Empty())
    if status.standing:  # the portal does not take this kiosk for one of its own
        raise KioskError(status.standing)
    line = "portal reached" if status.online else "portal not reached, dossiers wait here"
    return f"{line}; {status.outbox_waiting} in the outbox"


async def _trust(kiosk: app.Kiosk) -> str:
    answer = await kiosk.link.call(verbs.TRUST, messages.Empty())
    now = kiosk.clock()
    bundle = load_bundle(answer.bundle, kiosk.trust_anchor, at=now)
    policy = load_policy(answer.policy, kiosk.trust_anchor, at=now)
    return f"bundle {bundle.serial} until {bundle.expires:%d/%m/%Y}, policy {policy.serial}"


async def _numbers(kiosk: app.Kiosk) -> str:
    now = kiosk.clock()
    left = kiosk.numbers.left("dossier", now.year, now)
    return f"{left} dossier codes left"


CHECKS: tuple[Check, ...] = (
    Check("machine", "disk", RED, _disk),
    Check("machine", "link", RED, _link),
    Check("machine", "trust bundle", RED, _trust),
    Check("machine", "numbers", YELLOW, _numbers),
)
