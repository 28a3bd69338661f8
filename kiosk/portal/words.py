"""The portal's Vietnamese: for officers, and in plain words for citizens."""

from __future__ import annotations

from kiosk.portal.accounts import Role
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
PUBLIC_WORDS = {
    Processing.RECEIVED: "Đã nhận hồ sơ. Cán bộ sẽ xem trong giờ làm việc.",
    Processing.ACCEPTED: "Cán bộ đã nhận và đang xem hồ sơ.",
    Processing.REFUSED: "Hồ sơ không được nhận.",
    Processing.PROCESSING: "Cán bộ đang giải quyết hồ sơ.",
    Processing.SUPPLEMENT: "Hồ sơ còn thiếu, ông/bà cần bổ sung.",
    Processing.FINANCIAL_DUTY: "Hồ sơ chờ nộp tiền.",
    Processing.WITHDRAWN: "Ông/bà đã rút hồ sơ.",
    Processing.STOPPED: "Cơ quan đã dừng giải quyết hồ sơ.",
    Processing.DONE: "Đã có kết quả. Mời ông/bà đến nhận.",
    Processing.RETURNED: "Kết quả đã được trao cho ông/bà.",
}
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
}


def money(amount: int) -> str:
    return f"{amount:,} đ".replace(",", ".")
