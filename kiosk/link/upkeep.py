"""What must be there before it is needed: enrolment, certificate, trust, numbers, heartbeats.

    not enrolled --fresh code--> in order --certificate ran out--> link.certificate-expired --+
                      ^              |                                                        |
                      |              +-- the portal says so, or knows                         |
                      |                  another key, or none -------> link.revoked ----------+
                      +----------------------- fresh code ------------------------------------+

Out of order, the kiosk goes on taking in dossiers; they wait in the outbox.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from contextlib import closing, nullcontext
from functools import partial
from importlib.metadata import version
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from certify.numbers import Kind
from kiosk.clock import local_now
from kiosk.failures import Fault
from kiosk.journal import Journal
from kiosk.link.certificate import Certificate, Request
from kiosk.link.clock import ClockCheck
from kiosk.link.device import Enrolment
from kiosk.link.key_ring import KeyRing
from kiosk.link.leases import KINDS, LeaseKeeper
from kiosk.link.portal_client import PortalClient
from kiosk.link.ratings import Ratings
from kiosk.link.trust import TrustKeeper
from kiosk.settings import Settings
from offline_queue.clock import since_boot
from offline_queue.errors import Fault as QueueFault
from offline_queue.errors import QueueError
from offline_queue.intake import Heartbeat, Problem
from offline_queue.outbox import Outbox
from offline_queue.uploader import Uploader

log = logging.getLogger(__name__)

_NOT_KNOWN = (Problem.BAD_SIGNATURE, Problem.NOT_ENROLLED)
TRUST_POLLS = 900
"""At most so many polls between two requests for trust bundle and policy, or for the portal's keys:
15 minutes as shipped."""
ReceiptKeys = Callable[[str], EllipticCurvePublicKey | None]
"""The portal's key of that id, None where none is held."""


