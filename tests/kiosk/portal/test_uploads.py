"""Parts by tus 1.0.0 on a real server: what has arrived is kept, and only what was announced."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from kiosk.portal.admission import Admission
from kiosk.portal.errors import RefusedError
from kiosk.portal.uploads import FileParts
from offline_queue import signatures
from offline_queue.intake import MAX_PART, stream_statement
from tests.kiosk.portal.line import RunningPortal, TestDossier, TestKiosk, problem

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


def test_what_was_not_begun_is_not_found(dossier: TestDossier) -> None:
    answer = dossier.kiosk.tus("HEAD", dossier.part_path(PAGE))
    assert (answer.status_code, answer.headers["Tus-Resumable"]) == (404, "1.0.0")
    assert problem(add(dossier, 0, b"x")) == (404, "intake.not-found")


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
    assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")


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
    kept = dossier.kiosk.portal.settings.state / "dossiers" / str(dossier.id) / PAGE
    assert kept.read_bytes() == whole


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
    for _ in range(200):
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


@pytest.mark.parametrize("step", ["finish", "keep"])
def test_a_crash_after_the_last_byte_is_made_good(
    portal: RunningPortal, dossier: TestDossier, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    whole = dossier.parts[PAGE]

    async def crash(*_: object) -> str:
        raise OSError(5, "as if the power went")

    monkeypatch.setattr(FileParts, step, crash)
    assert problem(begin(dossier, whole)) == (503, "intake.unavailable")
    monkeypatch.undo()
    portal.restart()
    assert PAGE in dossier.state()["missing"]
    assert standing(dossier) == len(whole)
    assert PAGE not in dossier.state()["missing"]
    kept = portal.settings.state / "dossiers" / str(dossier.id) / PAGE
    assert kept.read_bytes() == whole


async def blocks(*data: bytes) -> AsyncIterator[bytes]:
    for block in data:
        yield block


def test_what_is_told_was_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = FileParts(tmp_path)
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.fstat(fd).st_size), real(fd))[1])
    assert asyncio.run(parts.append("d/p", 0, blocks(b"ab", b"cd"))) == 4
    assert synced[-1] == 4
    synced.clear()
    assert asyncio.run(parts.size("d/p")) == 4
    assert synced == [4]


def test_a_disk_that_fills_keeps_what_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = FileParts(tmp_path)
    real = os.pwrite

    def narrow(fd: int, data: memoryview, offset: int) -> int:
        if offset >= 6:
            raise OSError(28, "No space left on device")
        return real(fd, data[:3], offset)

    monkeypatch.setattr(os, "pwrite", narrow)
    with pytest.raises(OSError, match="No space"):
        asyncio.run(parts.append("d/p", 0, blocks(b"abcdefghi")))
    monkeypatch.undo()
    assert asyncio.run(parts.size("d/p")) == 6
    assert asyncio.run(parts.append("d/p", 6, blocks(b"ghi"))) == 9
    assert asyncio.run(parts.finish("d/p")) == hashlib.sha256(b"abcdefghi").hexdigest()
    asyncio.run(parts.keep("d/p"))
    asyncio.run(parts.keep("d/p"))  # another request, a moment later
    assert asyncio.run(parts.size("d/p")) == 9
    assert (tmp_path / "dossiers" / "d" / "p").read_bytes() == b"abcdefghi"


def test_two_writers_in_two_processes_do_not_mix(tmp_path: Path) -> None:
    one, other = FileParts(tmp_path), FileParts(tmp_path)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"aaa"
        await other.append("d/p", 3, blocks(b"bbb"))
        yield b"ccc"

    with pytest.raises(RefusedError) as caught:
        asyncio.run(one.append("d/p", 0, slowly()))
    assert caught.value.code == "intake.conflict"
    assert asyncio.run(one.size("d/p")) == 6


def test_what_nobody_went_on_with_is_removed(tmp_path: Path) -> None:
    parts = FileParts(tmp_path)
    for key in ("d/old", "d/new"):
        asyncio.run(parts.append(key, 0, blocks(b"x")))
    os.utime(tmp_path / "uploads" / "d.old", (0, 0))
    asyncio.run(parts.expire(3600))
    assert asyncio.run(parts.size("d/old")) is None
    assert asyncio.run(parts.size("d/new")) == 1


def test_a_portal_removes_old_uploads_by_itself(
    portal: RunningPortal, dossier: TestDossier
) -> None:
    old = portal.settings.state / "uploads" / "nobody.part"
    old.write_bytes(b"x")
    os.utime(old, (0, 0))
    begin(dossier)
    assert not old.exists()


class HandClock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_those_who_are_too_many_get_a_moment_of_their_own() -> None:
    clock = HandClock()
    admission = Admission(5.0, clock)
    assert [admission.enter(name) for name in "abc"] == [0, 0, 0]  # as given away in a second
    waits = {name: admission.enter(name) for name in "defg"}
    assert list(waits.values()) == sorted(waits.values())
    assert min(waits.values()) >= 1
    assert admission.enter("g") == waits["g"]  # asking again wins nothing and loses nothing
    clock.now += waits["g"]
    assert admission.enter("g") == 0


def test_who_delivers_while_others_wait_is_told_when_to_come_next() -> None:
    clock = HandClock()
    admission = Admission(1.0, clock)
    assert admission.next_after("a") == 0
    while not admission.enter("b"):
        pass
    wait = admission.next_after("a")
    assert wait >= 1
    clock.now += wait
    assert admission.enter("a") == 0


def test_no_rate_is_no_limit() -> None:
    admission = Admission(0.0)
    assert not any(admission.enter("a") or admission.next_after("a") for _ in range(1000))


def test_a_kiosk_that_is_sent_away_is_told_when(
    portal: RunningPortal, kiosk: TestKiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = kiosk.dossier()
    monkeypatch.setattr(Admission, "enter", lambda *_: 7)
    answer = waiting.put()
    assert problem(answer) == (503, "intake.unavailable")
    assert answer.headers["Retry-After"] == "7"
    monkeypatch.undo()
    assert waiting.put().status_code == 200
    monkeypatch.setattr(Admission, "enter", lambda *_: 7)
    monkeypatch.setattr(Admission, "next_after", lambda *_: 9)
    waiting.upload()  # what was begun may be ended
    assert waiting.commit().headers["Retry-After"] == "9"
