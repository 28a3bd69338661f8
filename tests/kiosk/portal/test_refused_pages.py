"""Whatever stands in an address, a person reads Vietnamese and a program problem+json."""

from __future__ import annotations

import pytest

from kiosk.portal.accounts import Role
from tests.kiosk.portal.line import RunningPortal
from tests.kiosk.portal.people import logged_in, send

BEFORE_AND_AFTER_ALL_DAYS = [
    "/statistics?last=0001-01-01",
    "/statistics?last=9999-12-31",
    "/statistics?first=9999-12-31&last=0001-01-01",
    "/statistics.csv?last=0001-01-01",
    "/statistics.csv?last=9999-12-31",
    f"/register?after={2**63 - 1}",
]
NO_NUMBERS = [
    "/register?year=99999999999999999999999",
    "/register?year=-1",
    "/register?after=99999999999999999999999",
    "/register?after=-99999999999999999999999",
    "/fleet?start=99999999999999999999999",
    "/statistics?first=abc",
]


def test_no_query_is_too_far_out(portal: RunningPortal) -> None:
    with logged_in(portal, "lan", Role.OFFICER) as session:
        for statuses, paths in ((200, BEFORE_AND_AFTER_ALL_DAYS), (400, NO_NUMBERS)):
            for path in paths:
                answer = session.get(f"{portal.address}{path}", timeout=10)
                assert answer.status_code == statuses, path


def test_the_days_of_an_export_are_in_bounds_too(portal: RunningPortal) -> None:
    page, url = f"{portal.address}/", f"{portal.address}/export"
    with logged_in(portal, "hoa", Role.CHIEF) as session:
        for day in ("0001-01-01", "9999-12-31"):
            assert send(session, page, url, first=day, last=day).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nonsense", 404, "Không có trang này."),
        ("/fonts/none.ttf", 404, "Không có trang này."),
        ("/statistics?first=abc", 400, "Cổng không hiểu điều vừa gửi."),
        ("/logout", 405, "Cổng không hiểu điều vừa gửi."),
        ("/staff", 403, "Vai trò của ông/bà không làm được việc này."),
    ],
)
def test_a_person_reads_words_and_a_program_a_code(
    portal: RunningPortal, path: str, status: int, words: str
) -> None:
    with logged_in(portal, "lan", Role.OFFICER) as session:
        page = session.get(f"{portal.address}{path}", headers={"Accept": "text/html"}, timeout=10)
        said = session.get(f"{portal.address}{path}", timeout=10)
    assert (page.status_code, said.status_code) == (status, status)
    assert words in page.text
    assert "Hồ sơ không thay đổi" not in page.text  # nobody wanted to change one
    assert said.json()["code"] not in page.text
    assert said.headers["Content-Type"] == "application/problem+json"
