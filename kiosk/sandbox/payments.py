"""A stand-in for the payment gateway and for the gateway of SMS and e-mail: real HTTP, no money.

    POST /v1/payments             {"reference", "amount"} -> {"id", "qr", "expires"}
    GET  /v1/payments/{id}?wait=S -> {"state", "notice", "signature"}, held back up to S seconds
    POST /messages                {"channel", "to", "text"} -> {}

Worked from outside by JSON over POST:

    /sandbox/pay       {"qr"}: somebody pays what the code says, as a bank's app would
    /sandbox/messages  {} -> {"messages": [...]} what was sent so far
    /sandbox/set       {"down", "forged"}: 503 to everything; notices signed by a stranger
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from kiosk.link import vietqr
from kiosk.link.payments import NOTICE
from kiosk.sandbox.stand_in import StandIn, say
from offline_queue import signatures

LIFE = timedelta(minutes=15)
_BANK, _ACCOUNT = "970436", "0000000000"


@dataclass
class _Payment:
    reference: str
    amount: int
    qr: str
    expires: datetime
    paid: bool = False


class PaymentSandbox(StandIn):
    """Serves on loopback until :meth:`close`."""

    def __init__(self, port: int = 0) -> None:
        self.down = False
        self.forged = False
        self.messages: list[dict[str, str]] = []
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._payments: dict[str, _Payment] = {}
        self._changed = threading.Condition()
        self._closed = False
        super().__init__(port)

    @property
    def notice_key(self) -> str:
        """PEM, for ``payment.notice_key_file``."""
        return signatures.public_pem(self._key.public_key())

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        super().close()

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> tuple[int, Any]:
        url = urlsplit(target)
        try:
            values = json.loads(body) if body else {}
            if url.path.startswith("/sandbox/"):
                return 200, self._control(url.path, values)
            if self.down:
                return 503, {}
            if (method, url.path) == ("POST", "/v1/payments"):
                return 200, self._create(str(values["reference"]), int(values["amount"]))
            if (method, url.path) == ("POST", "/messages"):
                self.messages.append({name: str(value) for name, value in values.items()})
                return 200, {}
            name = url.path.removeprefix("/v1/payments/")
            return 200, self._state(name, float(parse_qs(url.query).get("wait", ["0"])[0]))
        except KeyError:
            return 404, {}
        except (TypeError, ValueError):
            return 400, {}

    def _create(self, reference: str, amount: int) -> dict[str, Any]:
        """The same reference and amount again are the same payment, whose answer was lost."""
        qr = vietqr.encode(vietqr.Payment(_BANK, _ACCOUNT, amount, reference))
        with self._changed:
            for name, payment in self._payments.items():
                if payment.qr == qr and payment.expires > datetime.now(UTC):
                    return {"id": name, "qr": qr, "expires": payment.expires.isoformat()}
            name, expires = secrets.token_hex(8), datetime.now(UTC) + LIFE
            self._payments[name] = _Payment(reference, amount, qr, expires)
        return {"id": name, "qr": qr, "expires": expires.isoformat()}

    def _state(self, id: str, wait: float) -> dict[str, Any]:
        payment = self._payments[id]
        with self._changed:
            self._changed.wait_for(lambda: payment.paid or self._closed, min(wait, 25.0))
        if payment.paid:
            return {"state": "paid", **self._notice(id, payment)}
        late = payment.expires <= datetime.now(UTC)
        return {"state": "expired" if late else "waiting"}

    def _notice(self, id: str, payment: _Payment) -> dict[str, str]:
        text = json.dumps(
            {
                "payment_id": id,
                "reference": payment.reference,
                "amount": payment.amount,
                "state": "paid",
            }
        )
        key = ec.generate_private_key(ec.SECP256R1()) if self.forged else self._key
        signature = signatures.sign(key, NOTICE, text.encode())
        return {"notice": text, "signature": base64.b64encode(signature).decode()}

    def _control(self, path: str, values: dict[str, Any]) -> dict[str, Any]:
        actions: dict[str, Callable[..., dict[str, Any]]] = {
            "/sandbox/pay": self.pay,
            "/sandbox/messages": lambda: {"messages": self.messages},
            "/sandbox/set": self.set,
        }
        return actions[path](**values)

    def pay(self, qr: str) -> dict[str, Any]:
        """Raises ValueError for what no bank's app would take."""
        vietqr.decode(qr)
        with self._changed:
            (payment,) = [each for each in self._payments.values() if each.qr == qr]
            payment.paid = True
            self._changed.notify_all()
        return {}

    def set(self, *, down: bool | None = None, forged: bool | None = None) -> dict[str, Any]:
        self.down = self.down if down is None else down
        self.forged = self.forged if forged is None else forged
        return {}


def run(*, port: int = 0) -> None:
    """Serve until the process is ended."""
    with PaymentSandbox(port) as sandbox:
        say({"address": sandbox.address, "notice_key": sandbox.notice_key})
        sandbox.wait()
