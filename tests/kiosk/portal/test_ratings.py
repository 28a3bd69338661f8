"""What people think of a procedure, on the page of figures."""

from __future__ import annotations

from uuid import uuid4

from kiosk.portal.accounts import Role
from kiosk.portal.times import now
from offline_queue.intake import Rating
from tests.kiosk.portal.line import RunningPortal, TestKiosk
from tests.kiosk.portal.people import logged_in


def test_ratings_are_shown_by_procedure(portal: RunningPortal, kiosk: TestKiosk) -> None:
    for stars in (5, 4, 4):
        rating = Rating(procedure="2.000815", stars=stars, at=now())
        portal.inside.services.rate(kiosk.name, uuid4(), rating)
    title = portal.inside.offices.catalogue.procedure("2.000815").title
    with logged_in(portal, "hoa", Role.CHIEF) as session:
        page = session.get(f"{portal.address}/statistics", timeout=10).text
    assert title in page
    assert "4,3 / 5" in page
