"""A scripted officer: decides what waits at the desk, as a person would in the portal's pages.

Decides only. Signing is the desk process's work (:mod:`kiosk.portal.desk`), whose settings file
says where the portal is.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import click

from kiosk.portal.cases import OriginalSeen
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.errors import PortalError
from kiosk.portal.settings import load_desk, read_secret


@dataclass(frozen=True, slots=True)
class Officer:
    """``refuse``: the reason to refuse every case with, or None to approve."""

    client: DeskClient
    original_seen: OriginalSeen = "at-the-kiosk"
    refuse: str | None = None

    def decide(self) -> int:
        """Decide all waiting cases; answers how many. Raises PortalError, after the last case when
        one could not be decided: it does not hold up the others."""
        waiting, trouble = self.client.waiting(), None
        for case_id in waiting:
            try:
                self._decide(case_id)
            except PortalError as error:
                trouble = error
        if trouble:
            raise trouble
        return len(waiting)

    def _decide(self, case_id: str) -> None:
        if self.refuse is None:
            self.client.approve(case_id, self.original_seen)
        else:
            self.client.refuse(case_id, self.refuse)


def main(settings_file: Path, refuse: str | None = None) -> None:
    """Decide until the process is ended. Raises PortalError for unusable settings."""
    settings = load_desk(settings_file)
    with DeskClient(settings.portal, read_secret(settings.token_file)) as client:
        officer = Officer(client, refuse=refuse)
        sys.stdout.write(json.dumps({"portal": settings.portal}) + "\n")
        sys.stdout.flush()
        never = threading.Event()
        while not never.wait(settings.poll_seconds):
            try:
                officer.decide()
            except PortalError as error:
                sys.stderr.write(f"officer: {error}\n")


@click.command()
@click.option(
    "--settings", "file", required=True, type=click.Path(exists=True, path_type=Path), help="TOML"
)
@click.option("--refuse", help="Refuse every case with this reason instead of approving.")
def command(file: Path, refuse: str | None) -> None:
    """Decide what waits at the desk."""
    try:
        main(file, refuse)
    except PortalError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    command()
