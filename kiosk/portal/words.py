"""The portal's Vietnamese: for officers, and in plain words for citizens."""

from __future__ import annotations

from kiosk.portal.accounts import Role
from kiosk.portal.revocations import Void
from kiosk.portal.store import Processing

PROCESSING_WORDS = {
    Processing.RECEIVED: "Mới tiếp nhận",
    Processing.ACCEPTED: "Đã tiếp nhận",
    Processing.REFUSED: "Từ chối",
    Processing.PROCESSING: "Đang xử lý",
    Processing.SUPPLEMENT: "Yêu cầu bổ sung",
    Processing.FINANCIAL_DUTY: "Chờ nghĩa vụ tài chính",
    Processing.WITHDRAWN: "Công dân rút",
    Processing.STOPPED: "Dừng xử lý",
    Processing.DONE: "Đã xong",
    Processing.RETURNED: "Đã trả kết quả",
}
VOID_WORDS: dict[Void, str] = {"revoked": "đã thu hồi", "not-issued": "không cấp"}
"""Why a line of the register book no longer counts."""
PUBLIC_WORDS = {
    Processing.RECEIVED: "Đã nhận hồ sơ. Cán bộ sẽ xem trong giờ làm việc.",
    Processing.ACCEPTED: "Cán bộ đã nhận và đang xem hồ sơ.",
    Processing.REFUSED: "Hồ sơ không được nhận.",
    Processing.PROCESSING: "Cán bộ đang giải quyết hồ sơ.",
    Processing.SUPPLEMENT: "Hồ sơ còn thiếu, ông/bà cần bổ sung.",
    Processing.FINANCIAL_DUTY: "Hồ sơ chờ nộp tiền.",
    Processing.WITHDRAWN: "Ông/bà đã rút hồ sơ.",
    Processing.STOPPED: "Cơ quan đã dừng giải quyết hồ sơ.",
    Processing.DONE: "Đã có kết quả. Mời ông/bà đến quầy một cửa nhận.",
    Processing.RETURNED: "Kết quả đã được trao cho ông/bà.",
}
REVOKED_WORDS = "Bản sao chứng thực đã bị thu hồi, không dùng được nữa."
SENT_WORDS = {
    "email": "Đã có kết quả, đã gửi qua thư điện tử. Ông/bà mở thư để tải.",
    "wallet": "Đã có kết quả trong ví giấy tờ của ông/bà.",
    "post": "Đã có kết quả, đã gửi qua bưu điện.",
}
SENDING_WORDS = {
    "email": "Đã có kết quả, đang gửi qua thư điện tử.",
    "wallet": "Đã có kết quả, đang gửi vào ví giấy tờ của ông/bà.",
    "post": "Đã có kết quả, đang gửi qua bưu điện.",
}
NOT_SENT_WORDS = "Đã có kết quả nhưng chưa gửi được. Mời ông/bà đến quầy một cửa nhận."
ROLE_WORDS = {
    Role.OFFICER: "Cán bộ",
    Role.CHIEF: "Lãnh đạo",
    Role.AUDITOR: "Kiểm tra",
    Role.ADMIN: "Quản trị",
}
GRADE_WORDS = {
    "claimed": "Tự khai",
    "proven": "Đã xác thực",
    "vouched": "Cán bộ xác nhận",
}
FEE_WORDS = {
    "free": "Miễn phí",
    "due": "Chưa thu",
    "paid": "Đã thu",
    "waived": "Không phải thu",
    "to-return": "Phải hoàn trả",
    "returned": "Đã hoàn trả",
}
CHANNEL_WORDS = {
    "desk": "Nhận tại quầy",
    "email": "Thư điện tử",
    "wallet": "Ví giấy tờ",
    "post": "Bưu điện",
}
DELIVERY_WORDS = {
    "waiting": "Chờ gửi",
    "by-hand": "Cán bộ gửi",
    "sent": "Đã gửi",
    "failed": "Không gửi được",
    "expired": "Quá hạn gửi",
    "at-desk": "Trao tại quầy",
}
FAULT_WORDS = {
    "mail.bad-address": "Địa chỉ thư viết sai: gửi lại không được, hãy trao tại quầy",
    "mail.no-such-box": "Hộp thư này không có hoặc không nhận",
    "post.bad-address": "Thiếu địa chỉ: gửi lại không được, hãy trao tại quầy",
    "wallet.no-result": "Kết quả không phải bản điện tử: hãy trao tại quầy",
}
HOPELESS = frozenset({"mail.bad-address", "post.bad-address", "wallet.no-result"})
"""Faults that lie in the dossier itself: sending again cannot help."""
_SIDES = {"mail": "Máy chủ thư", "wallet": "Ví giấy tờ", "post": "Bưu điện"}
TROUBLE_WORDS = {
    "certify.page-unreadable": "Một trang quét bị hỏng: yêu cầu quét lại",
    "certify.pdf-unreadable": "Bản sao cấp tại kiosk bị hỏng: thu hồi và cấp lại",
    "certify.signer-mismatch": "Chứng thư trên thiết bị không đúng tên cán bộ hoặc cơ quan",
    "certify.signer-refused": "Thiết bị ký không nhận mã PIN",
    "copy.other-pages": "Trang quét không còn đúng như lúc cán bộ đối chiếu",
    "copy.other-facts": "Bản sao không ghi đúng như hồ sơ",
    "desk.bad-copy": "Cổng không nhận bản sao đã ký",
}
"""Why a desk did not sign, for its officer."""
ACTION_WORDS = {
    "staff.login": "Vào trang",
    "staff.locked": "Tài khoản tạm khóa",
    "staff.enrolled": "Nhận tài khoản",
    "staff.add": "Thêm tài khoản",
    "staff.reset": "Cấp lại mã",
    "staff.disable": "Ngừng tài khoản",
    "case.approve": "Duyệt hồ sơ",
    "case.inspect": "Kiểm tra bản sao",
    "case.revoke": "Thu hồi bản sao",
    "case.again": "Cho ký lại",
    "case.refuse": "Từ chối hồ sơ",
    "case.supplement": "Yêu cầu bổ sung",
    "case.duty": "Yêu cầu nộp tiền",
    "case.duty-done": "Ghi đã nộp tiền",
    "case.end": "Kết thúc hồ sơ",
    "case.finish": "Giải quyết xong",
    "case.hand-over": "Trao kết quả",
    "case.fee": "Thu, hoàn lệ phí",
    "delivery.resend": "Gửi lại kết quả",
    "delivery.sent": "Ghi đã gửi kết quả",
    "delivery.hand-over": "Chuyển sang trao tại quầy",
    "export": "Xuất hồ sơ",
    "register.export": "Xuất sổ chứng thực",
    "register.note": "Giải trình số bỏ trống",
}


def delivered(channel: str, state: str) -> str:
    """To the citizen: where the result is, by the way it goes and how far it got."""
    if state == "sent":
        return SENT_WORDS[channel]
    if state in ("waiting", "by-hand"):
        return SENDING_WORDS[channel]
    return PUBLIC_WORDS[Processing.DONE] if state == "at-desk" else NOT_SENT_WORDS


def fault(code: str) -> str:
    """What a clerk reads of a delivery's fault: ``side.reason``, or the name of an error here."""
    side, _, reason = code.partition(".")
    if code in FAULT_WORDS:
        return FAULT_WORDS[code]
    if side not in _SIDES:
        return "Chưa mở được hồ sơ để gửi"
    if reason.isdecimal():
        return f"{_SIDES[side]} không nhận, mã {reason}"
    return f"{_SIDES[side]} chưa trả lời"


def trouble(code: str) -> str:
    """What an officer reads: words where there are any, and the code for whoever is called."""
    words = TROUBLE_WORDS.get(code.partition(" ")[0], "Máy ở bàn ký không ký được")
    return f"{words} ({code})"


def money(amount: int) -> str:
    return f"{amount:,} đ".replace(",", ".")
