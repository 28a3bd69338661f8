"""The kiosk's own client and the portal understand each other."""

from __future__ import annotations

import base64

import pytest

from kiosk.portal import enrolment
from kiosk.portal.times import this_year
from offline_queue import signatures
from offline_queue.errors import QueueError
from offline_queue.intake import LeaseRequest, Problem, SignedManifest
from offline_queue.transport import IntakeClient
from tests.kiosk.portal.line import RunningPortal, TestKiosk


def test_the_uploads_of_a_kiosk(portal: RunningPortal) -> None:
    kiosk = TestKiosk(portal, "kiosk-01")
    client = IntakeClient(portal.address, kiosk.name, kiosk.key)
    code = enrolment.add_code(portal.settings.enrolment_codes_file, kiosk.name)
    answer = client.enrol(code)
    assert client.enrol(code) == answer
    kiosk.keys = answer.model_dump()
    dossier = kiosk.dossier()
    assert client.state(dossier.id) is None
    manifest = dossier.manifest.encode()
    signature = signatures.sign(kiosk.key, signatures.MANIFEST, manifest)
    signed = SignedManifest(
        manifest=manifest.decode(), signature=base64.b64encode(signature).decode()
    )
    assert client.put_manifest(dossier.id, signed).state == "receiving"
    with pytest.raises(QueueError) as caught:
        client.commit(dossier.id)
    assert caught.value.detail == Problem.INCOMPLETE
    for name, data in dossier.parts.items():
        client.send_part(dossier.id, name, data)
    assert client.commit(dossier.id) == client.commit(dossier.id)
    state = client.state(dossier.id)
    assert state is not None
    assert (state.state, state.processing) == ("accepted", 1)
    assert client.copy(dossier.id) is None


def test_what_else_a_kiosk_asks_for(portal: RunningPortal, kiosk: TestKiosk) -> None:
    client = IntakeClient(portal.address, kiosk.name, kiosk.key)
    (portal.settings.trust_dir / "bundle.cose").write_bytes(b"bundle")
    (portal.settings.trust_dir / "policy.cose").write_bytes(b"policy")
    assert (client.trust_bundle(), client.policy()) == (b"bundle", b"policy")
    lease = client.lease(LeaseRequest(kind="dossier", year=this_year(), count=20))
    assert (lease.first, lease.last) == (1, 20)
    client.call_staff("device.scanner.jam")
    assert client.health() is not None
