"""The desk process: signs approved copies on the officer's machine, with a token of its own.

    python -m kiosk.portal.desk --settings FILE

The portal's server holds no signing key. This process asks it for approved cases, assembles each
copy, signs as officer and agency, and hands it back; the decision itself is a person's and was
made before. It may be ended at any instant: a case stays approved until its copy has arrived.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from hashlib import sha256
from pathlib import Path

import click

from certify.errors import CertifyError
from certify.issue import issue_pre_check
from certify.signing import Signer, open_signer
from certify.statement import CopyFacts
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.errors import Fault, PortalError
from kiosk.portal.settings import DeskSettings, load_desk, read_pin, read_secret

_log = logging.getLogger(__name__)
_LONGEST_PAUSE = 60.0  # seconds between looks at a portal that does not answer


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
        self._failed: set[str] = set()

    def require_own(self) -> None:
        """Raises PortalError (SETTINGS_INVALID) when the secret was made for another certificate
        than the one on this token."""
        if self._client.caller()["certificate"] != self._certificate:
            detail = "token_file: its secret is not for the certificate on this token"
            raise PortalError(Fault.SETTINGS_INVALID, detail)

    def sign_approved(self) -> int:
        """Sign what was approved; answers how many. One bad case does not hold up the others:
        it is logged, left approved, and tried again by the next start.

        Raises CertifyError when the token is gone, and PortalError (UNREACHABLE) after the last
        case when the portal failed over one: that one is tried again at the next look.
        """
        signed, trouble = 0, None
        for case_id in self._client.approved():
            if case_id in self._failed:
                continue
            try:
                signed += self.sign(case_id)
            except (PortalError, CertifyError, ValueError) as error:
                if not getattr(error, "retryable", False):
                    # Which one, the list of approved cases shows; the log names no dossier.
                    _log.error("a case was not signed: %s", _code_of(error))
                    self._failed.add(case_id)
                elif isinstance(error, PortalError):
                    trouble = error
                else:
                    raise
        if trouble:
            raise trouble
        return signed

    def sign(self, case_id: str) -> bool:
        """False for a case that another officer approved, of whatever name: only that one's token
        may sign it."""
        case = self._client.case(case_id)
        if (case["certificate"], case["facts"]["officer"]) != (self._certificate, self._name):
            return False
        issued = issue_pre_check(
            self._client.pages(case_id, case["pages"]),
            CopyFacts.from_dict(case["facts"]),
            officer=self._officer,
            agency=self._agency,
            seal=self._seal,
            seal_host=case["seal_host"],
        )
        self._client.put_copy(case_id, issued.pdf)
        return True


def _code_of(error: Exception) -> str:
    """A refusal's detail is the portal's own code, and says more."""
    code = str(getattr(error, "code", type(error).__name__))
    return str(getattr(error, "detail", code)) if code == Fault.DESK_REFUSED else code


def open_desk(settings: DeskSettings, client: DeskClient) -> Desk:
    """Raises PortalError (SETTINGS_INVALID) and CertifyError (SIGNER_ABSENT, SIGNER_REFUSED)."""
    pin = read_pin(settings.pin_file)

    def signer(label: str) -> Signer:
        return open_signer(settings.module, settings.token, label, pin, settings.chain)

    return Desk(
        client,
        officer=signer(settings.officer_key),
        agency=signer(settings.agency_key),
        seal=signer(settings.seal_key),
    )


def work(settings: DeskSettings, stop: threading.Event) -> None:
    """Sign until ``stop``. A portal that does not answer is asked again, ever less often; a token
    that is gone ends the process (CertifyError), since only a new one opens it again."""
    with DeskClient(settings.portal, read_secret(settings.token_file)) as client:
        desk = open_desk(settings, client)
        desk.require_own()
        sys.stdout.write(json.dumps({"portal": settings.portal}) + "\n")
        sys.stdout.flush()
        pause = settings.poll_seconds
        while not stop.wait(pause):
            try:
                desk.sign_approved()
                pause = settings.poll_seconds
            except PortalError as error:
                _log.warning("desk: %s", _code_of(error))
                pause = min(2 * pause, _LONGEST_PAUSE)


def main(settings_file: Path) -> None:
    """Raises PortalError and CertifyError when it cannot start."""
    logging.basicConfig(format="%(levelname)s %(message)s")
    try:
        work(load_desk(settings_file), threading.Event())
    except KeyboardInterrupt:
        pass  # the usual way to end it at a terminal


@click.command()
@click.option(
    "--settings", "file", required=True, type=click.Path(exists=True, path_type=Path), help="TOML"
)
def command(file: Path) -> None:
    """Sign approved copies with the token at this officer's desk."""
    try:
        main(file)
    except (PortalError, CertifyError) as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    command()
