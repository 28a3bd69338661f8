"""PINs and passphrases: shown to nobody, asked for at a terminal, and in no core dump."""

from __future__ import annotations

import ctypes
import getpass
import os
import resource
from pathlib import Path

from certify.errors import CertifyError, Fault

_PR_SET_DUMPABLE = 4
_CREDENTIALS = Path("/run/credentials")


class Secret:
    """Text that no log, traceback or ``repr`` shows; ``reveal`` is for whoever sends it on."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(...)"


def keep_out_of_dumps() -> None:
    """From here on this process leaves no core file, and only root may look into its memory.

    Both are needed: a kernel that pipes dumps to a program does not ask for the limit (core(5)).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if soft:
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)


def secret_of(file: Path | None, question: str) -> Secret:
    """What a systemd credential holds; without one, what is typed at the terminal.

    Raises CertifyError (SIGNER_REFUSED) when there is neither, or the file cannot be read.
    """
    if file is None:
        return ask(question)
    try:
        return Secret(file.read_text("utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise CertifyError(Fault.SIGNER_REFUSED, f"PIN file: {why}") from None


def ask(question: str) -> Secret:
    """Typed without being shown. Raises CertifyError (SIGNER_REFUSED) without a terminal."""
    try:
        # getpass would go on to read a pipe, and show what is typed.
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        detail = f"{question}: no credential and no terminal"
        raise CertifyError(Fault.SIGNER_REFUSED, detail) from None
    return Secret(getpass.getpass(f"{question}: ").strip())


def is_credential(file: Path) -> bool:
    """Whether systemd put it there (LoadCredential=, SetCredentialEncrypted=): in memory only, and
    for one service."""
    own = os.environ.get("CREDENTIALS_DIRECTORY")
    folders = [_CREDENTIALS, *([Path(own)] if own else [])]
    return file.is_absolute() and any(file.is_relative_to(folder) for folder in folders)
