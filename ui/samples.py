"""Invented views of every screen, for the gallery and the tests of the picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kiosk.steps.by_staff import PICTURES
from kiosk.views import (
    AttractView,
    CardView,
    ChooseServiceView,
    CollectView,
    ConfirmView,
    ConsentView,
    DoneView,
    FaceView,
    FaultView,
    IdentifyView,
    IssuingView,
    KeypadView,
    Milestone,
    PageThumb,
    ReviewRow,
    ReviewView,
    ScanView,
    ServiceCard,
    ShowCodeView,
    Text,
    View,
    Way,
    WaysView,
)
from kiosk.words import price
from offline_queue.vouching import REASONS
from ui.sample_pictures import face_raster, page_jpeg
from ui.samples_check import check_samples

LONG_NAME = "Công Tằng Tôn Nữ Hoàng Thị Ngọc Thanh Huyền"
_AGENCY = "Ủy ban nhân dân xã Yên Hòa"
_FEE = Text(
    "fee.pages", {"pages": 2, "first": price(2000), "next": price(1000), "most": price(200_000)}
)
_CODE = "H26.15 – 261123 – 0042"
_SCAN = "https://vneid.example.vn/activate?user_code=WDJB-MJHT"
_LINK = "https://example.gov.vn/hs/H26.15-261123-0042-7KQ4-MX2D"


def samples(language: str) -> dict[str, View]:
    """Name of the picture -> view. ``language`` only chooses the words that no key stands for."""

    def say(vietnamese: str, english: str) -> Text:
        return Text.plain(vietnamese if language == "vi" else english)

    cards = _cards(say)
    return {
        "attract": AttractView(),
        "choose-one": ChooseServiceView(
            cards=cards[:1], office=Text("office.attended"), **_step("choose", 1)
        ),
        "choose-three": ChooseServiceView(cards=cards[:3], **_step("choose", 1)),
        "choose-six": ChooseServiceView(
            cards=cards, office=Text("office.away"), **_step("choose", 1)
        ),
        "consent-data": _consent("data", ("data", "purpose", "controller", "rights"), _FEE),
        "consent-face": _consent("face", ("camera", "purpose", "erased")),
        "collect-slip": CollectView(),
        "collect-card": CollectView(state="card", problem=Text("collect.unreadable")),
        "collect-checking": CollectView(state="checking", can_go_back=False),
        "identify": IdentifyView(**_step("identify", 3)),
        "identify-camera": IdentifyView(
            place="camera", preview=face_raster(), **_step("identify", 3)
        ),
        "identify-checking": IdentifyView(state="checking", **_step("identify", 3)),
        "identify-retry": IdentifyView(
            state="retry",
            problem=say("Mã VNeID này đã hết hạn.", "This VNeID code has expired."),
            **_step("identify", 3),
        ),
        "identify-others": IdentifyView(others=True, **_step("identify", 3)),
        **_card_samples(),
        **_scan_samples(),
        "review": _review(say, Text.plain("Nguyễn Thị Hường"), pages=2, rows=4),
        "review-long": _review(say, Text.plain(LONG_NAME), pages=7, rows=6),
        **_face_samples(say),
        "confirm": ConfirmView(
            title=Text("confirm.title"),
            points=(
                Text("confirm.sends", {"agency": _AGENCY}),
                Text("confirm.original-back"),
                Text("confirm.certified-copy"),
            ),
            fee=Text("confirm.fee", {"amount": price(16_000)}),
            **_step("confirm", 7),
        ),
        "issuing": _issuing("saved", "sent", "checked", "verified", "slip"),
        "issuing-waiting": _issuing(
            *("saved", "sent", "compared", "verified", "paper", "slip"), may_leave=True
        ),
        **check_samples(say),
        **_done_samples(say),
        **_fault_samples(say),
    }


def _step(name: str, number: int) -> dict[str, Any]:
    return {"step": number, "steps": 8, "step_name": Text(f"step.{name}")}


def _cards(say: Callable[[str, str], Text]) -> tuple[ServiceCard, ...]:
    rows = (
        ("svc_copy", "Chứng thực bản sao", "Certified copy", "Sao y giấy tờ gốc", "A true copy"),
        (
            "svc_single",
            "Xác nhận tình trạng hôn\u00a0nhân",
            "Certificate of marital status",
            "Còn gọi: giấy độc thân",
            "Single status",
        ),
        ("svc_marry", "Đăng ký kết hôn", "Marriage", "Hai người cùng đến", "Come together"),
        ("svc_death", "Khai tử", "Death", "Báo người thân đã mất", "Report a death"),
        ("svc_extract", "Trích lục hộ tịch", "Extract", "Xin lại giấy khai sinh", "Birth record"),
        ("svc_lookup", "Tra cứu hồ sơ", "My request", "Hồ sơ đã xong chưa?", "Is it ready?"),
    )
    return tuple(
        ServiceCard(picture.replace("_", "-"), picture, say(vi, en), say(hint_vi, hint_en))
        for picture, vi, en, hint_vi, hint_en in rows
    )


def _consent(purpose: str, points: tuple[str, ...], fee: Text | None = None) -> View:
    return ConsentView(
        purpose=purpose,
        title=Text(f"consent.{purpose}.title"),
        points=tuple(Text(f"consent.{purpose}.{point}", {"agency": _AGENCY}) for point in points),
        fee=fee,
        **_step("consent", 2),
    )


def _pages(count: int, blurred: int = 0) -> tuple[PageThumb, ...]:
    return tuple(
        PageThumb(
            number,
            page_jpeg(number),
            Text("verdict.page.blurred" if number == blurred else "verdict.good"),
            redo=number == blurred,
        )
        for number in range(1, count + 1)
    )


def _card_samples() -> dict[str, View]:
    step = _step("identify", 3)
    pictures = {
        "card": "id_card",
        "officer": "help_person",
        "phone": "phone_qr",
        "screen": "phone_scan",
    }
    ways = tuple(
        Way(name, picture, Text(f"ways.{name}.title"), Text(f"ways.{name}.hint"))
        for name, picture in pictures.items()
    )
    lifted = Text("failure.card-removed.happened")
    return {
        "ways": WaysView(ways=ways, **step),
        "ways-offline": WaysView(ways=ways[:2], notice=Text("ways.offline"), **step),
        "reasons": WaysView(
            purpose="reasons",
            ways=tuple(
                Way(
                    name,
                    PICTURES[name],
                    Text(f"reasons.{name}.title"),
                    Text(f"reasons.{name}.hint"),
                )
                for name in REASONS
            ),
            **step,
        ),
        "card-staff": CardView(state="staff", **step),
        "card-staff-again": CardView(
            state="staff", problem=Text("failure.staff-pin.happened"), **step
        ),
        "keypad-pin": KeypadView(
            purpose="pin",
            title=Text("staff.pin-title"),
            lead=Text("staff.pin-lead"),
            length=6,
            hidden=True,
            **step,
        ),
        "show-code": ShowCodeView(code=_SCAN, compare="WDJB-MJHT", **step),
        "show-code-new": ShowCodeView(
            code=_SCAN, compare="QRST-VWXZ", problem=Text("screen.new-code"), **step
        ),
        "card-code": CardView(state="code", typing=True, **step),
        "card-other-code": CardView(
            state="code", typing=True, problem=Text("card.other-code"), **step
        ),
        "card-lay": CardView(state="lay", **step),
        "card-lay-again": CardView(state="lay", problem=lifted, **step),
        "card-reading": CardView(state="reading", done=5, total=8, **step),
        "card-take": CardView(state="take", can_go_back=False, **step),
        "keypad-can": KeypadView(
            purpose="can",
            title=Text("card.digits-title"),
            lead=Text("card.digits-lead"),
            length=6,
            **step,
        ),
    }


def _scan_samples() -> dict[str, View]:
    step = _step("scan", 5)
    redo = Text("scan.redo", {"number": 2})
    return {
        "scan-waiting": ScanView(**step),
        "scan-scanning": ScanView(state="scanning", pages=_pages(1), reading=1, **step),
        "scan-reading": ScanView(state="reading", pages=_pages(3), reading=1, **step),
        "scan-blurred": ScanView(pages=_pages(2, blurred=2), **step),
        "scan-redo": ScanView(pages=_pages(5, blurred=2), problem=redo, **step),
        "scan-removed": ScanView(pages=_pages(3), problem=Text("scan.removed"), **step),
        "scan-done": ScanView(state="done", pages=_pages(1), **step),
    }


def _review(say: Callable[[str, str], Text], person: Text, *, pages: int, rows: int) -> View:
    lines = (
        ReviewRow(Text("review.request"), say("Chứng thực bản sao", "Certified copy")),
        ReviewRow(
            Text("review.papers"),
            Text(
                "review.papers-value",
                {"paper": say("Bằng tốt nghiệp đại học", "University diploma"), "pages": pages},
            ),
            edit="scan",
        ),
        ReviewRow(Text("review.copies"), Text("review.copies-value", {"copies": 4}), edit="copies"),
        ReviewRow(Text("review.agency"), Text.plain("Xã Yên Hòa")),
        ReviewRow(
            say("Nơi ở", "Address"),
            Text.plain("Số 12, ngõ 34, tổ dân phố Đông Trung, thôn Đoài, xã Yên Hòa, Hà Nội"),
            edit="address",
        ),
        ReviewRow(say("Số điện thoại", "Phone"), Text.plain("0900 000 678"), edit="phone"),
    )
    return ReviewView(person=person, rows=lines[:rows], pages=_pages(pages), **_step("review", 6))


def _face_samples(say: Callable[[str, str], Text]) -> dict[str, View]:
    step = _step("face", 4)
    return {
        "face-opening": FaceView(guidance=Text("face.look"), **step),
        "face-looking": FaceView(guidance=Text("face.too-dark"), preview=face_raster(), **step),
        "face-matched": FaceView(
            state="matched",
            guidance=say("Đúng là ông/bà rồi", "It is you"),
            preview=face_raster(),
            **step,
        ),
        "face-mismatch": FaceView(
            state="mismatch",
            guidance=say("Khuôn mặt chưa khớp với ảnh", "The face does not match the photo"),
            preview=face_raster(),
            **step,
        ),
    }


def _issuing(*names: str, may_leave: bool = False) -> View:
    """Two are done, the third is under way."""
    icons = {"saved": "lock", "sent": "send", "verified": "shield", "slip": "printer"}
    states = ["done", "done", "now", *("later" for _ in names[3:])]
    return IssuingView(
        title=Text("issue.title"),
        lead=Text("issue.lead"),
        milestones=tuple(
            Milestone(icons.get(name, "person"), Text(f"issue.{name}"), state)
            for name, state in zip(names, states, strict=True)
        ),
        may_leave=may_leave,
        **_step("issue", 8),
    )


def _done_samples(say: Callable[[str, str], Text]) -> dict[str, View]:
    return {
        "done-issued": DoneView(
            kind="issued",
            title=Text("done.issued-title"),
            lead=Text("done.issued-lead"),
            code=_CODE,
            due_label=Text("done.number"),
            due=Text.plain("0042/2026"),
            place=Text("done.where-copy"),
            take_away=_LINK,
        ),
        "done-queued": DoneView(
            kind="queued",
            title=Text("done.queued-title"),
            lead=Text("done.no-slip-lead"),
            code=_CODE,
            due_label=Text("done.due"),
            due=say("Thứ Tư, 25/11/2026", "Wednesday, 25/11/2026"),
            place=Text("done.place", {"place": "quầy số 2", "hour": "17"}),
            take_away=_LINK,
        ),
    }


def _fault_samples(say: Callable[[str, str], Text]) -> dict[str, View]:
    jam: dict[str, Any] = {
        "code": "device.scanner.jam",
        "picture": "scanner_jam",
        "title": say("Giấy bị kẹt trong máy quét", "A sheet is stuck in the scanner"),
        "happened": say(
            "Tờ giấy thứ 2 nằm lại trong máy, chưa rách.", "Sheet 2 stayed inside. It is not torn."
        ),
        "todo": say(
            "Xin đừng kéo giấy. Chạm Gọi cán bộ,\nrồi đứng chờ ở đây.",
            "Please do not pull the paper. Touch Call staff\nand wait here.",
        ),
        "kept": Text("kept.draft"),
    }
    return {
        "fault-jam": FaultView(actions=("retry", "staff"), **jam),
        "fault-staff": FaultView(actions=("staff",), can_go_back=False, **jam),
        "fault-original-left": FaultView(
            code="original-left",
            picture="scanner_jam",
            title=Text("original-left.title"),
            happened=Text("original-left.happened"),
            todo=Text("original-left.todo", {"hotline": "18001096"}),
            kept=Text("kept.nothing"),
            actions=("paper-out", "staff"),
            can_go_back=False,
        ),
        "fault-reader": FaultView(
            code="device.reader.absent",
            picture="reader_off",
            title=Text("failure.reader-off.title"),
            happened=Text("failure.reader-off.happened"),
            todo=Text("identify.or-camera"),
            kept=Text("kept.nothing"),
            actions=("retry", "camera", "staff"),
        ),
        "fault-other": FaultView(
            code="link.offline",
            picture="offline_safe",
            title=Text("failure.offline.title"),
            happened=Text("failure.offline.happened"),
            todo=Text("identify.or-other"),
            kept=Text("kept.nothing"),
            actions=("retry", "other", "staff"),
        ),
        "fault-skip": FaultView(actions=("retry", "skip", "staff"), **jam),
        "fault-all": FaultView(actions=("retry", "later", "skip", "staff"), **jam),
        "staff-called": FaultView(
            code="staff.called",
            picture="help_person",
            title=Text("staff.called.title"),
            happened=Text("staff.called.happened"),
            todo=Text("staff.called.todo"),
            kept=Text("kept.locked"),
            actions=("continue",),
            can_go_back=False,
        ),
    }
