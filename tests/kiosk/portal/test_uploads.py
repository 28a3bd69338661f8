"""Parts by tus 1.0.0 on a real server: what has arrived is kept, and only what was announced."""

from __future__ import annotations

import asyncio
import base64
import socket
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
import requests

from kiosk.portal.intake import Intake
from kiosk.portal.uploads import KEPT_DAYS, LOT, _lots
from kiosk.portal.vault import part_key
from offline_queue import signatures
from offline_queue.intake import MAX_PART, stream_statement
from tests.kiosk.portal.line import RunningPortal, TestDossier, TestKiosk, problem
from tests.kiosk.portal.processes import PortalProcesses

PAGE = "page-001.jpg"


@pytest.fixture
def dossier(kiosk: TestKiosk) -> TestDossier:
    opened = kiosk.dossier(contents={PAGE: bytes(range(256)) * 1000})
    assert opened.put().status_code == 200
    return opened


def begin(dossier: TestDossier, body: bytes | None = None, **headers: object) -> requests.Response:
    length = {"Upload_Length": len(dossier.parts[PAGE])} | headers
    return dossier.kiosk.tus("POST", dossier.part_path(PAGE), body, **length)


def add(dossier: TestDossier, offset: int, body: bytes, **headers: object) -> requests.Response:
    path = dossier.part_path(PAGE)
    return dossier.kiosk.tus("PATCH", path, body, Upload_Offset=offset, **headers)


def offset(answer: requests.Response) -> int:
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    return int(answer.headers["Upload-Offset"])


def standing(dossier: TestDossier) -> int:
    return offset(dossier.kiosk.tus("HEAD", dossier.part_path(PAGE)))


def test_a_part_grows_piece_by_piece(dossier: TestDossier) -> None:
    whole = dossier.parts[PAGE]
    answer = begin(dossier)
    assert (answer.status_code, offset(answer)) == (201, 0)
    assert answer.headers["Location"] == dossier.part_path(PAGE)
    assert offset(add(dossier, 0, whole[:1000])) == 1000
    asked = dossier.kiosk.tus("HEAD", dossier.part_path(PAGE))
    assert (offset(asked), asked.headers["Upload-Length"]) == (1000, str(len(whole)))
    assert asked.headers["Cache-Control"] == "no-store"
    assert PAGE in dossier.state()["missing"]
    answer = add(dossier, 1000, whole[1000:])
    assert (answer.status_code, offset(answer)) == (204, len(whole))
    assert PAGE not in dossier.state()["missing"]


def test_the_first_piece_may_come_with_the_creation(dossier: TestDossier) -> None:
    whole = dossier.parts[PAGE]
    assert offset(begin(dossier, whole[:70_000])) == 70_000
    assert offset(begin(dossier, whole[:70_000])) == 70_000  # the same again
    assert offset(add(dossier, 70_000, whole[70_000:])) == len(whole)


def test_a_whole_part_is_not_taken_again(dossier: TestDossier) -> None:
    whole = dossier.parts[PAGE]
    assert offset(begin(dossier, whole)) == len(whole)
    assert offset(begin(dossier, whole)) == len(whole)
    assert standing(dossier) == len(whole)
    assert offset(add(dossier, len(whole), b"")) == len(whole)
    assert problem(add(dossier, 0, b"x")) == (409, "intake.conflict")


@pytest.mark.parametrize("wrong", [0, 4, 6, 10**9])
def test_a_piece_goes_only_where_the_last_one_ended(dossier: TestDossier, wrong: int) -> None:
    begin(dossier, dossier.parts[PAGE][:5])
    answer = add(dossier, wrong, b"other")
    assert problem(answer) == (409, "intake.conflict")
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert standing(dossier) == 5


def test_what_the_manifest_names_stands_at_nothing_before_it_is_begun(dossier: TestDossier) -> None:
    assert standing(dossier) == 0
    assert offset(add(dossier, 0, b"x")) == 1
    answer = dossier.kiosk.tus("HEAD", f"{dossier.path}/parts/other.jpg")
    assert (answer.status_code, answer.headers["Tus-Resumable"]) == (404, "1.0.0")


