"""Dossiers of people whom an officer vouched for: is the word good, and which are looked at again?

Which ones are drawn by a keyed hash of the dossier's id: nobody at a counter can foresee it, every
machine of the portal draws the same, and nothing has to be stored.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from pathlib import Path

from certify.errors import CertifyError
from kiosk.portal.answers import Answers
from kiosk.portal.trust import read_bundle
from offline_queue.manifest import Manifest
from offline_queue.vouching import VouchError, checked

_log = logging.getLogger(__name__)
_REASONS = {
    "no-phone": "không có điện thoại, thẻ không có chip",
    "card": "chip trên thẻ không đọc được",
    "face": "máy không nhận ra mặt",
    "help": "người cần giúp đỡ",
}
_UNCHECKED = (
    "Người yêu cầu được nhận giúp tại kiosk, nhưng chữ ký của thẻ cán bộ không kiểm tra được: "
    "xem giấy tờ tùy thân."
)
VOUCHED_WORDS = "Cán bộ nhận giúp người yêu cầu tại kiosk"
_SAMPLED = "Được chọn ngẫu nhiên để xem lại: hỏi người yêu cầu có đúng đã đến kiosk hay không."


class VouchedReview:
    """``percent``: how many of a hundred are drawn. ``key``: for this purpose alone."""

    def __init__(self, trust_dir: Path, key: bytes, percent: int) -> None:
        self._trust_dir = trust_dir
        self._key = key
        self._percent = percent

    def is_sampled(self, manifest: Manifest) -> bool:
        digest = hmac.new(self._key, manifest.id.bytes, hashlib.sha256).digest()
        drawn = int.from_bytes(digest[:8], "big") * 100 < self._percent << 64
        return is_vouched(manifest) and drawn

    def warnings(self, manifest: Manifest, answers: Answers) -> list[str]:
        """What the desk should know, in words; nothing for other dossiers."""
        if not is_vouched(manifest):
            return []
        officer = self._officer(manifest, answers)
        found = [_UNCHECKED]
        if officer and answers.vouch:
            why = _REASONS[answers.vouch.reason]
            found = [f"{officer} nhận giúp người yêu cầu tại kiosk, lý do: {why}."]
        return [*found, _SAMPLED] if self.is_sampled(manifest) else found

    def _officer(self, manifest: Manifest, answers: Answers) -> str | None:
        """Whose word it is; None for a word that is missing or not for this dossier and person."""
        vouch = answers.vouch
        if vouch is None or (vouch.dossier, vouch.kiosk_id, vouch.citizen_number) != (
            manifest.id,
            manifest.kiosk_id,
            answers.applicant.citizen_number,
        ):
            return None
        try:
            bundle = read_bundle(self._trust_dir)
            return checked(vouch, bundle.staff_roots, bundle.revoked_signers)
        except (CertifyError, OSError, VouchError, ValueError) as error:
            _log.warning("an officer's word is not believed: %s", error)
            return None


def is_vouched(manifest: Manifest) -> bool:
    return any(applicant.grade == "vouched" for applicant in manifest.applicants)
