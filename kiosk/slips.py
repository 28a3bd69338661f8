"""What the receipt printer puts on paper for a citizen, in plain words.

Contents follow the receipt and appointment slip of the one-stop shop ("Giấy tiếp nhận hồ sơ và hẹn
trả kết quả"): agency, dossier code, person, request, papers with copies, received and due time,
place of return, hotline. The words are in ``config/strings``, keys ``slip.*``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal

from certify.numbers import grouped
from drivers.contract import Slip, SlipCode, SlipItem, SlipRule, SlipText
from kiosk.strings import resolve
from kiosk.views import Text
from kiosk.words import day

VIETNAM = timezone(timedelta(hours=7))

# Multiples of the body size. On 80 mm paper the x-height is 3 mm at 1.0 and 2.2 mm at 0.72.
_LABEL = 0.72
_DETAIL = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipFacts:
    """``papers``: (name, pages). Times are aware and are printed in Vietnamese time.

    ``number`` (in the register book) and ``id_code`` (12 characters, not grouped) are those of a
    copy that was issued at once; without a ``number`` the copy follows and the slip is an
    appointment. ``due_at`` None: the day is not known yet. Words are in the slip's language.
    ``paper``: of a copy that is to be on paper as well, "later" when it has to be collected at
    ``place``, "unsure" when it may lie in the printer's tray; else empty.
    ``take_away``: the QR payload, ASCII (decoders guess the code page of anything else).
    ``secret``: with the dossier code it tells how far the request is. ``any_kiosk``: once the copy
    is there, kiosks print it for slip and card.
    """

    agency: str
    dossier_code: str
    person: str
    procedure: str
    papers: tuple[tuple[str, int], ...]
    copies: int
    fee_text: str
    received_at: datetime
    due_at: datetime | None
    place: str
    hotline: str
    take_away: str
    number: str | None = None
    id_code: str | None = None
    secret: str = ""
    paper: Literal["", "later", "unsure"] = ""
    any_kiosk: bool = False


def receipt_and_appointment(facts: SlipFacts, language: str) -> Slip:
    """The slip: a receipt when the copy was issued, an appointment when it follows."""
    return Slip(tuple(_Writer(facts, language).items()))


class _Writer:
    def __init__(self, facts: SlipFacts, language: str) -> None:
        self._facts = facts
        self._language = language
        self._kind = "issued" if facts.number else "appointment"

    def items(self) -> Iterator[SlipItem]:
        yield from self._head()
        yield from self._issued() if self._facts.number else self._appointment()
        yield SlipRule()
        yield from self._details()
        yield SlipRule()
        yield from self._foot()

    def _head(self) -> Iterator[SlipItem]:
        yield _gap()
        yield SlipText(self._facts.agency, scale=_LABEL, bold=True, centred=True)
        yield _gap()
        yield SlipText(self._say(f"{self._kind}_title"), bold=True, centred=True)
        yield SlipRule()
        yield SlipText(self._say("code"), scale=_LABEL, centred=True)
        # Two lines let it be large; the break is where one also pauses in reading it out.
        code = self._facts.dossier_code.replace("-", "-\n", 1)
        yield SlipText(code, scale=1.4, bold=True, centred=True)
        yield SlipRule()

    def _issued(self) -> Iterator[SlipItem]:
        yield SlipText(self._say("issued_lead"), bold=True)
        yield from self._fact("number", SlipText(self._facts.number or ""))
        if self._facts.id_code:
            yield from self._fact("id_code", SlipText(grouped(self._facts.id_code), bold=True))
            yield SlipText(self._say("issued_check"), scale=_LABEL)
        if self._facts.paper:
            yield _gap()
            yield SlipText(self._say(f"paper_{self._facts.paper}"), bold=True)
            yield from self._place()
        yield _gap()
        yield SlipText(self._say("issued_originals"), bold=True)

    def _appointment(self) -> Iterator[SlipItem]:
        if self._facts.due_at is None:
            yield SlipText(self._say("due_unknown"), bold=True)
        else:
            yield SlipText(self._say("due"), scale=_LABEL)
            due = self._facts.due_at.astimezone(VIETNAM)
            yield SlipText(self._text(day(due)), scale=1.1, bold=True)
            hour = self._say("due_hour", hour=self._hour(self._facts.due_at))
            yield SlipText(hour, scale=1.1, bold=True)
        yield from self._place()
        yield _gap()
        yield SlipText(self._say("bring"), scale=_LABEL)
        if self._facts.any_kiosk:
            yield SlipText(self._say("any_kiosk"), scale=_LABEL)

    def _place(self) -> Iterator[SlipItem]:
        place = self._facts.place[:1].upper() + self._facts.place[1:]
        yield from self._fact("place", SlipText(place, bold=True))

    def _details(self) -> Iterator[SlipItem]:
        facts, received = self._facts, self._facts.received_at
        yield SlipText(self._say("person"), scale=_LABEL)
        yield SlipText(facts.person)
        yield from self._fact("request", SlipText(facts.procedure, scale=_DETAIL))
        if facts.papers:
            yield from self._fact("papers", *self._papers())
        yield _gap()
        yield SlipText(self._say("copies", count=facts.copies), scale=_DETAIL)
        yield SlipText(self._say("fee", fee=facts.fee_text), scale=_DETAIL)
        when = self._say("received", hour=self._hour(received), date=_date(received))
        yield SlipText(when, scale=_DETAIL)

    def _papers(self) -> Iterator[SlipText]:
        for index, (name, pages) in enumerate(self._facts.papers, 1):
            count = self._say("page" if pages == 1 else "pages", count=pages)
            line = self._say("paper", index=index, name=name, pages=count)
            yield SlipText(line, scale=_DETAIL)

    def _foot(self) -> Iterator[SlipItem]:
        yield SlipText(self._say(f"{self._kind}_scan"), scale=_LABEL, centred=True)
        yield SlipCode(self._facts.take_away)
        yield SlipText(self._say("no_phone"), scale=_LABEL, centred=True)
        yield from self._secret()
        yield _gap()
        yield SlipText(self._say("hotline"), scale=_LABEL, centred=True)
        yield SlipText(self._facts.hotline, scale=1.1, bold=True, centred=True)

    def _secret(self) -> Iterator[SlipItem]:
        secret = self._facts.secret
        if secret:
            yield _gap()
            yield SlipText(self._say("secret"), scale=_LABEL, centred=True)
            yield SlipText(f"{secret[:5]}-{secret[5:]}", bold=True, centred=True)

    def _fact(self, label: str, *values: SlipText) -> Iterator[SlipItem]:
        yield _gap()
        yield SlipText(self._say(label), scale=_LABEL)
        yield from values

    def _hour(self, moment: datetime) -> str:
        local = moment.astimezone(VIETNAM)
        key = "hour_minute" if local.minute else "hour"
        return self._say(key, hour=local.hour, minute=f"{local.minute:02}")

    def _say(self, key: str, **arguments: str | int) -> str:
        return self._text(Text(f"slip.{key}", arguments))

    def _text(self, text: Text) -> str:
        return resolve(text, self._language)


def _date(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).strftime("%d/%m/%Y")


def _gap() -> SlipText:
    return SlipText("", scale=0.2)
