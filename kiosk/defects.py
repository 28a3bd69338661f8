"""What a log says of a defect: a program's own mistake, met where the program has to go on."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path


def log_defect(log: logging.Logger, what: str, error: BaseException) -> None:
    """Type and place only: a message may carry what a citizen wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    log.error("defect, %s: %s at %s", what, type(error).__name__, place)
