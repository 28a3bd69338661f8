"""Faults that ``--fault WHAT=HOW`` can set before a journey, and how staff mends them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kiosk.sandbox.appliance import Appliance

_DEVICE_FAULTS: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, Any]]] = {
    "scanner=jam": ("scanner", {"fault": "jam", "fault_on_page": 1}, {}),
    "scanner=door-open": ("scanner", {"adf": "door-open"}, {}),
    "scanner=multifeed": ("scanner", {"fault": "multifeed", "fault_on_page": 1}, {}),
    "scanner=error": ("scanner", {"http_status": 500}, {}),
    "scanner=garbage": ("scanner", {"garbage": True}, {}),
    "receipt=paper-out": ("receipt-printer", {"paper": "out"}, {"paper": "ok"}),
    "receipt=cover-open": ("receipt-printer", {"cover_open": True}, {"cover_open": False}),
    "receipt=silent": ("receipt-printer", {"silent": True}, {"silent": False}),
    "printer=paper-out": ("document-printer", {"paper": 0}, {"paper": 250}),
    "printer=paper-out-midway": ("document-printer", {"paper": 1}, {"paper": 250}),
    "printer=cover-open": ("document-printer", {"cover_open": True}, {"cover_open": False}),
    "printer=jam": ("document-printer", {"jam_on_side": 1}, {"jammed": False}),
    "printer=garbage": ("document-printer", {"garbage": True}, {"garbage": False}),
    "housing=open": ("signals", {"shut": False}, {"shut": True}),
    "camera=stopped": ("camera", {"stopped": True}, {"stopped": False}),
}
NAMES = (
    *_DEVICE_FAULTS,
    "reader=unplugged",
    "camera=absent",
    "face=stranger",
    "portal=down",
    "vneid=down",
)


def apply(appliance: Appliance, fault: str) -> None:
    if fault in _DEVICE_FAULTS:
        device, broken, _ = _DEVICE_FAULTS[fault]
        appliance.control(device, "set", **broken)
    elif fault == "face=stranger":
        appliance.show_stranger()
    elif fault == "reader=unplugged":
        appliance.control("code-reader", "unplug")
    elif fault == "portal=down":
        appliance.stop_portal()
    elif fault == "vneid=down":
        appliance.break_identity_provider(down=True)


def mend(appliance: Appliance, fault: str) -> None:
    """What staff does when called. The portal's line is not theirs to mend."""
    if fault in _DEVICE_FAULTS:
        device, _, mended = _DEVICE_FAULTS[fault]
        if device == "scanner":
            appliance.control(device, "repair")
        else:
            appliance.control(device, "set", **mended)
    elif fault == "reader=unplugged":
        appliance.control("code-reader", "plug")
    elif fault == "vneid=down":
        appliance.break_identity_provider(down=False)
