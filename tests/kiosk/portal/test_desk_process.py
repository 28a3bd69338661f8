"""The desk process as it runs on an officer's machine: a real token, a secret made by command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from kiosk.commands.servers import portal as portal_command
from kiosk.portal.desk_client import DeskClient
from kiosk.portal.settings import read_secret
from kiosk.sandbox import pki
from kiosk.sandbox.officer import Officer
from tests.kiosk.portal.line import (
    RunningPortal,
    TestDossier,
    TestKiosk,
)
from tests.kiosk.portal.soft_signers import contents_of, drawn_page


def test_the_desk_process_signs_with_its_token(portal: RunningPortal, tmp_path: Path) -> None:
    settings = portal.settings
    made = pki.create(tmp_path / "pki", agency=settings.agency, officer=settings.officer)
    for file in made.trust_dir.iterdir():
        (settings.trust_dir / file.name).write_bytes(file.read_bytes())
    kiosk = TestKiosk(portal, "kiosk-01")
    kiosk.enrol()
    dossier = kiosk.dossier(contents=contents_of(drawn_page()))
    dossier.send()
    (tmp_path / "desk.token").write_text(secret_by_command(portal, made.officer_certificate))
    with DeskClient(portal.address, read_secret(tmp_path / "desk.token")) as client:
        Officer(client).decide()
    file = tmp_path / "desk.toml"
    file.write_text(
        'environment = "test"\n'
        f'portal = "{portal.address}"\ntoken_file = "desk.token"\ntoken = "desk"\n'
        f'pin_file = "{made.desk_pin}"\npoll_seconds = 0.05\n'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "kiosk.portal.desk", "--settings", str(file)],
        env={**os.environ, "SOFTHSM2_CONF": str(made.softhsm_conf)},
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"portal": portal.address}
        wait_until_done(dossier, process)
    finally:
        process.terminate()
        process.communicate()
    assert dossier.state()["processing"] == 9


def secret_by_command(portal: RunningPortal, certificate: Path) -> str:
    """As the administrator makes it, beside the running portal."""
    settings = portal.settings
    file = settings.trust_dir.parent / "portal.toml"
    values = settings.model_dump(mode="json", exclude_none=True)
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()))

    def run(*words: str) -> Result:
        return CliRunner().invoke(portal_command, [*words, "--settings", str(file)])

    add = ("desk-secret", "add", "lan", "--certificate", str(certificate))
    assert "does not exist" in run(*add).stderr
    run("staff", "add", "minh", "--role", "admin", "--full-name", settings.officer)
    assert "does not decide" in run(*add[:2], "minh", *add[3:]).stderr
    run("staff", "add", "hoa", "--role", "officer", "--full-name", "Phạm Thị Thử")
    assert "does not name hoa" in run(*add[:2], "hoa", *add[3:]).stderr
    run("staff", "add", "lan", "--role", "officer", "--full-name", settings.officer)
    assert run(*add).exit_code == 0
    assert run("desk-secret", "revoke", "lan").exit_code == 0
    return run(*add).stdout.strip()


def wait_until_done(dossier: TestDossier, process: subprocess.Popen[bytes]) -> None:
    """Asks again without sleeping: each question takes the portal a few milliseconds."""
    while process.poll() is None and dossier.state()["processing"] != 9:
        pass
