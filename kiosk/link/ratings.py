"""Ratings on their way: a small file each until the portal has it, so that no outage loses one."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from pydantic import ValidationError

from kiosk.link.messages import RateRequest
from kiosk.link.portal_client import PortalClient
from offline_queue import files
from offline_queue.intake import Rating

log = logging.getLogger(__name__)

MOST = 1000
"""Further ones are not kept: an opinion is never worth the disk that dossiers need."""


class Ratings:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def keep(self, request: RateRequest, at: datetime) -> bool:
        """False when there are too many already. Raises QueueError (DISK_FULL, DAMAGED)."""
        if len(self._waiting()) >= MOST:
            return False
        rating = Rating(procedure=request.procedure, stars=request.stars, at=at)
        with files.translated("rating"):
            file = self._folder / f"{uuid4()}.json"
            files.write_durably(file, [rating.model_dump_json().encode()])
        return True

    def send(self, client: PortalClient) -> None:
        """Everything that waits; each under its own id, so that a lost answer does no harm.

        Raises QueueError.
        """
        for file in self._waiting():
            try:
                rating = Rating.model_validate_json(file.read_bytes())
            except (OSError, ValidationError):
                log.warning("a rating that cannot be read is dropped")
            else:
                client.rate(UUID(file.stem), rating)
            file.unlink(missing_ok=True)

    def _waiting(self) -> list[Path]:
        return list(self._folder.glob("*.json"))
