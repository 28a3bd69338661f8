"""Invented views of the check of a paper copy, for ``ui.samples``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kiosk.views import CheckCopyView, CopyCheckedView, Mark, ReviewRow, Text, View
from ui.sample_pictures import page_jpeg


def check_samples(say: Callable[[str, str], Text]) -> dict[str, View]:
    facts = tuple(
        ReviewRow(Text(f"check.{label}"), Text.plain(value))
        for label, value in (
            ("number", "0042, 01/2026-SCT/BS"),
            ("issued", "23/11/2026"),
            ("agency", "UBND xã Yên Hòa"),
            ("id-code", "000H-0000-01AZ"),
        )
    )
    marks = tuple(Mark(0.15 + 0.15 * place, 0.15 * place, 0.2, 0.03) for place in range(1, 5))

    def checked(tone: str, kind: str, **more: Any) -> View:
        others = Text("check.others-differ", {"pages": "2, 3"})
        values: dict[str, Any] = {"count": 4, "page": 1, "others": others, "seen": 2, "pages": 3}
        title, lead = Text(f"check.{kind}-title"), Text(f"check.{kind}-lead", values)
        return CopyCheckedView(tone=tone, title=title, lead=lead, facts=facts, **more)

    shown: dict[str, Any] = {
        "picture": page_jpeg(1),
        "picture_title": Text("check.page", {"number": 1}),
    }
    return {
        "check": CheckCopyView(),
        "check-problem": CheckCopyView(problem=Text("check.no-seal")),
        "check-comparing": CheckCopyView(state="comparing", sheets=2),
        "checked-same": checked("ok", "same", **shown),
        "checked-differs": checked(
            "fault", "differs", marks=marks, close_ups=(page_jpeg(2),) * 3, **shown
        ),
        "checked-waits": checked("warn", "waits", picture=page_jpeg(1)),
        "checked-code": checked("warn", "code"),
        "checked-forged": CopyCheckedView(
            tone="fault",
            title=Text("check.not-genuine-title"),
            lead=say(
                "Địa chỉ trong mã kiểm tra không phải địa chỉ xác thực chính thức,"
                " dù có thể trông giống.",
                "The address in the seal is not the official one, however alike it looks.",
            ),
            picture=page_jpeg(3),
        ),
    }
