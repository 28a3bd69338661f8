"""A dossier that came on a stick is a dossier: same checks, same receipt, once."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import ec

from kiosk.__main__ import cli
from offline_queue import bundle, signatures
from offline_queue.export import export
from offline_queue.manifest import Manifest, Part, WrappedKey
from offline_queue.outbox import Outbox, State
from offline_queue.transport import IntakeClient
from offline_queue.uploader import Uploader
from tests.kiosk.portal.line import APPLICANT, TEXT, RunningPortal, TestDossier, TestKiosk
from tests.offline_queue.invented import manifest_of, new_id


def carried(dossier: TestDossier, folder: Path, key: ec.EllipticCurvePrivateKey) -> Path:
    manifest = dossier.manifest.encode()
    signature = signatures.sign(key, signatures.MANIFEST, manifest)
    file = folder / f"{dossier.id}{bundle.SUFFIX}"
    file.write_bytes(b"".join(bundle.pieces(manifest, signature, dossier.parts.__getitem__)))
    return file


@pytest.fixture
def settings(portal: RunningPortal, tmp_path: Path) -> Path:
    file = tmp_path / "portal.toml"
    values = portal.settings.model_dump(mode="json", exclude={"chain"}, exclude_none=True)
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()))
    return file


def bring(settings: Path, *bundles: Path) -> Result:
    arguments = ["portal", "import", "--settings", settings, *bundles]
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_a_bundle_is_accepted_while_the_server_runs(
    kiosk: TestKiosk, settings: Path, tmp_path: Path
) -> None:
    dossier = kiosk.dossier()
    told = bring(settings, carried(dossier, tmp_path, kiosk.key))
    assert told.exit_code == 0, told.output
    assert f"{dossier.id}.dossier: accepted, H26.15-261124-0001" in told.output
    state = dossier.state()
    assert (state["state"], state["processing"]) == ("accepted", 1)


def test_twice_on_a_stick_and_once_over_the_network_is_one_dossier(
    kiosk: TestKiosk, settings: Path, tmp_path: Path
) -> None:
    dossier = kiosk.dossier()
    file = carried(dossier, tmp_path, kiosk.key)
    assert bring(settings, file).exit_code == 0
    receipt = dossier.commit().json()
    assert bring(settings, file, file).exit_code == 0
    assert dossier.send() == receipt


def test_a_revoked_kiosk_is_not_let_in_by_the_back_door(
    portal: RunningPortal, kiosk: TestKiosk, settings: Path, tmp_path: Path
) -> None:
    dossier = kiosk.dossier()
    file = carried(dossier, tmp_path, kiosk.key)
    portal.inside.devices.revoke(kiosk.name)
    told = bring(settings, file)
    assert told.exit_code == 1
    assert "refused, intake.revoked" in told.output + told.stderr
    portal.inside.devices.readmit(kiosk.name)  # as a fresh code does
    assert bring(settings, file).exit_code == 0
    portal.inside.devices.revoke(kiosk.name)
    again = bring(settings, file)  # it was accepted before
    assert (again.exit_code, "accepted" in again.output) == (0, True)


def test_what_the_network_brought_in_part_is_completed(
    kiosk: TestKiosk, settings: Path, tmp_path: Path
) -> None:
    dossier = kiosk.dossier()
    dossier.put()
    dossier.send_part("answers.json")
    assert bring(settings, carried(dossier, tmp_path, kiosk.key)).exit_code == 0
    assert dossier.state()["state"] == "accepted"


def test_strangers_and_damage_are_refused_and_the_others_go_in(
    kiosk: TestKiosk, settings: Path, tmp_path: Path
) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    forged, damaged, good = (kiosk.dossier() for _ in range(3))
    files = [carried(d, tmp_path, k) for d, k in ((forged, stranger), (damaged, kiosk.key))]
    files[1].write_bytes(files[1].read_bytes()[:-1])
    told = bring(settings, *files, tmp_path / "none", carried(good, tmp_path, kiosk.key))
    assert told.exit_code == 1
    assert f"{forged.id}.dossier: refused, intake.bad-signature" in told.output
    assert f"{damaged.id}.dossier: refused, queue.damaged" in told.output
    assert "none: refused, No such file" in told.output
    assert good.state()["state"] == "accepted"
    assert damaged.state()["state"] == "receiving"
    assert kiosk.call("GET", forged.path).status_code == 404


def manifest(kiosk: str, dossier: UUID, key: WrappedKey, parts: tuple[Part, ...]) -> Manifest:
    pages = tuple(part for part in parts if part.name.startswith("page-"))
    made = manifest_of(dossier, key, pages)
    return made.model_copy(update={"kiosk_id": kiosk, "parts": parts})


@pytest.mark.parametrize("state", [State.LOCKED, State.SENDING, State.UNKNOWN])
def test_the_kiosk_learns_of_it_and_erases(
    portal: RunningPortal, kiosk: TestKiosk, settings: Path, tmp_path: Path, state: State
) -> None:
    outbox = Outbox(tmp_path / "outbox", machine_key=tmp_path / "key")
    outbox.set_portal_key(
        kiosk.keys["envelope_key_id"], base64.b64decode(kiosk.keys["envelope_key"])
    )
    dossier = new_id()
    outbox.new_draft(dossier, "certified-copy")
    for name, data in (
        ("answers.json", json.dumps({"applicant": APPLICANT, "answers": {"copies": 1}})),
        ("page-001.jpg", "page"),
        ("text.json", json.dumps(TEXT)),
    ):
        outbox.put_part(dossier, name, "application/octet-stream", data.encode())
    outbox.lock(dossier, partial(manifest, kiosk.name, dossier))
    locked = outbox.get(dossier).manifest or b""
    outbox.store_signature(dossier, signatures.sign(kiosk.key, signatures.MANIFEST, locked))
    if state is not State.LOCKED:
        outbox.begin(dossier)
    if state is State.UNKNOWN:
        outbox.mark_unknown(dossier)
    file = export(outbox, outbox.get(dossier), tmp_path)
    assert bring(settings, file).exit_code == 0
    client = IntakeClient(portal.address, kiosk.name, kiosk.key)
    receipt_key = signatures.load_public(kiosk.keys["receipt_key"])
    receipt_keys = {kiosk.keys["receipt_key_id"]: receipt_key}
    assert Uploader(outbox, client, kiosk.key, receipt_keys.get).step()
    entry = outbox.get(dossier)
    assert entry.state is State.ERASED
    assert entry.receipt is not None
    outbox.close()


def test_a_stick_that_turns_up_years_later_is_still_a_dossier_and_still_one(
    kiosk: TestKiosk, settings: Path, tmp_path: Path
) -> None:
    dossier = kiosk.dossier(locked_at=datetime(2019, 5, 6, tzinfo=UTC))
    file = carried(dossier, tmp_path, kiosk.key)
    assert [bring(settings, file).exit_code for _ in range(2)] == [0, 0]
    assert dossier.state()["state"] == "accepted"


def test_a_bundle_ends_with_the_device_key_that_signed_it(
    kiosk: TestKiosk, settings: Path, tmp_path: Path
) -> None:
    """After a revocation the kiosk has a new key: what the old one signed is worth nothing, and
    what link signs anew goes in."""
    dossier = kiosk.dossier()
    old = carried(dossier, tmp_path, kiosk.key)
    kiosk.key = ec.generate_private_key(ec.SECP256R1())
    assert kiosk.enrol().status_code == 200
    told = bring(settings, old)
    assert told.exit_code == 1
    assert "refused, intake.bad-signature" in told.output
    assert bring(settings, carried(dossier, tmp_path, kiosk.key)).exit_code == 0
