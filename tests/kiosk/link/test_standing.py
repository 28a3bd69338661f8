"""Who this kiosk is to the portal: revoked, forgotten, enrolled anew; and what is kept up."""

from __future__ import annotations

import pytest

from kiosk.failures import Fault, KioskError
from kiosk.link import messages, verbs
from kiosk.link.client import LinkClient
from kiosk.link.portal_client import PortalClient
from offline_queue.errors import Fault as QueueFault
from offline_queue.errors import QueueError
from offline_queue.intake import EnrolAnswer
from tests.kiosk.link.office import Office, delivered, run, standing_is
from tests.kiosk.link.place import until, until_answered


def test_a_revoked_kiosk_says_so_and_a_fresh_code_brings_it_back(office: Office) -> None:
    async def story(link: LinkClient) -> None:
        key = (office.settings.site.state / "link" / "device.key").read_bytes()
        office.devices.revoke("kiosk-01")
        with pytest.raises(KioskError) as caught:
            await link.call(verbs.CALL_STAFF, messages.StaffRequest(reason="help"))
        assert caught.value.code == Fault.LINK_REVOKED
        dossier = office.lock()  # the citizen does not notice
        await until_answered(lambda: standing_is(link, Fault.LINK_REVOKED))
        office.fresh_code()
        await until_answered(lambda: standing_is(link, ""))
        await until_answered(lambda: delivered(office))
        request = messages.SubmitRequest(dossier_id=str(dossier))
        assert (await link.call(verbs.SUBMIT, request)).state == "accepted"
        await link.call(verbs.CALL_STAFF, messages.StaffRequest(reason="help"))
        assert (office.settings.site.state / "link" / "device.key").read_bytes() != key

    run(office, story)


@pytest.mark.parametrize("lost", ["the code did not arrive", "the answer did not"])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_line_that_goes_while_a_kiosk_enrols_anew_burns_no_code(
    office: Office, monkeypatch: pytest.MonkeyPatch, lost: str, restarted: bool
) -> None:
    real, tries = PortalClient.enrol, []

    def in_vain(self: PortalClient, one_time_code: str, csr: str) -> EnrolAnswer:
        if lost == "the answer did not":
            real(self, one_time_code, csr)
        tries.append(one_time_code)
        raise QueueError(QueueFault.UNREACHABLE, retryable=True)

    async def revoked(link: LinkClient) -> None:
        office.devices.revoke("kiosk-01")
        await until_answered(lambda: standing_is(link, Fault.LINK_REVOKED))
        monkeypatch.setattr(PortalClient, "enrol", in_vain)
        office.fresh_code()
        await until(lambda: len(tries) > 1)
        if not restarted:
            await mended(link)

    async def mended(link: LinkClient) -> None:
        monkeypatch.setattr(PortalClient, "enrol", real)
        dossier = office.lock()
        await until_answered(lambda: delivered(office))
        request = messages.SubmitRequest(dossier_id=str(dossier))
        assert (await link.call(verbs.SUBMIT, request)).state == "accepted"
        await until_answered(lambda: standing_is(link, ""))
        assert not (office.settings.site.state / "link" / "device.key.new").exists()

    run(office, revoked)
    if restarted:
        run(office, mended)


def test_a_portal_that_lost_its_memory_of_a_kiosk_takes_a_fresh_code(office: Office) -> None:
    """Its database was restored from before the kiosk was enrolled."""

    async def story(link: LinkClient) -> None:
        with office.inside.store.transaction() as db:
            for table in ("leases", "heartbeats", "kiosks"):
                db.execute(f"DELETE FROM {table}")
        await until_answered(lambda: standing_is(link, Fault.LINK_REVOKED))
        office.lock()
        office.fresh_code()
        await until_answered(lambda: delivered(office))
        await until_answered(lambda: standing_is(link, ""))

    run(office, story)


@pytest.mark.parametrize("trust", ["not published", "damaged"])
def test_a_chore_that_fails_keeps_no_other_from_being_done(office: Office, trust: str) -> None:
    bundle = office.folder / "trust" / "bundle.cose"
    bundle.unlink() if trust == "not published" else bundle.write_bytes(b"damaged")

    def beats() -> bool:
        return bool(office.inside.store.rows("SELECT * FROM heartbeats"))

    async def story(link: LinkClient) -> None:  # begins once numbers are in stock
        await until(beats)
        with pytest.raises(KioskError):
            await link.call(verbs.TRUST, messages.Empty())
        assert (await link.call(verbs.STATUS, messages.Empty())).online

    run(office, story)


def test_link_knows_whether_an_officer_is_there(office: Office) -> None:
    """As long as the line holds; after that nobody knows."""

    async def attended(link: LinkClient) -> bool | None:
        return (await link.call(verbs.STATUS, messages.Empty())).attended

    async def story(link: LinkClient) -> None:
        await until_answered(lambda: _is(link, False))
        office.portal.desk_secret("00" * 32)
        office.inside.offices.desks.beat("thu")
        await until_answered(lambda: _is(link, True))
        office.line.set("cut")
        await until_answered(lambda: _is(link, None))

    async def _is(link: LinkClient, wanted: bool | None) -> bool:
        return await attended(link) is wanted

    run(office, story)
