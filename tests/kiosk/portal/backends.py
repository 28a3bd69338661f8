"""A real PostgreSQL cluster and a real S3 server, each a process of its own on this machine."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import psycopg

_READY_SECONDS = 30
_number = count(1)


@dataclass(frozen=True)
class Storage:
    """Where the portals of one test keep what they know: ``settings`` of PortalSettings."""

    settings: dict[str, Any]


@dataclass(frozen=True)
class Cluster:
    """PostgreSQL on a Unix socket."""

    socket: Path

    def conninfo(self, database: str) -> str:
        return f"host={self.socket} user=postgres dbname={database}"

    def new_database(self) -> str:
        name = f"portal_{next(_number)}"
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.conninfo(name)


@dataclass(frozen=True)
class S3Server:
    address: str

    def new_bucket(self) -> str:
        name = f"portal-{next(_number)}"
        client = boto3.client("s3", endpoint_url=self.address, region_name="us-east-1")
        client.create_bucket(Bucket=name)
        client.close()
        return name


def shared_storage(cluster: Cluster, s3: S3Server) -> Storage:
    return Storage(
        {
            "database": cluster.new_database(),
            "bucket": s3.new_bucket(),
            "bucket_endpoint": s3.address,
            "bucket_region": "us-east-1",
        }
    )


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """fsync is on, as in the field. PostgreSQL refuses to be root: then it runs as postgres."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    become = ["setpriv"]
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        become += ids
    data = folder / "data"
    try:
        subprocess.run(
            [*become, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust",
             "-E", "UTF8", "--no-locale", "--no-sync"],
            check=True, capture_output=True, cwd=folder,
        )  # fmt: skip
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*become, "--pdeathsig=INT", programs / "postgres", "-D", data, "-k", folder,
                 "-c", "listen_addresses=", "-c", "max_connections=200"],
                stdout=log, stderr=log, cwd=folder,
            )  # fmt: skip
        try:
            cluster = Cluster(folder)
            _wait_for(cluster, server)
            yield cluster
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: what it holds is thrown away
            server.wait(_READY_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(cluster: Cluster, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            psycopg.connect(cluster.conninfo("postgres")).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)  # between looks; the loop ends when the server answers
        else:
            return


@contextmanager
def running_s3() -> Iterator[S3Server]:
    server = subprocess.Popen(
        ["setpriv", "--pdeathsig=TERM", sys.executable, "-m", "tests.kiosk.portal.s3_server"],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    try:
        assert server.stdout is not None
        yield S3Server(json.loads(server.stdout.readline())["address"])
    finally:
        server.terminate()
        server.communicate()
