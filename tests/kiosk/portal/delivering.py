"""What tests of delivery share: a partner who takes orders, a dossier with a wish, its line."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import requests

from kiosk.portal.channels import channels_of
from kiosk.portal.delivery import DeliveryLine, Worker
from kiosk.portal.desk import Desk
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.packing import DossierPacker
from kiosk.sandbox.mail import MailCatcher
from tests.kiosk.portal.line import (
    APPLICANT,
    RunningPortal,
    TestDossier,
    TestKiosk,
)
from tests.kiosk.portal.people import send
from tests.kiosk.portal.soft_signers import SoftAuthority, contents_of, drawn_page

MAILBOX = "mau@thu.example"


class Partner(HTTPServer):
    """Takes orders as wallet and post do; ``statuses`` are answered first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Orders)
        self.orders: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.statuses: list[int] = []


class _Orders(BaseHTTPRequestHandler):
    server: Partner

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status == 200:
            self.server.orders.append(json.loads(body))
            self.server.tokens.append(self.headers["Authorization"])
        answer = json.dumps({"reference": f"REF-{len(self.server.orders)}"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def worker(portal: RunningPortal) -> Worker:
    inside, settings = portal.inside, portal.settings
    offices = inside.offices
    catalogue, address = offices.casebook.catalogue, portal.address
    packer = DossierPacker(inside.store, inside.vault, offices.deliveries, catalogue, address)
    return Worker(inside.offices.deliveries, packer, channels_of(settings.delivery))


def wishing(kiosk: TestKiosk, **wish: Any) -> TestDossier:
    answers = {"applicant": APPLICANT, "delivery": wish}
    contents = contents_of(drawn_page()) | {"answers.json": json.dumps(answers).encode()}
    dossier = kiosk.dossier(contents=contents)
    dossier.send()
    return dossier


def issued(portal: RunningPortal, kiosk: TestKiosk, **wish: Any) -> TestDossier:
    """A dossier whose copy is signed."""
    dossier, authority = wishing(kiosk, **wish), SoftAuthority(portal.settings)
    with DeskClient(portal.address, portal.desk_secret(authority.officer.fingerprint)) as client:
        client.approve(str(dossier.id), "at-the-desk")
        desk = Desk(client, officer=authority.officer, agency=authority.agency, seal=authority.seal)
        assert desk.sign_approved() == 1
    return dossier


def line_of(portal: RunningPortal, dossier: TestDossier) -> DeliveryLine:
    (line,) = portal.inside.offices.deliveries.of_dossier(str(dossier.id))
    return line


def text_of(mail: MailCatcher) -> str:
    (message,) = mail.messages
    return str(message.get_content())


def link_in(portal: RunningPortal, text: str) -> str:
    (link,) = re.findall(rf"{portal.address}/result\S+", text)
    return str(link)


def followed(portal: RunningPortal, link: str) -> requests.Response:
    """As a browser does: what stands behind "#" goes into the form, never into an address."""
    page, _, secret = link.partition("#secret=")
    assert page == f"{portal.address}/result"
    with requests.Session() as visitor:
        return send(visitor, page, page, secret=secret)
