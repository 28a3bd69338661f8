"""``./run bench [NAME...]``: each ``bench_NAME.py`` measures against a peer in the same run.

A benchmark is a module with ``run() -> list[Row]``. Ratios count, seconds depend on the machine:
rows go to the terminal and to ``build/bench/NAME.json`` together with the load and the versions.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from tests.bench.measure import Row

HERE = Path(__file__).parent
OUT = Path("build/bench")


def main(names: list[str]) -> int:
    known = sorted(file.stem.removeprefix("bench_") for file in HERE.glob("bench_*.py"))
    if unknown := set(names) - set(known):
        print(f"bench: unknown {sorted(unknown)}, known {known}", file=sys.stderr)
        return 2
    OUT.mkdir(parents=True, exist_ok=True)
    for name in names or known:
        rows: list[Row] = importlib.import_module(f"tests.bench.bench_{name}").run()
        _print(name, rows)
        _write(name, rows)
    return 0


def _print(name: str, rows: list[Row]) -> None:
    print(f"\n{name}")
    for row in rows:
        print(f"  {row.what:<44} {row.value:>10.3f} {row.unit:<8} {row.note}")


def _write(name: str, rows: list[Row]) -> None:
    record = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "rows": [asdict(row) for row in rows],
    }
    (OUT / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
