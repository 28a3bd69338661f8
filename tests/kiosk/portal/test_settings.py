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


def written(folder: Path, text: str) -> Path:
    file = folder / "portal.toml"
    file.write_text(text)
    return file


def test_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = load(written(tmp_path, GOOD))
    assert settings.state == tmp_path / "state"
    assert settings.trust_dir == Path("/etc/portal/trust")
    desk = 'portal = "http://x"\ntoken_file = "t"\ntoken = "desk"\npin_file = "p"\nchain = ["c"]\n'
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
