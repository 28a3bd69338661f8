"""How is my dossier doing? Told to whoever has its code and the secret on the slip, or is proven.

Unknown code, wrong secret and a dossier without a secret get the same answer after the same work.
Tries are counted for each line and for each code on it, whether the code exists or not; kiosks are
counted apart from the web. Codes can be guessed, so wrong tries from elsewhere shut nobody out:
what many lines together may try for one code is far more than a person needs, and 2**50 secrets
are well hidden behind it. Whoever has slip and card is never refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from kiosk.portal.casebook import Casebook, CaseLine, digest, is_secret
from kiosk.portal.delivery import Deliveries
from kiosk.portal.errors import RefusedError
from kiosk.portal.fees import FeeLine, Fees
from kiosk.portal.limits import Limit, Limits
from kiosk.portal.receipts import FeeReceipt
from kiosk.portal.revocations import voids_among
from kiosk.portal.secret import SLIP_SECRET
from kiosk.portal.store import Dossier, Processing, Store, manifest_of
from kiosk.portal.vouched import is_vouched
from kiosk.portal.words import PUBLIC_WORDS, REVOKED_WORDS, delivered
from offline_queue.intake import Problem, TrackAsk, TrackedDossier

PER_LINE = Limit("track.line", most=60, seconds=3600)
PER_KIOSK = Limit("track.kiosk", most=600, seconds=3600)
PER_CODE_ON_LINE = Limit("track.code-on-line", most=10, seconds=3600)
PER_CODE = Limit("track.code", most=1000, seconds=3600)
_KIOSK = "kiosk:"
_CODE = re.compile(r"[A-Z0-9.]{1,32}-\d{6}-\d{4,12}")
_NO_SALT = "00" * 16
_MOST_OF_A_CITIZEN = 20
_MOST_OF_A_CODE = 3
"""One; a kiosk that was restored from an image may have given a code again."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """``missing``: what the officer asks for, in states 5 and 6. ``note``: why, where it ended
    badly. ``vouched``: an officer said who it is. Instants are ISO 8601 in UTC. Nothing here says
    whose dossier it is."""

    code: str
    procedure: str
    title: str
    state: int
    words: str
    officer: str | None
    received_at: str
    due_at: str
    ended_at: str | None
    late: bool
    missing: str | None
    note: str | None
    number: str | None
    vouched: bool
    fee: FeeLine | None
    receipts: tuple[FeeReceipt, ...]


class Tracking:
    def __init__(
        self,
        store: Store,
        casebook: Casebook,
        limits: Limits,
        deliveries: Deliveries,
        fees: Fees,
    ) -> None:
        self._store = store
        self._casebook = casebook
        self._limits = limits
        self._deliveries = deliveries
        self._fees = fees

    def answer(self, asked: TrackAsk, kiosk_id: str) -> tuple[TrackedDossier, ...]:
        """To a kiosk, which has proven the person if it names one. Raises RefusedError:
        NOT_FOUND for any pair that does not fit, TOO_MANY, BAD_REQUEST when neither a pair nor a
        person is named."""
        if asked.citizen_number:
            return tuple(_on_the_wire(each) for each in self.of_citizen(asked.citizen_number))
        if not asked.code or not asked.secret:
            raise RefusedError(Problem.BAD_REQUEST, "code and secret, or citizen_number")
        found = self.look_up(asked.code, asked.secret, kiosk_line(kiosk_id))
        if found is None:
            raise RefusedError(Problem.NOT_FOUND, "no dossier with this code and secret")
        return (_on_the_wire(found),)

    def look_up(self, code: str, secret: str, line: str) -> Tracked | None:
        """As typed; ``line``: where the question comes from. Raises RefusedError (TOO_MANY)."""
        return next(map(self._tracked, self.opened(code, secret, line)), None)

    def opened(self, code: str, secret: str, line: str) -> list[CaseLine]:
        """What a slip stands for, as a rule one dossier. Raises RefusedError (TOO_MANY)."""
        code = _typed(code)
        self._count(code, line)
        found = self._fitting(code, plain(secret))
        if found:
            self._limits.forget(PER_CODE_ON_LINE, _on_line(code, line))
        return found

    def opened_by(self, citizen: str, code: str, secret: str, line: str) -> list[CaseLine]:
        """The same, of the dossiers of this ``citizen`` (as the casebook keeps numbers), who is
        there with a card: only what does not fit counts as a try. Raises as :meth:`opened`."""
        code = _typed(code)
        own = [each for each in self._fitting(code, plain(secret)) if each.citizen == citizen]
        if not own:
            self._count(code, line)
        return own

    def opens(self, dossier_id: str, secret: str, line: str) -> bool:
        """Is this the secret on the slip of that dossier? Tries count as those of
        :meth:`look_up`. Raises RefusedError (TOO_MANY)."""
        known, secret = self._casebook.line(dossier_id), plain(secret)
        if known is None or not SLIP_SECRET.fullmatch(secret):
            return False
        self._count(known.code, line)
        fits = is_secret(known, secret)
        if fits:
            self._limits.forget(PER_CODE_ON_LINE, _on_line(known.code, line))
        return fits

    def _fitting(self, code: str, secret: str) -> list[CaseLine]:
        well_formed = bool(_CODE.fullmatch(code) and SLIP_SECRET.fullmatch(secret))
        lines = self._casebook.of_code(code)[:_MOST_OF_A_CODE] if well_formed else []
        if not lines:
            digest(secret[:10], _NO_SALT)  # the same work as for a code that exists
        return [line for line in lines if is_secret(line, secret)]

    def _count(self, code: str, line: str) -> None:
        """One try. Raises RefusedError (TOO_MANY)."""
        kiosk = line.startswith(_KIOSK)
        tries = (
            (PER_KIOSK if kiosk else PER_LINE, line),
            (PER_CODE_ON_LINE, _on_line(code, line)),
            (PER_CODE, f"{_KIOSK if kiosk else ''}{code[:64]}"),
        )
        # In this order, up to the first that refuses: else one line alone could use up a code.
        if not all(self._limits.allows(limit, subject) for limit, subject in tries):
            raise RefusedError(Problem.TOO_MANY, "ask again later", retry_after=PER_CODE.seconds)

    def of_citizen(self, citizen_number: str) -> list[Tracked]:
        """For a caller that has proven who is asking (VNeID), newest first."""
        lines = self._casebook.of_citizen(citizen_number)[:_MOST_OF_A_CITIZEN]
        return [self._tracked(line) for line in lines]

    def _tracked(self, line: CaseLine) -> Tracked:
        dossier = self._store.dossier(line.dossier)
        assert dossier is not None  # a foreign key says so
        state = Processing(dossier.processing or Processing.RECEIVED)
        note = dossier.note if state in PUBLIC_NOTES else None
        return Tracked(
            code=line.code,
            procedure=line.procedure,
            title=self._casebook.catalogue.procedure(line.procedure).title,
            state=state,
            words=self._words(line.dossier, state),
            officer=line.officer,
            received_at=line.received_at,
            due_at=line.due_at,
            ended_at=line.ended_at,
            late=line.late,
            missing=dossier.note if state in _WANTS else None,
            note=note,
            number=dossier.number,
            vouched=is_vouched(manifest_of(dossier)),
            fee=self._fees.fee(line.dossier),
            receipts=tuple(self._fees.receipts.of(line.dossier).values()),
        )

    def _words(self, dossier_id: str, state: Processing) -> str:
        lines = self._deliveries.of_dossier(dossier_id)
        if voids_among(self._store, [dossier_id]).get(dossier_id) == "revoked":
            return REVOKED_WORDS
        results = [line for line in lines if line.kind == "result"]
        if state != Processing.DONE or not results:
            return PUBLIC_WORDS[state]
        return delivered(results[-1].channel, results[-1].state)


def kiosk_line(kiosk_id: str) -> str:
    """Where a question comes from that a kiosk asks; no network has such a name."""
    return f"{_KIOSK}{kiosk_id}"


def _on_line(code: str, line: str) -> str:
    return f"{line} {code[:64]}"


def _typed(code: str) -> str:
    return code.strip().upper().replace(" ", "").replace("–", "-")


def _on_the_wire(tracked: Tracked) -> TrackedDossier:
    return TrackedDossier(
        code=tracked.code,
        procedure=tracked.procedure,
        processing=tracked.state,
        accepted_at=datetime.fromisoformat(tracked.received_at),
        number=tracked.number,
        note=tracked.missing or tracked.note,
    )


_WANTS = frozenset({Processing.SUPPLEMENT, Processing.FINANCIAL_DUTY})
PUBLIC_NOTES = frozenset({Processing.REFUSED, Processing.STOPPED, Processing.WITHDRAWN})
"""States whose note is meant for the citizen; elsewhere notes are for the officer."""


def public_note(dossier: Dossier) -> str | None:
    """What of its note is meant for the citizen: why it ended badly, or what is wanted."""
    return dossier.note if dossier.processing in PUBLIC_NOTES | _WANTS else None


def plain(secret: str) -> str:
    """As Crockford's base 32 is read: any case, I and L are 1, O is 0, dashes mean nothing."""
    letters = re.sub(r"[\s–-]", "", secret).upper()
    return letters.translate(str.maketrans("ILO", "110"))
