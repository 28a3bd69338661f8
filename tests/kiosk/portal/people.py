"""Staff of a portal under test, with passwords and authenticators."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyotp
import requests

from kiosk.portal.accounts import Role
from kiosk.portal.composition import Portal
from kiosk.portal.times import now
from tests.kiosk.portal.line import RunningPortal

PASSWORD = "mật khẩu để thử 1"
NAMES = {"lan": "Lê Văn Thí Điểm", "hoa": "Phạm Thị Thử"}


@dataclass(frozen=True)
class Person:
    """``shared``: the secret in the authenticator."""

    name: str
    shared: str

    def digits(self, steps: int = 0) -> str:
        """Of now, or of a time step before (negative) or after."""
        return pyotp.TOTP(self.shared).at(now(), counter_offset=steps)


def enrolled(portal: Portal, name: str, role: Role) -> Person:
    """An account whose person has chosen password and second factor. The digits of now and
    before count as used: log in with those that follow (``digits(1)``)."""
    accounts = portal.offices.accounts
    code = accounts.add(name, NAMES.get(name, "Người Thử"), role, by="test")
    address = accounts.begin(name, code, PASSWORD)
    person = Person(name, pyotp.parse_uri(address).secret)
    assert accounts.finish(name, code, person.digits())
    return person


def form_token(session: requests.Session, url: str) -> str:
    answer = session.get(url, timeout=10)
    found = re.search(r'name="form_token" value="(\w+)"', answer.text)
    assert found, answer.text
    return found[1]


def send(session: requests.Session, page: str, action: str, **fields: str) -> requests.Response:
    """Fill in a form of ``page`` and send it to ``action``; both are addresses."""
    data = {"form_token": form_token(session, page)} | fields
    return session.post(action, data=data, timeout=10)


def log_in(session: requests.Session, portal: RunningPortal, person: Person) -> requests.Response:
    url = f"{portal.address}/login"
    return send(session, url, url, name=person.name, password=PASSWORD, digits=person.digits(1))


def logged_in(portal: RunningPortal, name: str, role: Role) -> requests.Session:
    session = requests.Session()
    answer = log_in(session, portal, enrolled(portal.inside, name, role))
    assert answer.ok, answer.text
    assert answer.url != f"{portal.address}/login"
    return session
