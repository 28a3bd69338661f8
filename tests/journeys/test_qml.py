"""The commands of the README, as a user runs them: real QML offscreen, artefacts on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from PIL import Image
from pyzbar import pyzbar

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.slow]


def kiosk(*arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_DATA_HOME": str(home)}
    environment.pop("DISPLAY", None)
    return subprocess.run(
        [sys.executable, "-m", "kiosk", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def demo(out: Path, *options: str | Path) -> tuple[int, dict[str, Any]]:
    done = kiosk("demo", "--headless", "--json", "--out", out, *options, home=out / "home")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def both_decoders(image: Image.Image) -> tuple[set[str], set[str]]:
    """What each decoder reads, QR codes only."""
    gray = image.convert("L")
    formats = zxingcpp.BarcodeFormat.QRCode
    first = {code.text for code in zxingcpp.read_barcodes(gray, formats=formats)}
    second = {
        code.data.decode() for code in pyzbar.decode(gray, symbols=[pyzbar.ZBarSymbol.QRCODE])
    }
    return first, second


def last_page(copy: Path) -> Image.Image:
    with pypdfium2.PdfDocument(copy) as pdf:
        return pdf[len(pdf) - 1].render(scale=200 / 72).to_pil()


def test_the_demo_makes_a_copy_that_stands_up(tmp_path: Path) -> None:
    code, result = demo(tmp_path)
    assert (code, result["ended"], result["accepted"]) == (0, "done", 1)
    copy = tmp_path / "certified-copy.pdf"
    signatures = subprocess.run(["pdfsig", copy], capture_output=True, text=True, check=False)
    assert signatures.stdout.count("Signature is Valid.") == 2
    assert kiosk("verify", copy, home=tmp_path / "home").returncode == 0
    seal = both_decoders(last_page(copy))
    assert seal[0] == seal[1]
    assert all(text.startswith("HTTPS://") for text in seal[0])
    receipt = both_decoders(Image.open(tmp_path / "receipt.png"))
    assert receipt[0] == receipt[1]
    assert any(result["code"] in text for text in receipt[0])
    text = subprocess.run(["pdftotext", copy, "-"], capture_output=True, text=True, check=True)
    assert "CHỨNG THỰC BẢN SAO ĐÚNG VỚI BẢN CHÍNH" in text.stdout
    assert "TRẦN THỊ MẪU" in text.stdout
    screens = sorted(file.name for file in (tmp_path / "screens").iterdir())
    assert len(screens) >= 11
    timeline = json.loads((tmp_path / "timeline.json").read_text())
    steps = [step["step"] for step in timeline["steps"]]
    assert steps == [
        "choose", "consent", "identify", "face", "scan", "review", "confirm", "issue",
    ]  # fmt: skip
    assert timeline["frames"]["p95"] > 0
    assert timeline["native_in_screen_process"] == []


def test_post_check(tmp_path: Path) -> None:
    code, result = demo(tmp_path, "--mode", "post-check")
    assert (code, result["accepted"]) == (0, 1)
    assert "inspect" in result["verdict"]
    assert kiosk("verify", tmp_path / "certified-copy.pdf", home=tmp_path / "home").returncode == 0


def test_portal_down(tmp_path: Path) -> None:
    code, result = demo(tmp_path, "--fault", "portal=down")
    assert (code, result["ended"], result["accepted"]) == (3, "done", 1)
    assert (tmp_path / "receipt.png").exists()
    assert not (tmp_path / "certified-copy.pdf").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["demo", "--headless", "--pages", "nowhere.png"], "nowhere.png"),
        (["demo", "--headless", "--fault", "roof=leaks"], "scanner=jam"),
        (["ocr", "nowhere.png"], "nowhere.png"),
        (["verify", "nowhere.pdf"], "nowhere.pdf"),
        (["read-code", "nowhere.png"], "nowhere.png"),
        (["compare-faces", "only-one.jpg"], "two photos"),
        (["run", "--settings", "nowhere.toml"], "nowhere.toml"),
        (["queue", "show", "not-a-uuid"], "UUID"),
    ],
)
def test_bad_input_is_told_and_exits_with_2(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    done = kiosk(*arguments, home=tmp_path)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_setting_is_told(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text("[site]\ncolour = 1\n")
    done = kiosk("run", "--settings", file, home=tmp_path)
    assert done.returncode == 2
    assert "site.colour" in done.stderr


def test_a_pdf_with_a_password_and_a_speck_are_refused(tmp_path: Path) -> None:
    plain, locked, speck = (tmp_path / name for name in ("a.pdf", "b.pdf", "c.png"))
    Image.new("RGB", (800, 1100), "white").save(plain)
    subprocess.run(
        ["qpdf", "--encrypt", "secret", "secret", "256", "--", plain, locked], check=True
    )
    Image.new("RGB", (1, 1)).save(speck)
    for page, code in ((locked, "certify.pdf-encrypted"), (speck, "certify.page-too-small")):
        done = kiosk("certify", page, "--out", tmp_path / "x.pdf", home=tmp_path)
        assert done.returncode == 2
        assert code in done.stderr
    assert not (tmp_path / "x.pdf").exists()


def test_a_specimen_from_files_verifies(tmp_path: Path) -> None:
    out = tmp_path / "screens"
    out.mkdir()
    page = out / "page.png"
    Image.new("RGB", (1240, 1754), "white").save(page)
    copy = tmp_path / "copy.pdf"
    assert kiosk("certify", page, "--out", copy, home=tmp_path).returncode == 0
    assert kiosk("verify", copy, home=tmp_path).returncode == 0
    copy.write_bytes(copy.read_bytes() + b"\n% more\n")
    assert kiosk("verify", copy, home=tmp_path).returncode == 1