def test_another_length_than_announced_is_refused(dossier: TestDossier) -> None:
    answer = begin(dossier, Upload_Length=7)
    assert problem(answer) == (422, "intake.digest-mismatch")


@pytest.mark.parametrize("change", [b"\0", b"\0" * 70_000])
def test_other_bytes_than_announced_are_refused_and_forgotten(
    dossier: TestDossier, change: bytes
) -> None:
    whole = dossier.parts[PAGE]
    begin(dossier)
    answer = add(dossier, 0, change + whole[len(change) :])
    assert problem(answer) == (422, "intake.digest-mismatch")
    assert PAGE in dossier.state()["missing"]
    assert offset(begin(dossier, whole)) == len(whole)
    assert PAGE not in dossier.state()["missing"]


def test_more_bytes_than_announced_are_refused(dossier: TestDossier) -> None:
    whole = dossier.parts[PAGE]
    begin(dossier)
    assert problem(add(dossier, 0, whole + b"x")) == (422, "intake.digest-mismatch")
    assert standing(dossier) <= len(whole)
    assert PAGE in dossier.state()["missing"]


@pytest.mark.parametrize(
    "headers",
    [{"Upload_Offset": "-1"}, {"Upload_Offset": "5x"}, {"Content_Type": "text/plain"}],
)
def test_malformed_pieces_are_bad_requests(dossier: TestDossier, headers: dict[str, str]) -> None:
    begin(dossier)
    values: dict[str, object] = {"Upload_Offset": "0"} | headers
    answer = dossier.kiosk.tus("PATCH", dossier.part_path(PAGE), b"x", signed_offset=0, **values)
    assert problem(answer) == (400, "intake.bad-request")


def test_another_version_of_the_protocol_is_not_spoken(dossier: TestDossier) -> None:
    answer = begin(dossier, Tus_Resumable="0.2.2")
    assert problem(answer) == (412, "intake.bad-request")
    assert answer.headers["Tus-Version"] == "1.0.0"


def test_abilities_are_told_to_anybody(dossier: TestDossier) -> None:
    url = dossier.kiosk.portal.address + dossier.part_path(PAGE)
    answer = requests.options(url, timeout=10)
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Extension"] == "creation,creation-with-upload"
    assert answer.headers["Tus-Max-Size"] == str(MAX_PART)


def test_the_signature_covers_where_a_piece_goes(dossier: TestDossier) -> None:
    begin(dossier)
    answer = add(dossier, 0, b"x", signed_offset=5)
    assert problem(answer) == (401, "intake.bad-signature")
    assert standing(dossier) == 0


def test_a_stranger_begins_nothing(dossier: TestDossier, other_kiosk: TestKiosk) -> None:
    path = dossier.part_path(PAGE)
    for method in ("POST", "PATCH"):
        answer = other_kiosk.tus(method, path, b"x", Upload_Length=5, signed_offset=0)
        assert answer.status_code in (400, 404)
    stranger = TestKiosk(dossier.kiosk.portal, "kiosk-09")
    answer = stranger.tus("POST", path, b"x", Upload_Length=5)
    assert problem(answer) == (401, "intake.not-enrolled")


def test_pieces_raced_by_two_requests_go_in_once(dossier: TestDossier) -> None:
    whole = dossier.parts[PAGE]
    begin(dossier)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: add(dossier, 0, whole), range(8)))
    assert {answer.status_code for answer in answers} <= {204, 409}
    assert PAGE not in dossier.state()["missing"]
    assert kept(dossier) == whole


def cut_off(dossier: TestDossier, sent: int) -> socket.socket:
    """The head of a request for the whole part, and only its first bytes."""
    kiosk, path, date = dossier.kiosk, dossier.part_path(PAGE), datetime.now(UTC).isoformat()
    signed = signatures.sign(
        kiosk.key, signatures.REQUEST, stream_statement("PATCH", path, date, 0)
    )
    address = urlsplit(kiosk.portal.address)
    head = (
        f"PATCH {path} HTTP/1.1\r\nHost: {address.netloc}\r\nTus-Resumable: 1.0.0\r\n"
        "Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n"
        f"Content-Length: {len(dossier.parts[PAGE])}\r\nKiosk-Id: {kiosk.name}\r\n"
        f"Kiosk-Date: {date}\r\nKiosk-Signature: {base64.b64encode(signed).decode()}\r\n\r\n"
    )
    line = socket.create_connection((address.hostname, address.port))
    line.sendall(head.encode() + dossier.parts[PAGE][:sent])
    return line


