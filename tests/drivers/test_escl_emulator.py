"""The emulated scanner speaks eSCL to any client, and its handle works it from outside."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from drivers.contract import Fault
from drivers.emulators.escl import EsclScanner
from drivers.escl_status import ask_escl
from tests.drivers.image_devices import difference, encoded, page

NS = 'xmlns:scan="http://schemas.hp.com/imaging/escl/2011/05/03" xmlns:pwg="http://www.pwg.org/schemas/2010/12/sm"'


@pytest.fixture(scope="module")
def emulator() -> Iterator[EsclScanner]:
    with EsclScanner() as scanner:
        yield scanner


@pytest.fixture
def scanner(emulator: EsclScanner) -> EsclScanner:
    emulator.repair()
    emulator.load([encoded(page(1)), encoded(page(2))])
    return emulator


def order(scanner: EsclScanner, **settings: Any) -> requests.Response:
    wanted = {"XOffset": 0, "YOffset": 0, "Width": 2480, "Height": 3508, "InputSource": "Feeder"}
    wanted |= {"ColorMode": "RGB24", "XResolution": 100, "YResolution": 100} | settings
    fields = "".join(f"<pwg:{name}>{value}</pwg:{name}>" for name, value in wanted.items())
    body = f"<scan:ScanSettings {NS}>{fields}</scan:ScanSettings>"
    return requests.post(f"{scanner.url}/ScanJobs", data=body, timeout=10)


def fetch(scanner: EsclScanner, job: requests.Response) -> requests.Response:
    host = scanner.url.removesuffix("/eSCL")
    return requests.get(f"{host}{job.headers['Location']}/NextDocument", timeout=10)


def work(scanner: EsclScanner, action: str, **arguments: Any) -> requests.Response:
    return requests.post(f"{scanner.control_url}/{action}", json=arguments, timeout=10)


def test_the_asked_region_is_cut_from_the_page(scanner: EsclScanner) -> None:
    answer = fetch(scanner, order(scanner, XOffset=300, YOffset=600, Width=900, Height=1200))
    image = Image.open(io.BytesIO(answer.content))
    assert (image.format, image.size, image.info["dpi"]) == ("JPEG", (300, 400), (100, 100))
    assert difference(np.asarray(image), page(1).crop((100, 200, 400, 600))) < 4


def test_a_job_ends_when_the_feeder_is_empty(scanner: EsclScanner) -> None:
    job = order(scanner)
    assert [fetch(scanner, job).status_code for _ in range(3)] == [200, 200, 404]
    assert ask_escl(scanner.url, feeder=True).fault is Fault.SCANNER_EMPTY
    assert ask_escl(scanner.url, feeder=False).fault is None
    assert order(scanner).status_code == 409


def test_a_cancelled_job_gives_no_more_sheets(scanner: EsclScanner) -> None:
    job = order(scanner)
    fetch(scanner, job)
    host = scanner.url.removesuffix("/eSCL")
    assert requests.delete(f"{host}{job.headers['Location']}", timeout=10).status_code == 200
    assert fetch(scanner, job).status_code == 404
    assert scanner.state.sheets_waiting == 1


def test_a_jammed_sheet_is_laid_back_by_repair(scanner: EsclScanner) -> None:
    assert work(scanner, "set", fault_on_page=2).ok
    job = order(scanner)
    assert [fetch(scanner, job).status_code for _ in range(2)] == [200, 409]
    assert ask_escl(scanner.url, feeder=True).fault is Fault.SCANNER_JAM
    assert work(scanner, "repair").json()["sheets_waiting"] == 1
    assert fetch(scanner, order(scanner)).status_code == 200


def test_paper_is_put_in_from_outside(scanner: EsclScanner, tmp_path: Path) -> None:
    landscape = tmp_path / "card.png"
    landscape.write_bytes(encoded(Image.new("RGB", (1200, 600), (10, 120, 60))))
    assert work(scanner, "set", adf="empty").ok
    assert work(scanner, "load", pages=[str(landscape)]).json()["adf"] == "loaded"
    image = np.asarray(Image.open(io.BytesIO(fetch(scanner, order(scanner)).content)))
    # Its shape is kept: as wide as the bed, white below.
    assert np.allclose(image[200, 413], (10, 120, 60), atol=4)
    assert np.allclose(image[800, 413], (255, 255, 255), atol=4)


def test_the_glass_is_white_when_nothing_lies_on_it(scanner: EsclScanner) -> None:
    scanner._on_glass = None
    scanner.load([])
    answer = fetch(scanner, order(scanner, InputSource="Platen", ColorMode="Grayscale8"))
    image = Image.open(io.BytesIO(answer.content))
    assert (image.mode, image.getextrema()) == ("L", (255, 255))


@pytest.mark.parametrize("path", ["missing.png", "text.png", "cut.png"])
def test_what_is_no_page_is_refused_and_nothing_changes(
    scanner: EsclScanner, tmp_path: Path, path: str
) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(encoded(page(1))[:2000])
    assert work(scanner, "load", pages=[str(tmp_path / path)]).status_code == 400
    assert scanner.state.sheets_waiting == 2


@pytest.mark.parametrize("changes", [{"adf": "on fire"}, {"fault": "gone"}, {"colour": 1}])
def test_a_fault_that_there_is_not_is_refused(
    scanner: EsclScanner, changes: dict[str, Any]
) -> None:
    before = vars(scanner.state).copy()
    assert work(scanner, "set", **changes).status_code == 400
    assert vars(scanner.state) == before


def test_a_dead_scanner_comes_back_on_its_port(scanner: EsclScanner) -> None:
    url = scanner.url
    assert work(scanner, "die").ok
    assert ask_escl(url, feeder=True).fault is Fault.SCANNER_ABSENT
    assert work(scanner, "repair").ok
    assert scanner.url == url
    assert ask_escl(url, feeder=True).fault is None


def test_another_emulator_can_take_the_port_of_a_closed_one() -> None:
    with EsclScanner() as first:
        port = first._port
    with EsclScanner(port=port) as second:
        assert second.url == f"http://127.0.0.1:{port}/eSCL"
        assert ask_escl(second.url, feeder=True).fault is Fault.SCANNER_EMPTY
