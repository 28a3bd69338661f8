"""How much paper is left on a receipt printer's roll, counted from its near-end sensor on.

The sensor says once that the roll has become thin, and nothing more until it is empty. How much is
left at that moment depends on printer and core, so staff measures it once and writes it into the
settings. From then on what is printed is subtracted, in a file, since a kiosk is restarted more
often than a roll is changed.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

from drivers.contract import DeviceError, Fault

log = logging.getLogger(__name__)

_MM_PER_INCH = 25.4
_MARGIN_MM = 30
"""The end of a roll is glued to its core, or held too loosely to be fed straight."""


class PaperRoll:
    """``near_end_mm``: left when the sensor first says near-end; 0: not known, and nothing is ever
    refused. ``dpi``: dots an inch along the paper. ``file``: where the count outlives the process.
    """

    def __init__(self, near_end_mm: int, dpi: int, file: Path | None = None) -> None:
        self._near_end_mm, self._dpi, self._file = near_end_mm, dpi, file
        self._left = self._remembered() if near_end_mm else None

    @property
    def left_mm(self) -> int | None:
        """None while there is plenty, or nobody knows."""
        return None if self._left is None else max(0, round(self._left))

    def saw(self, *, near_end: bool, out: bool) -> None:
        """What the sensors said. A roll that is thick again, or gone, is another roll."""
        if out or not near_end or not self._near_end_mm:
            self._set(None)
        elif self._left is None:
            self._set(float(self._near_end_mm))

    def require(self, dots: int) -> None:
        """Raises DeviceError (RECEIPT_PAPER_SHORT) when a slip of that length would break off."""
        wanted = self._millimetres(dots) + _MARGIN_MM
        if self._left is not None and wanted > self._left:
            detail = f"{wanted:.0f} mm wanted, {max(0.0, self._left):.0f} mm left"
            raise DeviceError(Fault.RECEIPT_PAPER_SHORT, detail)

    def take(self, dots: int) -> None:
        """A slip of that length is about to be printed: counted even if it does not come out."""
        if self._left is not None:
            self._set(self._left - self._millimetres(dots))

    def _millimetres(self, dots: int) -> float:
        return dots * _MM_PER_INCH / self._dpi

    def _remembered(self) -> float | None:
        if self._file is None or not self._file.exists():
            return None
        try:
            return float(json.loads(self._file.read_text("utf-8"))["left_mm"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.error("the count of receipt paper is lost: %s", type(error).__name__)
            return None

    def _set(self, left: float | None) -> None:
        if left == self._left:
            return
        self._left = left
        if self._file is not None:
            try:
                _write(self._file, left)
            except OSError as error:  # a full disk must not keep a slip from coming out
                log.error("receipt paper is counted in memory only: %s", error.strerror)


def _write(file: Path, left: float | None) -> None:
    if left is None:
        file.unlink(missing_ok=True)
        return
    half = file.with_suffix(".part")
    half.write_text(json.dumps({"left_mm": round(left, 1)}), "utf-8")
    os.replace(half, file)
