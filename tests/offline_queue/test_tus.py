"""Whatever line and server do, an upload goes on from where the server stands, or says that not."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from offline_queue.errors import Fault, QueueError
from offline_queue.pacing import HourlyBudget, Pace
from offline_queue.transport import new_session
from offline_queue.tus import Client, Limits
from tests.offline_queue.tus_server import CAPTIVE, TUS, TusServer

QUICK = Limits(connect=5, read=10, stall=0.15, probe=0.3, give_up=5, pause=0.001)
DATA = random.Random(5).randbytes(200_000)


@pytest.fixture
def server() -> Iterator[TusServer]:
    with TusServer() as server:
        yield server


@pytest.fixture
def client() -> Iterator[Client]:
    with closing(Client(new_session, limits=QUICK, rng=random.Random(1))) as client:
        yield client


def send(client: Client, server: TusServer, *, resume: bool = False) -> bytes:
    url = f"{server.address}/known/page"
    assert client.upload(url, DATA, location=url, resume=resume) == url
    return bytes(server.uploads["/known/page"])


def test_pieces_grow_while_acknowledgements_are_quick(server: TusServer, client: Client) -> None:
    assert send(client, server) == DATA
    assert server.calls == [("POST", 65536), ("PATCH", 65536), ("PATCH", 200_000 - 131072)] or (
        server.calls[1] == ("PATCH", 131072)
    )


def test_a_server_that_names_its_uploads_itself(server: TusServer, client: Client) -> None:
    url = client.upload(f"{server.address}/files", DATA, metadata={"filename": "trang 1"})
    assert server.uploads[url.removeprefix(server.address)] == DATA
    assert server.metadata == "filename dHJhbmcgMQ=="
    assert server.calls[0] == ("POST", 0)  # a first piece could be lost without a trace


@pytest.mark.parametrize("fault", [0, 1, 40_000, "lost"])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_cut_costs_only_what_did_not_arrive(
    server: TusServer, client: Client, method: str, fault: object
) -> None:
    server.fault(method, fault)
    assert send(client, server) == DATA
    assert server.sent("HEAD") == 1
    assert server.sent("POST") == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_dead_connection_is_left_after_a_probe(
    server: TusServer, client: Client, method: str
) -> None:
    server.fault(method, "hang")
    assert send(client, server) == DATA
    assert server.sent("HEAD") == 2  # one found more than before, the next one nothing new


def test_a_slow_piece_is_waited_for(server: TusServer, client: Client) -> None:
    server.fault("PATCH", "slow")
    assert send(client, server) == DATA
    assert server.sent("HEAD") >= 3
    assert server.sent("PATCH") == 2


def test_the_server_may_go_back(server: TusServer, client: Client) -> None:
    server.fault("PATCH", "forget 10000", "forget 3")
    assert send(client, server) == DATA


def test_a_server_that_goes_back_for_ever_is_given_up(server: TusServer, client: Client) -> None:
    server.fault("PATCH", *["forget 9", "forget 8"] * 20)
    with pytest.raises(QueueError, match="again and again") as caught:
        send(client, server)
    assert caught.value.code == Fault.UNREACHABLE
    assert server.sent("PATCH") < 20


def test_a_server_that_takes_nothing_is_given_up(server: TusServer, client: Client) -> None:
    server.fault("PATCH", *["forget 65536"] * 20)
    with pytest.raises(QueueError, match="again and again"):
        send(client, server)
    assert server.sent("PATCH") < 20


def test_a_forgotten_upload_is_begun_anew(server: TusServer, client: Client) -> None:
    server.fault("PATCH", (404, TUS, b""))
    assert send(client, server) == DATA
    server.uploads.clear()
    assert send(client, server, resume=True) == DATA


def test_what_has_arrived_before_is_asked_for(server: TusServer, client: Client) -> None:
    server.uploads["/known/page"] = bytearray(DATA[:150_000])
    assert send(client, server, resume=True) == DATA
    assert [method for method, _ in server.calls] == ["HEAD", "PATCH"]


def test_another_offset_than_thought_is_asked_for(server: TusServer, client: Client) -> None:
    server.fault("PATCH", (409, TUS, b""))
    assert send(client, server) == DATA


@pytest.mark.parametrize(
    "answer",
    [
        CAPTIVE,
        (204, {"Upload-Offset": "200000"}, b""),
        (204, TUS | {"Upload-Offset": "200001"}, b""),
        (204, TUS | {"Upload-Offset": "-1"}, b""),
        (204, TUS, b""),
        (302, {"Location": "http://127.0.0.1:9/"}, b""),
        (500, TUS, b"oh"),
        (429, {"Retry-After": "0"}, b""),
        (503, {}, b""),
        (423, TUS, b""),
        (200, {}, b"x" * 300_000),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "HEAD"])
def test_what_no_tus_server_says_is_no_answer(
    server: TusServer, client: Client, method: str, answer: tuple[int, dict[str, str], bytes]
) -> None:
    server.fault(method, answer)
    server.fault("PATCH", 1000)
    assert send(client, server, resume=method == "HEAD") == DATA


def test_another_host_is_not_trusted(server: TusServer, client: Client) -> None:
    server.fault("POST", (201, TUS | {"Location": "http://127.0.0.2:9/x"}, b""))
    url = client.upload(f"{server.address}/files", DATA)
    assert url.startswith(server.address)


def test_a_refusal_is_told(server: TusServer, client: Client) -> None:
    problem = json.dumps({"code": "intake.digest-mismatch"}).encode()
    server.fault("PATCH", (422, TUS, problem))
    with pytest.raises(QueueError) as caught:
        send(client, server)
    assert (caught.value.code, caught.value.detail) == (Fault.REJECTED, "intake.digest-mismatch")


@pytest.mark.parametrize("kind", ["seconds", "date"])
def test_a_long_wait_is_left_to_the_caller(server: TusServer, client: Client, kind: str) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=500), usegmt=True)
    server.fault("PATCH", (503, {"Retry-After": "500" if kind == "seconds" else later}, b""))
    client.wall = lambda: datetime(2001, 1, 1, tzinfo=UTC)  # the server's clock counts, not ours
    with pytest.raises(QueueError) as caught:
        send(client, server)
    assert caught.value.code == Fault.UNREACHABLE
    assert caught.value.retry_after == pytest.approx(500, abs=10)


def test_a_line_that_lets_only_questions_through_is_given_up(server: TusServer) -> None:
    limits = replace(QUICK, stall=0.02, give_up=0.2)
    server.fault("PATCH", *["swallow"] * 200)
    with (
        closing(Client(new_session, limits=limits)) as client,
        pytest.raises(QueueError, match="no progress"),
    ):
        send(client, server)
    assert server.sent("HEAD") > 2


def test_without_progress_the_caller_gets_to_know(server: TusServer) -> None:
    limits = replace(QUICK, give_up=0.05)
    server.fault("PATCH", *[(500, {}, b"")] * 1000)
    with closing(Client(new_session, limits=limits, rng=random.Random(1))) as client:
        with pytest.raises(QueueError) as caught:
            send(client, server)
        assert caught.value.code == Fault.UNREACHABLE
        server.faults.clear()
        assert send(client, server, resume=True) == DATA


def test_nobody_there_is_unreachable() -> None:
    with TusServer() as gone:
        url = f"{gone.address}/known/page"
    limits = replace(QUICK, give_up=0.0)
    with (
        closing(Client(new_session, limits=limits)) as client,
        pytest.raises(QueueError) as caught,
    ):
        client.upload(url, DATA, location=url)
    assert caught.value.code == Fault.UNREACHABLE


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    url = "http://portal.invalid/known/page"
    limits = replace(QUICK, give_up=0.0)
    with (
        closing(Client(new_session, limits=limits)) as client,
        pytest.raises(QueueError) as caught,
    ):
        client.upload(url, DATA, location=url)
    assert caught.value.code == Fault.UNREACHABLE


def test_stop_ends_an_upload_that_hangs(server: TusServer, client: Client) -> None:
    server.fault("PATCH", "hang")
    errors: list[str] = []

    def run() -> None:
        try:
            send(client, server)
        except QueueError as error:
            errors.append(error.detail)

    thread = threading.Thread(target=run)
    thread.start()
    server.asked.acquire(timeout=10)  # it is probing already
    client.stop.set()
    thread.join(10)
    assert errors == ["told to stop"]


def test_stop_does_not_wait_for_the_piece_under_way(server: TusServer) -> None:
    server.fault("PATCH", "hang")
    limits = replace(QUICK, stall=8.0)  # as long as a piece that moves may take
    with closing(Client(new_session, limits=limits)) as client, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send, client, server)
        assert server.hanging.wait(10)
        client.stop.set()
        with pytest.raises(QueueError, match="told to stop"):
            sending.result(6)


def test_a_question_that_gets_no_answer_is_asked_again(server: TusServer, client: Client) -> None:
    """Time-outs: of the connection thought good, and of the probe."""
    server.uploads["/known/page"] = bytearray(DATA[:150_000])
    server.fault("HEAD", "swallow", "swallow")
    server.fault("PATCH", "swallow")
    assert send(client, server, resume=True) == DATA
    assert server.sent("HEAD") >= 3


def test_the_hours_budget_holds_and_the_rest_follows(server: TusServer) -> None:
    seconds = [0.0]
    budget = HourlyBudget(120_000, lambda: seconds[0])
    with closing(Client(new_session, limits=QUICK, budget=budget)) as client:
        with pytest.raises(QueueError) as caught:
            send(client, server)
        assert caught.value.code == Fault.BUDGET_SPENT
        assert len(server.uploads["/known/page"]) == 120_000
        seconds[0] += caught.value.retry_after or 0.0
        assert send(client, server, resume=True) == DATA


def test_pieces_of_a_server_that_keeps_only_whole_ones_get_shorter(server: TusServer) -> None:
    pace = Pace(first=65536)
    with closing(Client(new_session, limits=QUICK, pace=pace, rng=random.Random(1))) as client:
        server.fault("PATCH", 0, 0, 0)
        assert send(client, server) == DATA
    sizes = [size for method, size in server.calls if method == "PATCH"]
    assert sizes[:4] == sorted(sizes[:4], reverse=True)
    assert sizes[3] < sizes[0] / 4
