from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from offline_queue.outbox import Outbox
from tests.offline_queue.invented import HandClock, open_outbox


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def outbox(tmp_path: Path, clock: HandClock) -> Iterator[Outbox]:
    outbox = open_outbox(tmp_path, clock)
    yield outbox
    outbox.close()
