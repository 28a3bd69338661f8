"""The desk process: signs what its officer decided, on his machine, with keys of its own.

    python -m kiosk.portal.desk --settings FILE

The portal's server holds no signing key. This process asks it for approved cases, assembles each
copy, signs as officer and agency, and hands it back; in a copy that a kiosk issued and the officer
inspected, it fills the officer's open field. The decision itself is a person's and was made
before. It may be ended at any instant: a case stays approved until its copy has arrived.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from certify.copyfile import open_reader, read_copy
from certify.errors import CertifyError
from certify.errors import Fault as SignFault
from certify.issue import issue_pre_check, sign_copy
from certify.pages import SourcePage
from certify.reassembly import shows_only
from certify.seal import copy_digest, read_seal
from certify.secret import keep_out_of_dumps
from certify.signing import Signer
from certify.statement import CopyFacts
from kiosk.portal.attestations import scan_digest
from kiosk.portal.copies import OTHER_FACTS, OTHER_LOOK, OTHER_PAGES
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.desk_keys import open_keys
from kiosk.portal.errors import Fault, PortalError
from kiosk.portal.settings import DeskSettings, load_desk, read_secret

_log = logging.getLogger(__name__)
_NO_KEYS = (SignFault.SIGNER_ABSENT, SignFault.SIGNER_REFUSED, SignFault.SIGNER_LOCKED)
_LONGEST_PAUSE = 60.0  # seconds between looks at a portal that does not answer
_BEAT_SECONDS = 20.0  # a third of kiosk.portal.desks.PRESENT_FOR


class Desk:
    """``officer``, ``agency`` and ``seal`` are keys on the token."""

    def __init__(
        self, client: DeskClient, *, officer: Signer, agency: Signer, seal: Signer
    ) -> None:
        self._client = client
        self._officer = officer
        self._agency = agency
        self._seal = seal
        self._name = officer.certificate.subject.native.get("common_name")
        self._certificate = sha256(officer.certificate.dump()).hexdigest()
        self._beat_due = 0.0

    def require_own(self) -> None:
        """Raises PortalError (SETTINGS_INVALID) when the secret was made for another certificate
        than the one on this token."""
        if self._client.caller()["certificate"] != self._certificate:
            detail = "token_file: its secret is not for the certificate on this token"
            raise PortalError(Fault.SETTINGS_INVALID, detail)

    def sign_approved(self) -> int:
        """Sign what was approved or inspected; answers how many. One bad case does not hold up the
        others: the portal is told why, shows it to the officer, and names the case again when the
        officer says so.

        Raises CertifyError when the keys cannot be had: no other case would be signed either, and a
        PIN that was refused must not be tried case after case. Raises PortalError (UNREACHABLE)
        after the last case when the portal failed over one: that one is tried again at the next
        look.
        """
        signed, trouble = 0, None
        for case_id in self._client.approved():
            try:
                self.beat()  # a signature may wait for the officer's phone for minutes
                signed += self.sign(case_id)
            except (PortalError, CertifyError, ValueError) as error:
                lasting = not getattr(error, "retryable", False)
                if isinstance(error, CertifyError) and (not lasting or error.code in _NO_KEYS):
                    raise
                if lasting:
                    # Which one, the list of approved cases shows; the log names no dossier.
                    _log.error("a case was not signed: %s", _code_of(error))
                    self._client.not_signed(case_id, _code_of(error))
                else:
                    trouble = error
        if trouble:
            raise trouble
        return signed

    def beat(self) -> None:
        """Tell the portal, now and then, that an officer with a token is here. Raises
        PortalError."""
        if time.monotonic() >= self._beat_due:
            self._client.beat()
            self._beat_due = time.monotonic() + _BEAT_SECONDS

    def sign(self, case_id: str) -> bool:
        """False for a case that another officer decided, of whatever name: only that one's token
        may sign it. Raises PortalError, CertifyError, or ValueError for what cannot be signed."""
        case = self._client.case(case_id)
        if case["certificate"] != self._certificate or case["facts"] is None:
            return False
        facts = CopyFacts.from_dict(case["facts"])
        if facts.officer not in ("", self._name):
            return False
        pages = self._client.pages(case_id, case["pages"])
        if scan_digest([page.jpeg for page in pages]) != case["scan"]:
            raise PortalError(Fault.DESK_REFUSED, OTHER_PAGES)
        sign = self._inspected if facts.mode == "post-check" else self._issued
        self._client.put_copy(case_id, sign(case, pages, facts))
        return True

    def _issued(self, case: dict[str, Any], pages: list[SourcePage], facts: CopyFacts) -> bytes:
        return issue_pre_check(
            pages,
            facts,
            officer=self._officer,
            agency=self._agency,
            seal=self._seal,
            seal_host=case["seal_host"],
        ).pdf

    def _inspected(self, case: dict[str, Any], pages: list[SourcePage], facts: CopyFacts) -> bytes:
        """The officer signs what he saw and nothing else that a portal may hand him: the facts of
        this case, sealed over its pages, in a file that shows these pages and nothing else: it is
        put together again here, and must come out the same."""
        pdf = self._client.copy(case["id"])
        reader = open_reader(pdf)
        copy = read_copy(reader) if reader else None
        if copy is None or copy.facts != facts:
            raise PortalError(Fault.DESK_REFUSED, OTHER_FACTS)
        images = [page.jpeg for page in pages]
        if copy.images != tuple(images) or read_seal(copy.seal).digest != copy_digest(
            images, facts
        ):
            raise PortalError(Fault.DESK_REFUSED, OTHER_PAGES)
        if not shows_only(pdf, pages):
            raise PortalError(Fault.DESK_REFUSED, OTHER_LOOK)
        return sign_copy(pdf, self._officer, "officer")


def _code_of(error: Exception) -> str:
    """A refusal's detail is the portal's own code, and says more."""
    code = str(getattr(error, "code", type(error).__name__))
    return str(getattr(error, "detail", code)) if code == Fault.DESK_REFUSED else code


def open_desk(settings: DeskSettings, client: DeskClient) -> Desk:
    """Raises PortalError (SETTINGS_INVALID) and CertifyError (SIGNER_ABSENT, SIGNER_REFUSED)."""
    keys = open_keys(settings)
    return Desk(client, officer=keys.officer, agency=keys.agency, seal=keys.seal)


def work(settings: DeskSettings, stop: threading.Event) -> None:
    """Sign until ``stop``. A portal or signing service that does not answer is asked again, ever
    less often; keys that are gone or locked end the process (CertifyError), since only a new one
    opens them again."""
    with DeskClient(settings.portal, read_secret(settings.token_file)) as client:
        desk = open_desk(settings, client)
        desk.require_own()
        sys.stdout.write(json.dumps({"portal": settings.portal}) + "\n")
        sys.stdout.flush()
        pause = settings.poll_seconds
        while not stop.wait(pause):
            try:
                desk.beat()
                desk.sign_approved()
                pause = settings.poll_seconds
            except (PortalError, CertifyError) as error:
                if isinstance(error, CertifyError) and error.code != SignFault.SIGNER_UNREACHABLE:
                    raise
                _log.warning("desk: %s", _code_of(error))
                pause = min(2 * pause, _LONGEST_PAUSE)


def main(settings_file: Path) -> None:
    """Raises PortalError and CertifyError when it cannot start."""
    logging.basicConfig(format="%(levelname)s %(message)s")
    keep_out_of_dumps()
    try:
        work(load_desk(settings_file), threading.Event())
    except KeyboardInterrupt:
        pass  # the usual way to end it at a terminal


@click.command()
@click.option(
    "--settings", "file", required=True, type=click.Path(exists=True, path_type=Path), help="TOML"
)
def command(file: Path) -> None:
    """Sign what was approved and inspected, with the token at this officer's desk."""
    try:
        main(file)
    except (PortalError, CertifyError) as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    command()
