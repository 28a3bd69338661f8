"""The portal gives packs out, and goes by them itself."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec

from certify import cose, packs
from certify.errors import CertifyError
from certify.trust import NamedPack, Policy, sign_policy
from kiosk.commands.portal_packs import pack as command
from kiosk.failures import KioskError
from kiosk.portal.catalogue import Catalogue
from kiosk.portal.trust import ANCHOR, POLICY
from offline_queue.signatures import public_pem
from tests.kiosk.packed import BUILT_IN, pack, procedure
from tests.kiosk.portal.line import RunningPortal, TestKiosk
from tests.kiosk.portal.test_kiosk_calls import problem

KEY = ec.generate_private_key(ec.SECP256R1())


def name_in_policy(folder: Path, *named: NamedPack) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    policy = Policy(
        serial=1,
        issued=at,
        expires=at,
        modes=frozenset(),
        thresholds={},
        post_check_papers=frozenset(),
        post_check_inspect_days=1,
        procedure_packs=named,
    )
    (folder / ANCHOR).write_text(public_pem(KEY.public_key()))
    kid = cose.key_id(KEY.public_key())
    (folder / POLICY).write_bytes(sign_policy(policy, cose.software_signer(KEY), kid))


def publish(folder: Path, *given: tuple[bytes, NamedPack]) -> None:
    for data, named in given:
        (folder / packs.file_name(named.sha256)).write_bytes(data)
    name_in_policy(folder, *(named for _, named in given))


def test_a_kiosk_is_given_the_file(portal: RunningPortal, kiosk: TestKiosk) -> None:
    data, named = pack({"marriage": procedure("marriage")})
    path = f"/v1/packs/{named.sha256}"
    assert problem(kiosk.call("GET", path)) == (404, "intake.not-found")
    publish(portal.settings.trust_dir, (data, named))
    answer = kiosk.call("GET", path)
    assert (answer.content, answer.headers["Content-Type"]) == (data, "application/cbor")


@pytest.mark.parametrize("name", ["policy", "0" * 63, "..anchor", "A" * 64])
def test_other_names_are_refused(kiosk: TestKiosk, name: str) -> None:
    answer = kiosk.call("GET", f"/v1/packs/{name}")
    assert problem(answer) == (400, "intake.bad-request")


def test_the_catalogue_follows_the_policy(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    assert catalogue.procedure("marriage").title == "marriage"
    first = pack({"marriage": procedure("marriage", title="Xác nhận hôn nhân")})
    publish(tmp_path, first)
    assert catalogue.procedure("marriage").title == "Xác nhận hôn nhân"
    assert catalogue.procedure("certified-copy").code == "2.000815"
    later = pack({"marriage": procedure("marriage")}, version=2, effective=date(2099, 1, 1))
    publish(tmp_path, first, later)
    assert catalogue.procedure("1.004873").title == "Xác nhận hôn nhân"
    gone = pack({}, version=3, withdrawn=("marriage",), effective=date(2026, 2, 1))
    publish(tmp_path, first, gone)
    assert catalogue.procedure("marriage").title == "Xác nhận hôn nhân"  # still under way


def test_what_is_damaged_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    good = pack({"marriage": procedure("marriage"), "bad": "[words", "worse": "words = 1"})
    missing = pack({"land": procedure("land")}, name="land")
    publish(tmp_path, good, missing)
    (tmp_path / packs.file_name(missing[1].sha256)).write_bytes(b"other")
    catalogue = Catalogue(tmp_path)
    assert catalogue.procedure("marriage").code == "1.004873"
    assert catalogue.procedure("land").title == "land"
    for told in ("civil-status/bad", "civil-status/worse", "certify.pack-invalid: land"):
        assert told in caplog.text
    publish(tmp_path, good, missing)
    assert catalogue.procedure("land").code == "1.004873"
    (tmp_path / POLICY).write_bytes(b"\xd2no policy")
    assert Catalogue(tmp_path).procedure("marriage").title == "marriage"


def run(folder: Path, *more: str) -> str:
    options = ["--name", "civil-status", "--version", "2", "--from", "2026-12-01"]
    arguments = [str(folder), *options, "--out", str(folder / "out"), *more]
    result = CliRunner().invoke(command, arguments)
    if isinstance(result.exception, KioskError | CertifyError):
        raise result.exception
    return result.output


def test_a_folder_becomes_a_pack(tmp_path: Path) -> None:
    text = procedure("marriage")
    (tmp_path / "any-name.toml").write_text(text, "utf-8")
    (tmp_path / "notes.txt").write_text("not a procedure")
    printed = run(tmp_path, "--withdraw", "birth")
    found = re.fullmatch(r"civil-status 2026-12-01 ([0-9a-f]{64})\n", printed)
    assert found
    data = (tmp_path / "out" / f"{found[1]}.pack").read_bytes()
    expected = packs.Pack(
        "civil-status", 2, date(2026, 12, 1), {"marriage": text}, frozenset({"birth"})
    )
    assert packs.decode(data) == expected
    assert run(tmp_path, "--withdraw", "birth") == printed  # the same in, the same out


@pytest.mark.parametrize(
    ("texts", "more", "told"),
    [
        ([BUILT_IN.replace('"face", ', '"dance", ')], (), "0.toml: steps: unknown"),
        ([BUILT_IN, BUILT_IN], (), "1.toml: id: certified-copy stands in another file"),
        ([BUILT_IN], ("--withdraw", "certified-copy"), "both given and withdrawn"),
        ([BUILT_IN], ("--withdraw", "../x"), "a name may have"),
        ([BUILT_IN], ("--name", "../x"), "a name may have"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(
    tmp_path: Path, texts: list[str], more: tuple[str, ...], told: str
) -> None:
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.toml").write_text(text, "utf-8")
    with pytest.raises((KioskError, CertifyError)) as caught:
        run(tmp_path, *more)
    assert told in caught.value.detail
    assert not (tmp_path / "out").exists()
