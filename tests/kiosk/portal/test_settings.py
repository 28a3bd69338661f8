"""A settings file that cannot be used is told with file, key and reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from kiosk.portal.errors import Fault, PortalError
from kiosk.portal.settings import load, load_desk, read_secret

PROGRAM = (sys.executable, "-m", "kiosk.portal.server", "--settings")
GOOD = """
state = "state"
officer = "Lê Văn Thí Điểm"
enrolment_codes_file = "codes"
trust_dir = "/etc/portal/trust"
"""
TOKEN_FILE = 'token_file = "/run/credentials/desk.service/token"\n'
DESK = 'portal = "https://x"\n' + TOKEN_FILE
REMOTE = '[remote]\nofficer = "a"\n'


def written(folder: Path, text: str) -> Path:
    file = folder / "portal.toml"
    file.write_text(text)
    return file


def test_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = load(written(tmp_path, GOOD))
    assert settings.state == tmp_path / "state"
    assert settings.trust_dir == Path("/etc/portal/trust")
    desk = DESK + 'token = "desk"\npin_file = "p"\nchain = ["c"]\nenvironment = "demo"\n'
    assert load_desk(written(tmp_path, desk)).chain == (tmp_path / "c",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD + "colour = 1", "colour"),
        (GOOD + "port = 70000", "port"),
        ("state = 'x'", "officer"),
        ("state = ", "portal.toml"),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(PortalError, match=reason) as caught:
        load(written(tmp_path, text))
    assert caught.value.code == Fault.SETTINGS_INVALID


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('token = "desk"\n', "module: SoftHSM"),
        ('developer_keys = "keys"\n', "developer_keys"),
        ('pin_file = "/etc/desk/pin"\n', "pin_file"),
        (REMOTE + 'url = "http://signing.example"\n', "remote.url"),
        (REMOTE + 'url = "https://s.example"\npin_file = "/x/pin"\n', "remote.pin_file"),
    ],
)
def test_a_desk_in_production_keeps_no_key_in_a_file(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(PortalError, match=told):
        load_desk(written(tmp_path, DESK + text))
    assert load_desk(written(tmp_path, DESK + 'environment = "demo"\n' + text))


def test_a_credential_of_systemd_is_no_file_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = 'token = "officer"\nmodule = "/usr/lib/token.so"\n'
    good = DESK + token + 'pin_file = "/run/credentials/desk.service/pin"\n'
    assert load_desk(written(tmp_path, good)).token == "officer"
    given = DESK + token + f'pin_file = "{tmp_path}/given/pin"\n'
    with pytest.raises(PortalError, match="pin_file"):
        load_desk(written(tmp_path, given))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "given"))
    assert load_desk(written(tmp_path, given))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('portal = "http://x"\n' + TOKEN_FILE, "portal: production needs https"),
        ('portal = "https://x"\ntoken_file = "/home/lan/secret"\n', "token_file"),
        (
            DESK + REMOTE + 'url = "https://s.example"\ntoken_url = "http://s.example"\n',
            "remote.token_url",
        ),
    ],
)
def test_a_desk_in_production_trusts_no_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(PortalError, match=told):
        load_desk(written(tmp_path, text))
    loopback = 'portal = "http://127.0.0.1:8080"\n' + TOKEN_FILE
    token = 'token = "officer"\nmodule = "/usr/lib/token.so"\n'
    assert load_desk(written(tmp_path, loopback + token)).token == "officer"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PortalError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml")


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("12345")
    with pytest.raises(PortalError, match="16"):
        read_secret(tmp_path / "secret")


def test_the_program_says_where_it_listens(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, str(written(tmp_path, GOOD)), "--port", "0"], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        assert requests.get(f"{address}/v1/health", timeout=10).json() == {"status": "ok"}
    finally:
        process.terminate()
        process.communicate()
    assert process.returncode in (0, -15)


def test_the_program_refuses_wrong_settings(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, str(written(tmp_path, "state = 'x'"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "portal.settings-invalid" in done.stderr
