"""``python -m certify verify``: exit 0 genuine, 1 not genuine, 2 bad input, 3 unavailable."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from click.testing import CliRunner, Result

from certify.__main__ import SANDBOX_MARK, verify_command
from certify.issue import Issued
from kiosk.sandbox.pki import SandboxPki
from tests.certify import specimens

pytestmark = pytest.mark.xdist_group("pkcs11")


@pytest.fixture
def copy(tmp_path: Path, pre_check: Issued) -> Path:
    file = tmp_path / "copy.pdf"
    file.write_bytes(pre_check.pdf)
    return file


def verify(sandbox: SandboxPki, *arguments: str | Path) -> Result:
    trust = {"KIOSK_TRUST": str(sandbox.trust_dir)}
    return CliRunner().invoke(verify_command, [*map(str, arguments)], env=trust)


def test_it_works_alone(sandbox: SandboxPki, copy: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "certify", "verify", str(copy)],
        env={**os.environ, "KIOSK_TRUST": str(sandbox.trust_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "hợp lệ" in done.stdout
    assert "A genuine certified copy" in done.stdout


def test_it_says_who_vouches_and_calls_a_specimen_one(
    sandbox: SandboxPki, copy: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(sandbox.trust_dir, tmp_path / "trust")
    said = verify(sandbox, copy, "--trust", folder).output.splitlines()
    assert not said[0].startswith("BẢN MẪU")
    assert any(line.startswith(f"  trust: {folder / 'anchor.pem'}, fingerprint ") for line in said)
    (folder / SANDBOX_MARK).touch()
    said = verify(sandbox, copy, "--trust", folder).output.splitlines()
    assert said[0].startswith("BẢN MẪU")
    assert said[1].startswith("SPECIMEN")
    trust = json.loads(verify(sandbox, copy, "--trust", folder, "--json").output)["trust"]
    assert trust["sandbox"]
    assert len(trust["fingerprint"]) == 16


def test_not_genuine(sandbox: SandboxPki, copy: Path) -> None:
    copy.write_bytes(copy.read_bytes() + b"x")
    result = verify(sandbox, copy, "--json")
    assert result.exit_code == 1
    assert json.loads(result.output)["code"] == "copy.not-fully-signed"


def test_json_of_a_good_copy(sandbox: SandboxPki, copy: Path) -> None:
    answer = json.loads(verify(sandbox, copy, "--json").output)
    assert answer["ok"]
    assert answer["facts"]["id_code"] == specimens.facts().id_code
    assert ["pages", True, "2 pages as sealed"] in answer["evidence"]


def test_the_seal_on_paper(
    sandbox: SandboxPki, copy: Path, pre_check: Issued, post_check: Issued, tmp_path: Path
) -> None:
    document: Any = pypdfium2.PdfDocument(pre_check.pdf)
    photo = tmp_path / "photo.png"
    document[1].render(scale=200 / 72).to_pil().save(photo)
    document.close()
    assert verify(sandbox, copy, "--seal", photo).exit_code == 0
    assert verify(sandbox, copy, "--seal", pre_check.seal).exit_code == 0
    assert verify(sandbox, copy, "--seal", post_check.seal).exit_code == 1
    assert verify(sandbox, copy, "--seal", tmp_path / "none.png").exit_code == 2
    document = pypdfium2.PdfDocument(pre_check.pdf)
    document[0].render(scale=1).to_pil().save(photo)
    document.close()
    assert verify(sandbox, copy, "--seal", photo).exit_code == 2


def test_a_seal_without_any_file(sandbox: SandboxPki, pre_check: Issued) -> None:
    trust: list[str | Path] = ["--trust", sandbox.trust_dir]

    def seal(text: str) -> Any:
        return CliRunner().invoke(verify_command, [*map(str, trust), "--seal", text, "--json"])

    good = seal(pre_check.seal)
    assert (good.exit_code, json.loads(good.output)["seal"]["number"]) == (0, 123)
    alike = seal(pre_check.seal.replace("MOT-CUA", "M0T-CUA"))
    assert (alike.exit_code, json.loads(alike.output)["code"]) == (1, "copy.seal-host")
    assert CliRunner().invoke(verify_command, list(map(str, trust))).exit_code == 2


def test_bad_input(sandbox: SandboxPki, tmp_path: Path) -> None:
    text, locked = tmp_path / "a.txt", tmp_path / "b.pdf"
    text.write_text("hello")
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(locked, encryption=pikepdf.Encryption(owner="o", user="u"))
    for file, code in (
        (text, "certify.pdf-unreadable"),
        (tmp_path / "missing.pdf", "certify.pdf-unreadable"),
        (locked, "certify.pdf-encrypted"),
    ):
        result = verify(sandbox, file)
        assert result.exit_code == 2
        assert code in result.output


def test_trust_that_is_not_there(sandbox: SandboxPki, copy: Path, tmp_path: Path) -> None:
    no_trust = {"KIOSK_TRUST": "", "XDG_DATA_HOME": str(tmp_path)}
    assert CliRunner().invoke(verify_command, [str(copy)], env=no_trust).exit_code == 3
    assert verify(sandbox, copy, "--trust", tmp_path).exit_code == 3
    expired = verify(sandbox, copy, "--at", "2100-01-01")
    assert (expired.exit_code, "hết hạn" in expired.output) == (3, True)
    policy = sandbox.trust_dir / "policy.cose"
    assert verify(sandbox, copy, "--bundle", policy).exit_code == 3
    given: list[str | Path] = ["--bundle", sandbox.trust_dir / "bundle.cose", "--anchor"]
    assert verify(sandbox, copy, *given, sandbox.trust_dir / "anchor.pem").exit_code == 0
    assert verify(sandbox, copy, *given, sandbox.chain).exit_code == 3
