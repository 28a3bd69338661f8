from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kiosk.portal.browser.driver import Browser, Driver


@pytest.fixture(scope="session")
def driver() -> Iterator[Driver]:
    driver = Driver()
    yield driver
    driver.close()


@pytest.fixture(scope="module")
def desktop(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    profile = tmp_path_factory.mktemp("desktop")
    with Browser(driver, profile, width=1366, height=768) as browser:
        yield browser


@pytest.fixture(scope="module")
def phone(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    profile = tmp_path_factory.mktemp("phone")
    with Browser(driver, profile, width=360, height=740, phone=True) as browser:
        yield browser


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where screenshots go; kept by pytest for the last runs."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder
