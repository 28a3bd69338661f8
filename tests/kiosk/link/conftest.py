from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kiosk.link.office import Office, opened
from tests.kiosk.link.place import Place
from tests.kiosk.link.small_vneid import SmallVneid
from tests.offline_queue.small_portal import SmallPortal


@pytest.fixture
def place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="link-"))  # short: a socket's path has 107 bytes at most
    with SmallPortal() as portal, SmallVneid() as provider:
        yield Place(folder, portal, provider)
    shutil.rmtree(folder)


@pytest.fixture
def office() -> Iterator[Office]:
    with opened() as found:
        yield found
