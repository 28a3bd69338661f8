"""The first file system of the machine: busybox, the modules it starts with, and two scripts."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

from tests.vm.kernel import Kernel

_FIRST = ("virtio_pci", "9pnet_virtio", "9p")
_BUSYBOX = Path("/bin/busybox")


def packed(build: Path, kernel: Kernel, init: Path, suite: str) -> Path:
    """``init`` is the first process, ``suite`` the script that it runs. Returns the archive."""
    tree = build / "first"
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "first").mkdir(parents=True)
    (tree / "etc").mkdir()
    modules = kernel.with_needs(*_FIRST)
    for file in modules:
        shutil.copy(file, tree / "first")
    (tree / "first" / "order").write_text("\n".join(file.name for file in modules) + "\n")
    shutil.copy(_BUSYBOX, tree / "busybox")
    shutil.copy(init, tree / "init")
    (tree / "init").chmod(0o755)
    (tree / "suite").write_text(suite, "utf-8")
    shutil.copy("/etc/ld.so.cache", tree / "etc")  # where pyusb looks for libusb
    (tree / "etc" / "passwd").write_text("root:x:0:0:root:/tmp:/bin/sh\n")
    return _archive(tree, build / "first.cpio.gz")


def _archive(tree: Path, target: Path) -> Path:
    names = sorted(str(file.relative_to(tree)) for file in tree.rglob("*"))
    cpio = ["busybox", "cpio", "-o", "-H", "newc"]
    made = subprocess.run(
        cpio, cwd=tree, check=True, capture_output=True, input="\n".join(names).encode() + b"\n"
    )
    target.write_bytes(gzip.compress(made.stdout, 1))
    return target
