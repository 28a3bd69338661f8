"""Boot Debian's kernel under qemu and run the tests of this folder inside: ``./run test --vm``.

The machine has no disk and no network. It sees ``/usr`` and this project, both read only, and
nothing else of ours. Arguments go to pytest; ``--keep`` first writes the log to docs/vm-suite.log.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.vm.kernel import Kernel, fetched
from tests.vm.ramdisk import packed

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "vm"
LOG = ROOT / "docs" / "vm-suite.log"
DEADLINE = 40 * 60.0  # seconds; every instruction is translated
_NOISE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1bc|\r")


def suite(arguments: list[str]) -> str:
    """The shell script that runs the tests inside."""
    pytest = [".venv/bin/python", "-m", "pytest", "-v", "--no-header", "--color=no"]
    pytest += ["-p", "no:cacheprovider", "--tb=short", "--durations=5", "tests/vm", *arguments]
    return f"cd {shlex.quote(str(ROOT))} && exec {shlex.join(pytest)}\n"


def command(kernel: Kernel, ramdisk: Path) -> list[str]:
    machine = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max"]
    machine += ["-smp", "2", "-m", "1536", "-nodefaults", "-no-user-config"]
    machine += ["-no-reboot", "-display", "none"]
    machine += ["-serial", "stdio", "-kernel", str(kernel.image), "-initrd", str(ramdisk)]
    machine += ["-append", f"console=ttyS0 quiet panic=1 project={ROOT}"]
    for tag, path in (("usr", "/usr"), ("project", str(ROOT))):
        share = f"local,id={tag},path={path},security_model=none,readonly=on,multidevs=remap"
        machine += ["-fsdev", share, "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
    return machine


def console(machine: list[str]) -> Iterator[str]:
    """Lines of the machine's console until it stops, or is stopped at the deadline."""
    with subprocess.Popen(
        machine, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace"
    ) as running:
        assert running.stdout
        guard = threading.Timer(DEADLINE, running.kill)
        guard.start()
        try:
            for line in running.stdout:
                yield _NOISE.sub("", line).rstrip()
        finally:
            guard.cancel()
            running.kill()


def main(arguments: list[str]) -> int:
    keep = arguments[:1] == ["--keep"]
    kernel = fetched(BUILD)
    ramdisk = packed(BUILD, kernel, Path(__file__).with_name("init.sh"), suite(arguments[keep:]))
    said: list[str] = []
    began = time.monotonic()
    for line in console(command(kernel, ramdisk)):
        print(line, flush=True)
        said.append(line.replace(str(ROOT), "."))
    said.append(f"vm: {time.monotonic() - began:.0f} s from power-on to power-off")
    print(said[-1])
    if keep:
        LOG.write_text("\n".join(line for line in said if line) + "\n", "utf-8")
    ended = re.search(r"^vm: the tests ended with (\d+)$", "\n".join(said), re.MULTILINE)
    return int(ended[1]) if ended else 3


sys.exit(main(sys.argv[1:]))