def until_standing(dossier: TestDossier, wanted: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if standing(dossier) == wanted:
            return
    pytest.fail(f"never stood at {wanted}")


def test_what_arrived_before_a_cut_is_kept(dossier: TestDossier) -> None:
    begin(dossier)
    with cut_off(dossier, 9_000):
        until_standing(dossier, 9_000)
    assert offset(add(dossier, 9_000, dossier.parts[PAGE][9_000:])) == len(dossier.parts[PAGE])


def test_a_connection_that_hangs_does_not_hold_up_another(dossier: TestDossier) -> None:
    begin(dossier)
    with cut_off(dossier, 9_000) as hanging:
        until_standing(dossier, 9_000)  # while the piece is still under way
        whole = dossier.parts[PAGE]
        assert offset(add(dossier, 9_000, whole[9_000:50_000])) == 50_000
        hanging.sendall(whole[9_000:20_000])  # late, and no longer where the part ends
        assert hanging.recv(100).startswith(b"HTTP/1.1 409")
        assert offset(add(dossier, 50_000, whole[50_000:])) == len(whole)
    assert PAGE not in dossier.state()["missing"]


def test_a_restart_goes_on_where_it_stood(portal: RunningPortal, dossier: TestDossier) -> None:
    begin(dossier, dossier.parts[PAGE][:1234])
    portal.restart()
    assert standing(dossier) == 1234


@pytest.mark.parametrize("step", ["finish", "keep_part"])
def test_a_crash_after_the_last_byte_is_made_good(
    portal: RunningPortal, dossier: TestDossier, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    whole = dossier.parts[PAGE]

    def crash(*_: object) -> bool:
        raise OSError(5, "as if the power went")

    monkeypatch.setattr(Intake if step == "keep_part" else type(portal.inside.objects), step, crash)
    assert problem(begin(dossier, whole)) == (503, "intake.unavailable")
    monkeypatch.undo()
    portal.restart()
    assert PAGE in dossier.state()["missing"]
    assert standing(dossier) == len(whole)
    assert PAGE not in dossier.state()["missing"]
    assert kept(dossier) == whole


def test_a_part_may_go_on_at_another_process(processes: PortalProcesses) -> None:
    kiosk = TestKiosk(processes, "kiosk-01")
    assert kiosk.enrol().status_code == 200
    dossier = kiosk.dossier(contents={PAGE: bytes(range(256)) * 1000})
    dossier.put()
    whole, at = dossier.parts[PAGE], offset(begin(dossier))
    for end in (10_000, 60_000, 61_000, len(whole)):  # each at the next process
        at = offset(add(dossier, at, whole[at:end]))
    for name in dossier.parts:
        assert dossier.send_part(name).status_code == 201
    assert dossier.commit().status_code == 200


def test_old_uploads_are_removed_by_whoever_comes_by(
    portal: RunningPortal, dossier: TestDossier, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    monkeypatch.setattr(portal.inside.objects, "expire", asked.append)
    begin(dossier)
    begin(dossier)
    assert asked == [KEPT_DAYS * 86_400]


def test_a_slow_piece_is_stored_while_it_comes() -> None:
    """In lots: each when it is old enough or large enough, the rest at the end."""

    async def slow() -> AsyncIterator[bytes]:
        yield b"a" * LOT
        yield b"b"
        yield b"c"
        await stored.wait()  # nothing more comes until what came is stored
        yield b"d"

    async def gather() -> list[bytes]:
        lots = []
        async for lot in _lots(slow()):
            lots.append(lot)
            if lot == b"bc":
                stored.set()
        return lots

    stored = asyncio.Event()
    assert asyncio.run(asyncio.wait_for(gather(), 30)) == [b"a" * LOT, b"bc", b"d"]


def kept(dossier: TestDossier) -> bytes:
    objects = dossier.kiosk.portal.inside.objects
    return objects.get(part_key(str(dossier.id), PAGE))
