"""Debian's kernel, fetched by apt and unpacked beside the project: nothing is installed."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Kernel:
    """``release``: as ``uname -r`` says it. ``modules``: their folder, with ``modules.dep``."""

    release: str
    image: Path
    modules: Path

    def with_needs(self, *names: str) -> list[Path]:
        """Files of the modules of these names and of all that they need, in loading order."""
        files = dict.fromkeys(
            self.modules / needed for name in names for needed in self._line_of(name)
        )
        return list(files)

    def _line_of(self, name: str) -> list[str]:
        for line in (self.modules / "modules.dep").read_text("utf-8").splitlines():
            file, _, needs = line.partition(":")
            if Path(file).stem.replace("-", "_") == name:
                return [*reversed(needs.split()), file]
        raise LookupError(f"the kernel has no module {name}")


def fetched(build: Path) -> Kernel:
    """The newest kernel that apt knows of, unless it is there already."""
    told = _said("apt-cache", "depends", "--important", "linux-image-amd64")
    package = re.search(r"Depends: (linux-image-\S+)", told)
    if not package:
        raise SystemExit("vm: apt knows no linux-image-amd64; is its list up to date?")
    release = package[1].removeprefix("linux-image-")
    tree = build / "kernel"
    kernel = Kernel(release, tree / "boot" / f"vmlinuz-{release}", tree / "lib/modules" / release)
    if not (kernel.modules / "modules.dep").exists():
        _unpack(package[1], build)
        _said("busybox", "depmod", "-b", str(tree), release)
    return kernel


def _unpack(package: str, build: Path) -> None:
    build.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", "-qq", package], cwd=build, check=True)
    (archive,) = build.glob(f"{package}_*.deb")
    subprocess.run(["dpkg", "-x", str(archive), str(build / "kernel")], check=True)
    archive.unlink()


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
