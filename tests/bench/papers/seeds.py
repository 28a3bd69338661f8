"""Which pages may be looked at while thresholds are found, and which may not.

A seed decides who stands on a page and how the page is worn. Thresholds are set on TUNING alone;
benchmarks report HELD_OUT beside it. Fixed before the first tuning.
"""

from __future__ import annotations

TUNING = (1101, 1102, 1103)
HELD_OUT = (7901, 7902, 7903)
