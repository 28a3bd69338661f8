"""Our client against ``@tus/server`` of npm, in a copy under ``build/`` that npm may fill."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from offline_queue import tus
from offline_queue.transport import new_session
from tests.bench.measure import Row
from tests.bench.relay import Line, Relay

HERE = Path(__file__).parent
COPY = Path("build/bench/tus_server")
SIZE = 2 * 1024 * 1024
SCALE = 32.0


def rows() -> list[Row]:
    if shutil.which("npm") is None:
        return [Row("@tus/server: not tried", 0, "", "needs node 20.19 or later, and npm")]
    install()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as address:
        plain = _same_bytes(address, Path(folder))
        relay = Relay(address, Line().faster(SCALE), seed=2)
        with relay:
            cut = _same_bytes(relay.address, Path(folder), SCALE)
    cuts = f"{relay.counts.cuts} cuts"
    return [
        Row("@tus/server: bytes kept as sent", plain, ""),
        Row("@tus/server: the same over the bad line", cut, "", cuts),
    ]


def install() -> None:
    COPY.mkdir(parents=True, exist_ok=True)
    for file in ("package.json", "package-lock.json", "server.mjs"):
        shutil.copy(HERE / file, COPY / file)
    command = ["npm", "ci", "--omit=optional", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=COPY, check=True)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    process = subprocess.Popen(
        ["node", "server.mjs", str(folder)], cwd=COPY, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["address"]
    finally:
        process.terminate()
        process.wait(10)


def _same_bytes(address: str, folder: Path, scale: float = 1.0) -> bool:
    data = random.Random(scale).randbytes(SIZE)
    limits = tus.Limits(
        connect=10 / scale, stall=2 / scale, probe=8 / scale, read=60 / scale, pause=0.5 / scale
    )
    with closing(tus.Client(new_session, limits=limits)) as client:
        url = client.upload(f"{address}/files", data, metadata={"filename": "page-1.jpg"})
    name = url.rpartition("/")[2]
    told = json.loads((folder / f"{name}.json").read_text())
    return (folder / name).read_bytes() == data and told["metadata"]["filename"] == "page-1.jpg"
