"""Where the sandbox keeps its keys between runs, and the agency and officer that they name."""

from __future__ import annotations

import shutil
from pathlib import Path

from certify.__main__ import SANDBOX_MARK, user_trust
from kiosk.sandbox import pki

AGENCY = "Ủy ban nhân dân xã Yên Hòa"
OFFICER = "Lê Văn Thí Điểm"


def sandbox_home() -> Path:
    """The folder of keys, beside the user's trust folder."""
    return user_trust().with_name("sandbox")


def install_trust(authority: pki.SandboxPki) -> None:
    """Let this user's ``kiosk verify`` know the sandbox, unless it knows somebody else already."""
    folder = user_trust()
    anchor = folder / "anchor.pem"
    if anchor.exists() and not (folder / SANDBOX_MARK).exists():
        return
    shutil.copytree(authority.trust_dir, folder, dirs_exist_ok=True)
    (folder / SANDBOX_MARK).write_text("Written by the sandbox: vouches for specimens only.\n")
