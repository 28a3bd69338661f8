from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.portal.desk import Desk
from kiosk.portal.desk_client import DeskClient
from tests.kiosk.portal.backends import (
    Cluster,
    S3Server,
    Storage,
    running_cluster,
    running_s3,
    shared_storage,
)
from tests.kiosk.portal.line import RunningPortal, TestKiosk, settings_in
from tests.kiosk.portal.processes import PortalProcesses
from tests.kiosk.portal.soft_signers import SoftAuthority


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as running:
        yield running


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "tests")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
        with running_s3() as running:
            yield running


@pytest.fixture
def shared(cluster: Cluster, s3: S3Server) -> Storage:
    """PostgreSQL and S3, empty."""
    return shared_storage(cluster, s3)


@pytest.fixture(params=["sqlite", "postgres"])
def storage(request: pytest.FixtureRequest) -> Storage:
    """SQLite and a folder; then the same test with PostgreSQL and S3."""
    if request.param == "sqlite":
        return Storage({})
    shared = request.getfixturevalue("shared")
    assert isinstance(shared, Storage)
    return shared


@pytest.fixture(scope="session")
def stopping() -> Iterator[list[RunningPortal]]:
    """Portals that were told to stop. uvicorn takes 0.2 s for it, so the wait comes once, last."""
    told: list[RunningPortal] = []
    yield told
    for running in told:
        running.wait_for_stop()


@pytest.fixture
def portal(
    tmp_path: Path, storage: Storage, stopping: list[RunningPortal]
) -> Iterator[RunningPortal]:
    running = RunningPortal(settings_in(tmp_path, **storage.settings))
    yield running
    running.tell_to_stop()
    stopping.append(running)


@pytest.fixture
def kiosk(portal: RunningPortal) -> TestKiosk:
    enrolled = TestKiosk(portal, "kiosk-01")
    assert enrolled.enrol().status_code == 200
    return enrolled


@pytest.fixture
def other_kiosk(portal: RunningPortal) -> TestKiosk:
    enrolled = TestKiosk(portal, "kiosk-02")
    assert enrolled.enrol().status_code == 200
    return enrolled


@pytest.fixture
def processes(storage: Storage, tmp_path: Path) -> Iterator[PortalProcesses]:
    running = PortalProcesses(settings_in(tmp_path, **storage.settings))
    yield running
    running.stop()


@pytest.fixture
def authority(portal: RunningPortal) -> SoftAuthority:
    return SoftAuthority(portal.settings)


@pytest.fixture
def client(portal: RunningPortal, authority: SoftAuthority) -> Iterator[DeskClient]:
    with DeskClient(portal.address, portal.desk_secret(authority.officer.fingerprint)) as client:
        yield client


@pytest.fixture
def desk(authority: SoftAuthority, client: DeskClient) -> Desk:
    return Desk(client, officer=authority.officer, agency=authority.agency, seal=authority.seal)
