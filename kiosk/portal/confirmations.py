"""One-time codes by SMS or e-mail: is this telephone number or address really theirs?

The portal keeps digests alone. The message goes to a gateway over HTTP, as SMS providers offer it:
``POST {gateway}`` with JSON ``{"channel", "to", "text"}``; 2xx means it was taken over.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import requests

from kiosk.portal.errors import RefusedError
from kiosk.portal.store import Store
from kiosk.portal.times import now
from offline_queue.intake import CodeAsk, CodeSent, CodeVerdict, Problem

SCHEMA = [
    "CREATE TABLE confirmations (id TEXT PRIMARY KEY, kiosk_id TEXT NOT NULL,"
    " recipient TEXT NOT NULL, code TEXT NOT NULL, tries_left INTEGER NOT NULL,"
    " made_at TEXT NOT NULL, expires TEXT NOT NULL) STRICT",
    "CREATE INDEX confirmations_of_recipient ON confirmations (recipient, made_at)",
    "CREATE TABLE confirmation_recipients (recipient TEXT PRIMARY KEY, turns INTEGER NOT NULL)"
    " STRICT",
]
LIFE = timedelta(minutes=5)
TRIES = 5
BETWEEN = timedelta(seconds=60)
"""Between two messages to one recipient."""
AN_HOUR = 5
"""Most messages to one recipient in an hour."""
_TIMEOUTS = (3.05, 4.0)
_TEXTS = {
    "vi": "Mã xác nhận của ông/bà tại kiosk là {code}, dùng trong 5 phút. Không đưa mã cho ai.",
    "en": "Your confirmation code at the kiosk is {code}, valid for 5 minutes. Tell it to nobody.",
}


class Confirmations:
    def __init__(self, store: Store, gateway: str) -> None:
        self._store = store
        self._gateway = gateway

    def send(self, kiosk_id: str, asked: CodeAsk) -> CodeSent:
        """Raises RefusedError: TOO_MANY, or UNAVAILABLE when the gateway does not take it."""
        recipient = _digest(asked.channel, asked.to.strip().casefold())
        code = f"{secrets.randbelow(10**6):06}"
        sent = CodeSent(id=uuid4(), expires=now() + LIFE)
        self._enter(kiosk_id, recipient, code, sent)
        self._pass_on(asked, _TEXTS[asked.language].format(code=code))
        return sent

    def check(self, kiosk_id: str, id: UUID, code: str) -> CodeVerdict:
        """A right code counts once. Raises RefusedError (NOT_FOUND)."""
        with self._store.transaction() as db:
            rows = self._store.rows(
                "UPDATE confirmations SET tries_left = tries_left - 1"
                " WHERE id = ? AND kiosk_id = ? AND tries_left > 0 RETURNING code, tries_left,"
                " expires",
                (str(id), kiosk_id),
            )
            if not rows:
                self._require_known(kiosk_id, id)
                return CodeVerdict(confirmed=False, tries_left=0)
            held, tries_left, expires = rows[0]
            late = now() > datetime.fromisoformat(expires)
            right = not late and hmac.compare_digest(held, _digest(str(id), code))
            if right or late:
                db.execute("UPDATE confirmations SET tries_left = 0 WHERE id = ?", (str(id),))
        return CodeVerdict(confirmed=right, tries_left=0 if right or late else tries_left)

    def _enter(self, kiosk_id: str, recipient: str, code: str, sent: CodeSent) -> None:
        at = now()
        with self._store.transaction() as db:
            # Their row stays locked until the end: calls for one recipient take turns.
            db.execute(
                "INSERT INTO confirmation_recipients VALUES (?, 1) ON CONFLICT (recipient)"
                " DO UPDATE SET turns = confirmation_recipients.turns + 1",
                (recipient,),
            )
            earlier = self._store.rows(
                "SELECT made_at FROM confirmations WHERE recipient = ? AND made_at > ?"
                " ORDER BY made_at DESC",
                (recipient, (at - timedelta(hours=1)).isoformat()),
            )
            if len(earlier) >= AN_HOUR:
                raise RefusedError(Problem.TOO_MANY, "messages this hour", retry_after=3600)
            if earlier and at - datetime.fromisoformat(earlier[0][0]) < BETWEEN:
                wait = int(BETWEEN.total_seconds())
                raise RefusedError(Problem.TOO_MANY, "messages to one", retry_after=wait)
            db.execute(
                "INSERT INTO confirmations VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    str(sent.id),
                    kiosk_id,
                    recipient,
                    _digest(str(sent.id), code),
                    TRIES,
                    at.isoformat(),
                    sent.expires.isoformat(),
                ),
            )

    def _require_known(self, kiosk_id: str, id: UUID) -> None:
        known = "SELECT 1 FROM confirmations WHERE id = ? AND kiosk_id = ?"
        if not self._store.rows(known, (str(id), kiosk_id)):
            raise RefusedError(Problem.NOT_FOUND, "no such confirmation")

    def _pass_on(self, asked: CodeAsk, text: str) -> None:
        if not self._gateway:
            raise RefusedError(Problem.UNAVAILABLE, "no message gateway is set")
        message = {"channel": asked.channel, "to": asked.to.strip(), "text": text}
        try:
            answer = requests.post(
                self._gateway, json=message, timeout=_TIMEOUTS, allow_redirects=False
            )
        except requests.RequestException:
            raise RefusedError(Problem.UNAVAILABLE, "the message gateway is silent") from None
        if not 200 <= answer.status_code < 300:
            raise RefusedError(Problem.UNAVAILABLE, "the message gateway refuses")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
