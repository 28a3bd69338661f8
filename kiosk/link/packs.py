"""Procedure packs on this kiosk: files named by digest, and the policy that names those in use."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from certify import packs
from certify.errors import CertifyError
from certify.trust import NamedPack
from kiosk.link.portal_client import PortalClient
from offline_queue import files
from offline_queue.errors import QueueError
from offline_queue.intake import Problem

log = logging.getLogger(__name__)


class PackKeeper:
    """``policy``: the signed bytes of the newest policy whose packs have all arrived, or None.

    Packs change as a set: until the last one of a newer policy is here, those of the older policy
    stay in use. One thread keeps them, any may read.
    """

    def __init__(self, folder: Path, anchor: EllipticCurvePublicKey) -> None:
        self._folder = folder
        self._anchor = anchor
        self._policy_file = folder / "policy.cose"
        self.policy = self._stored()

    def keep(self, policy: bytes, client: PortalClient) -> None:
        """Bring in what ``policy`` names, use it, and drop the rest. What is not what the policy
        names, or is not published yet, is logged and leaves everything as it was.

        Raises QueueError for a network or a disk that fails.
        """
        named = packs.named_by(policy, self._anchor)
        if not all(self._is_here(pack) or self._fetch(pack, client) for pack in named):
            return
        if policy != self.policy:
            self._write(self._policy_file, policy)
            self.policy = policy
            log.info("procedure packs: %d in use", len(named))
        self._drop_others(named)

    def read(self, sha256: str) -> bytes:
        """``sha256`` in hex. Raises OSError."""
        return self._file(sha256).read_bytes()

    def _is_here(self, named: NamedPack) -> bool:
        try:
            packs.open_named(self.read(named.sha256), named)
        except (OSError, CertifyError):
            return False
        return True

    def _fetch(self, named: NamedPack, client: PortalClient) -> bool:
        try:
            data = client.pack(named.sha256)
            packs.open_named(data, named)
        except CertifyError as error:
            log.error("a procedure pack is refused: %s", error)
            return False
        except QueueError as error:
            if error.detail != Problem.NOT_FOUND:
                raise
            log.warning("procedure pack %s is not published yet", named.name)
            return False
        self._write(self._file(named.sha256), data)
        return True

    def _write(self, file: Path, data: bytes) -> None:
        with files.translated(file.name):
            files.make_folder(self._folder)
            files.write_durably(file, [data])

    def _drop_others(self, named: Sequence[NamedPack]) -> None:
        """A file that a power cut left unfinished is among the others."""
        if not self._folder.is_dir():
            return
        wanted = {self._policy_file} | {self._file(pack.sha256) for pack in named}
        with files.translated(self._folder.name):
            for file in self._folder.iterdir():
                if file not in wanted:
                    files.remove(file)

    def _file(self, sha256: str) -> Path:
        return self._folder / packs.file_name(sha256)

    def _stored(self) -> bytes | None:
        try:
            policy = self._policy_file.read_bytes()
            packs.named_by(policy, self._anchor)
        except FileNotFoundError:
            return None
        except (OSError, CertifyError) as error:
            log.error("the procedure packs are not used: %s", error)
            return None
        return policy
