"""A PIN is shown to nobody: no log, no error, no argument, no environment, no file, no dump."""

from __future__ import annotations

import fcntl
import logging
import os
import pty
import resource
import subprocess
import sys
import termios
import traceback
from pathlib import Path
from typing import Any

import pytest

from certify.errors import CertifyError, Fault
from certify.secret import Secret, ask, secret_of
from drivers.contract import DeviceError
from drivers.supervisor import Child
from kiosk.sandbox.pki import SandboxPki
from tests.certify.test_worker import issuing, run

PIN = "8675309-PIN"
DYING = f"""
import os
from certify.secret import Secret, keep_out_of_dumps
pin = Secret({PIN!r})
keep_out_of_dumps()
os.abort()
"""
ASKING = """
from certify.secret import ask
print("length", len(ask("PIN of the token").reveal()))
"""


def test_no_text_shows_it() -> None:
    secret = Secret(PIN)
    try:
        raise ValueError(secret)
    except ValueError:
        told = traceback.format_exc()
    assert PIN not in f"{secret} {secret!r} {[secret]} {told}"
    assert secret.reveal() == PIN


def test_a_process_that_dies_leaves_no_dump(tmp_path: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    dying = subprocess.Popen(
        [sys.executable, "-c", DYING],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)),
    )
    _, status = os.waitpid(dying.pid, 0)
    dying.returncode = status
    assert os.WIFSIGNALED(status)
    assert not os.WCOREDUMP(status)
    assert list(tmp_path.iterdir()) == []


def test_the_certifier_child_shows_it_nowhere(
    sandbox: SandboxPki, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pin = sandbox.kiosk_pin.read_text()
    caplog.set_level(logging.DEBUG)

    async def story(child: Child, bundle: bytes) -> Any:
        await child.call("issue_post_check", bundle=bundle, **issuing())
        process = Path(f"/proc/{child.pid}")
        return (process / "cmdline").read_bytes() + (process / "environ").read_bytes()

    seen = run(sandbox, story).decode()
    assert "drivers.child" in seen
    assert pin not in seen + caplog.text
    others = [file for file in sandbox.folder.rglob("*") if file.is_file()]
    holders = {file for file in others if pin.encode() in file.read_bytes()}
    assert holders == {sandbox.kiosk_pin}  # the stand-in for systemd's credential


def test_a_refused_pin_is_not_told(
    sandbox: SandboxPki, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "pin"
    file.write_text(PIN)

    async def story(child: Child, bundle: bytes) -> Any:
        return await child.call("issue_post_check", bundle=bundle, **issuing())

    with pytest.raises(DeviceError) as caught:
        run(sandbox, story, pin_file=str(file))
    assert caught.value.code == Fault.SIGNER_REFUSED
    assert PIN not in str(caught.value) + caplog.text


def test_a_credential_is_read(tmp_path: Path) -> None:
    file = tmp_path / "pin"
    file.write_text(f"{PIN}\n")
    assert secret_of(file, "PIN").reveal() == PIN
    with pytest.raises(CertifyError) as caught:
        secret_of(tmp_path / "none", "PIN")
    assert caught.value.code == Fault.SIGNER_REFUSED


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> int:
        raise OSError

    monkeypatch.setattr(os, "open", none)
    with pytest.raises(CertifyError) as caught:
        ask("PIN")
    assert caught.value.code == Fault.SIGNER_REFUSED


def test_what_is_typed_is_not_shown() -> None:
    ours, theirs = pty.openpty()

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    asking = subprocess.Popen(
        [sys.executable, "-c", ASKING],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=take_terminal,
    )
    os.close(theirs)
    shown = b""
    while b"PIN of the token" not in shown:
        shown += os.read(ours, 1000)
    os.write(ours, f"{PIN}\n".encode())
    while f"length {len(PIN)}".encode() not in shown:
        shown += os.read(ours, 1000)
    assert asking.wait(10) == 0
    os.close(ours)
    assert PIN.encode() not in shown
