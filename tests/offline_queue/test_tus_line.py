"""The benches in small: a bad line to the real portal, and a herd of kiosks after an outage."""

from __future__ import annotations

from pathlib import Path

from tests.bench.bench_herd import simulate
from tests.bench.bench_network import send
from tests.bench.relay import Line

SCALE = 40.0


def test_a_dossier_arrives_over_a_line_that_is_cut_again_and_again(tmp_path: Path) -> None:
    sent = send(tmp_path, 200_000, Line(), SCALE, attempts=40)
    assert sent.accepted
    assert sent.counts.cuts >= 2
    assert sent.counts.connections >= 3
    assert sent.counts.arrived < 1.2 * sent.payload  # requests weigh more on so short an upload


def test_kiosks_come_back_without_trampling_each_other() -> None:
    result = simulate(400, 5, rate=20.0)
    assert result.taken == 2000
    assert result.peak <= 1.5 * 20.0  # chance weighs more in a small herd
    assert result.requests < 1.3 * result.taken
