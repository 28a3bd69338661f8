"""One sandbox a mode for all journeys, and papers to scan."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.sandbox import papers
from kiosk.sandbox.appliance import Appliance
from kiosk.sandbox.people import PERSON


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The sandbox writes keys and a trust folder into the data folder of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def pre_check(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    with Appliance(tmp_path_factory.mktemp("pre-check")) as appliance:
        yield appliance


@pytest.fixture(scope="session")
def post_check(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    with Appliance(tmp_path_factory.mktemp("post-check"), mode="post-check") as appliance:
        yield appliance


@pytest.fixture(scope="session")
def sheets(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("papers")
    files = []
    for kind in (papers.diploma, papers.birth_certificate):
        files.append(folder / f"{kind.__name__}.png")
        kind(PERSON).save(files[-1])
    return files