class Upkeep:
    """``strict`` shows the certificate, ``door`` does not. Not safe for use by several threads,
    apart from the attributes, which are read by everybody."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        *,
        outbox: Outbox,
        journal: Journal,
        trust: TrustKeeper,
        leases: LeaseKeeper,
        ratings: Ratings,
        certificate: Certificate,
        clients: Callable[[], tuple[PortalClient, PortalClient]],
        new_uploader: Callable[[ReceiptKeys], Uploader],
        newcomer: Callable[[], PortalClient],
        adopt_key: Callable[[], None],
    ) -> None:
        """``clients`` makes (strict, door) for the device key of now; ``newcomer`` makes a door for
        the key to come, which ``adopt_key`` makes the key of now."""
        self._settings = settings
        self._ring = KeyRing(folder / "enrolment.json", outbox)
        self._used_code = folder / "used-code"
        self._outbox = outbox
        self._journal = journal
        self._trust = trust
        self._leases = leases
        self._ratings = ratings
        self._certificate = certificate
        self._clients = clients
        self._new_uploader = new_uploader
        self._newcomer = newcomer
        self._adopt_key = adopt_key
        self._strict, self._door = clients()
        self._trust_due = self._keys_due = self._packs_due = 0.0
        self.clock = ClockCheck(local_now)
        self.online = False
        self.attended: bool | None = None
        self.standing = ""
        self.devices: dict[str, str] = {}
        self.uploader: Uploader | None = None
        if self._ring.enrolled:
            self.uploader = new_uploader(self._ring.receipt_key)

    def look_after(self) -> bool:
        """One round; True when nothing is wanting. Raises QueueError, CertifyError, or whatever
        else a chore ran into first."""
        if (self.uploader is None or self.standing) and not self._enrol():
            return False
        try:
            self._reach()
            self._keep_all()
        except QueueError as error:
            self._find_out_why(error)
            raise
        return True

    def _reach(self) -> None:
        try:
            told = self._strict.health()
        except QueueError:
            self.online, self.attended = False, None
            raise
        self.online = True
        self.clock.compare(told)

    def _keep_all(self) -> None:
        """Each chore by itself, so that one in trouble keeps none from being done."""
        chores: list[Callable[[], object]] = [
            lambda: _require_good_standing(self._strict),
            self._renew_when_due,
            self._refresh_keys,
            *(partial(self._fill, kind) for kind in KINDS),
            self._refresh_trust,
            lambda: self._ratings.send(self._strict),
            self._beat_as_asked,
            self._look_at_office,
            self._fetch_packs,
        ]
        first: Exception | None = None
        for chore in chores:
            try:
                chore()
            except Exception as error:
                first = first or error
                self._require_line(error)
        if first is not None:
            raise first

    def _require_line(self, error: Exception) -> None:
        """Where the line itself is gone, the other chores would only wait in vain."""
        if isinstance(error, QueueError) and error.code == QueueFault.UNREACHABLE:
            self._reach()

    def _renew_when_due(self) -> None:
        if self._certificate.due(local_now()):
            self._renew()

    def _fill(self, kind: Kind) -> None:
        if self.may_lease(kind):
            self._leases.fill(self._strict, kind)

    def _refresh_trust(self) -> None:
        if since_boot() >= self._trust_due:
            self._trust.refresh(self._strict)
            self._trust_due = self._next_look()

    def _fetch_packs(self) -> None:
        """Packs are large, and nothing else waits for them."""
        if since_boot() >= self._packs_due:
            self._trust.fetch_packs(self._strict)
            self._packs_due = self._next_look()

    def _refresh_keys(self) -> None:
        if since_boot() < self._keys_due and not self._ring.wanted:
            return
        try:
            self._ring.refresh(self._strict)
        except QueueError as error:
            if error.code == QueueFault.RECEIPT_INVALID:  # it has changed them all
                self.out_of_order(Fault.LINK_REVOKED)
            raise
        self._keys_due = self._next_look()

    def _next_look(self) -> float:
        return since_boot() + TRUST_POLLS * self._settings.link.poll_seconds

    def may_lease(self, kind: str) -> bool:
        """Once enrolled; certificate numbers only for a kiosk that may certify by itself."""
        if self.uploader is None:
            return False
        return kind == "dossier" or self._trust.allows_post_check(local_now())

    def beat(self, client: PortalClient) -> None:
        """Tell the fleet page how this kiosk is. Raises QueueError."""
        client.beat(
            Heartbeat(
                queue=self._outbox.waiting(),
                oldest_seconds=self._outbox.oldest(),
                devices=self.devices,
                version=version("mot-cua-kiosk"),
                clock_trusted=self.clock.trusted,
            )
        )

    def _beat_as_asked(self) -> None:
        try:
            self.beat(self._strict)
        except QueueError as error:
            if error.detail != Problem.NOT_FOUND:  # an older portal
                raise

    def _look_at_office(self) -> None:
        """Is an officer at the desk? Nobody knows where the portal does not say."""
        self.attended = None
        try:
            self.attended = self._strict.office().attended
        except QueueError as error:
            if error.detail != Problem.NOT_FOUND:  # an older portal
                raise

    # -- who this kiosk is to the portal -----------------------------------------------------

    def _enrol(self) -> bool:
        code = self._fresh_code()
        if code is None:
            log.warning("%s, and no fresh code", self.standing or "not enrolled")
            return False
        anew = self.standing == Fault.LINK_REVOKED
        request = Request(self._settings.site.kiosk_id)
        with closing(self._newcomer()) if anew else nullcontext(self._door) as door:
            answer = door.enrol(code, request.pem)
        try:
            enrolment = Enrolment(answer)
        except ValueError as error:
            log.error("not enrolled: %s", error)
            return False
        if answer.certificate:
            self._certificate.keep(request.with_certificate(answer.certificate))
        self._journal.append("enrolled", kiosk=self._settings.site.kiosk_id)
        self._ring.take(enrolment)
        if anew:  # after the rest: with the old key, all of this is asked for once more
            self._adopt_key()
            self._strict, self._door = self._clients()
        self._used_code.write_text(_digest(code))
        self.uploader = self._new_uploader(self._ring.receipt_key)
        self.standing = ""
        log.info("enrolled as %s", self._settings.site.kiosk_id)
        return True

    def _fresh_code(self) -> str | None:
        """One that was used already would only be refused."""
        file = self._settings.link.enrolment_code_file
        try:
            code = file.read_text("ascii").strip() if file else ""
        except (OSError, UnicodeDecodeError):
            return None
        used = self._used_code.exists() and self._used_code.read_text() == _digest(code)
        return code if code and not used else None

    def _renew(self) -> None:
        request = Request(self._settings.site.kiosk_id)
        certificate = self._strict.renew(request.pem)
        self._certificate.keep(request.with_certificate(certificate))
        log.info("the certificate was renewed")

    def _find_out_why(self, error: QueueError) -> None:
        """A door that stays shut looks like a network that is down: the other door knows. It has
        its own answer for a revoked kiosk, and the clock by which a certificate has run out."""
        if error.detail == Problem.REVOKED:
            self.out_of_order(Fault.LINK_REVOKED)
        if error.code != QueueFault.UNREACHABLE or not self._certificate.file.exists():
            return
        try:
            _require_good_standing(self._door)
            now = self._door.health()
        except QueueError as why:
            if why.detail == Problem.REVOKED:
                self.out_of_order(Fault.LINK_REVOKED)
            return
        if self._certificate.expired(now or local_now()):
            self.out_of_order(Fault.LINK_EXPIRED)

    def out_of_order(self, code: Fault) -> None:
        """The portal has said so: to us, or to a verb."""
        if self.standing == code:
            return
        self.standing = code
        log.error("%s: a fresh one-time code is needed", code)
        self._journal.append("out-of-order", code=code)


def _require_good_standing(client: PortalClient) -> None:
    """Raises QueueError (REJECTED, REVOKED) also where the portal knows this kiosk by another key,
    or not at all, as after the loss of its answer or of its database. Asked of this route alone:
    elsewhere BAD_SIGNATURE may be about the clock."""
    try:
        revoked = client.standing().state == "revoked"
    except QueueError as error:
        if error.detail == Problem.NOT_FOUND:  # an older portal
            return
        revoked = error.detail in _NOT_KNOWN
        if not revoked:
            raise
    if revoked:
        raise QueueError(QueueFault.REJECTED, Problem.REVOKED)


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
