"""Who is at the browser."""

from __future__ import annotations

from kiosk.portal.accounts import Role, Staff
from tests.kiosk.portal.browser.driver import Browser
from tests.kiosk.portal.line import RunningPortal
from tests.kiosk.portal.people import NAMES, enrolled


def enter(browser: Browser, portal: RunningPortal, role: Role = Role.OFFICER) -> None:
    """As after a login; the login itself is a test of its own."""
    person = enrolled(portal.inside, "lan", role)
    token = portal.inside.offices.logins.open(Staff(person.name, NAMES["lan"], role))
    browser.open(f"{portal.address}/login")
    browser.set_cookie("desk", token)
