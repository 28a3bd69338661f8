"""The words of eSCL (Mopria eSCL 2.x) as an emulated scanner reads and writes them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

ADF_STATES = {
    "loaded": "ScannerAdfLoaded",
    "empty": "ScannerAdfEmpty",
    "jam": "ScannerAdfJam",
    "door-open": "ScannerAdfDoorOpen",
    "multifeed": "ScannerAdfMultipickDetected",
}
FAULTS = frozenset({"jam", "door-open", "multifeed"})
_NAMESPACES = (
    'xmlns:scan="http://schemas.hp.com/imaging/escl/2011/05/03" '
    'xmlns:pwg="http://www.pwg.org/schemas/2010/12/sm"'
)


@dataclass
class Job:
    source: str
    dpi: int
    mode: str
    format: str
    box: tuple[int, int, int, int]  # left, top, width, height in 1/300 inch
    state: str = "Processing"
    duplex: bool = False
    pages: int = 0
    made: float = field(default_factory=time.monotonic)
    handed_over: float = field(default_factory=time.monotonic)  # the last page, or the start


def parse_job(settings: str) -> Job:
    def value(name: str, default: str) -> str:
        found = re.search(rf"<\w+:{name}>\s*([^<]+?)\s*</", settings)
        return found[1] if found else default

    box = [value("XOffset", "0"), value("YOffset", "0"), value("Width", "2480")]
    box.append(value("Height", "3508"))
    return Job(
        source=value("InputSource", "Platen"),
        dpi=int(value("XResolution", "300")),
        mode=value("ColorMode", "RGB24"),
        format=value("DocumentFormatExt", value("DocumentFormat", "image/jpeg")),
        duplex=value("Duplex", "false") == "true",
        box=(int(box[0]), int(box[1]), int(box[2]), int(box[3])),
    )


def scanner_status(state: str, adf: str, jobs: Mapping[str, Job]) -> str:
    """``adf``: a key of ADF_STATES. The newest job comes first."""
    entries = "".join(_job_info(name, job) for name, job in reversed(list(jobs.items())))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><scan:ScannerStatus {_NAMESPACES}>'
        f"<pwg:Version>2.6</pwg:Version><pwg:State>{state}</pwg:State>"
        f"<scan:AdfState>{ADF_STATES[adf]}</scan:AdfState>"
        f"<scan:Jobs>{entries}</scan:Jobs></scan:ScannerStatus>"
    )


def _job_info(name: str, job: Job) -> str:
    return (
        f"<scan:JobInfo><pwg:JobUri>/eSCL/ScanJobs/{name}</pwg:JobUri>"
        f"<pwg:JobUuid>{name}</pwg:JobUuid><scan:Age>{int(time.monotonic() - job.made)}</scan:Age>"
        f"<pwg:JobState>{job.state}</pwg:JobState>"
        f"<pwg:ImagesCompleted>{job.pages}</pwg:ImagesCompleted></scan:JobInfo>"
    )


def _input_capabilities() -> str:
    resolutions = "".join(
        f"<scan:DiscreteResolution><scan:XResolution>{dpi}</scan:XResolution>"
        f"<scan:YResolution>{dpi}</scan:YResolution></scan:DiscreteResolution>"
        for dpi in (75, 100, 150, 200, 300, 600)
    )
    return (
        "<scan:MinWidth>16</scan:MinWidth><scan:MaxWidth>2550</scan:MaxWidth>"
        "<scan:MinHeight>16</scan:MinHeight><scan:MaxHeight>3508</scan:MaxHeight>"
        "<scan:MaxScanRegions>1</scan:MaxScanRegions><scan:SettingProfiles><scan:SettingProfile>"
        "<scan:ColorModes><scan:ColorMode>Grayscale8</scan:ColorMode>"
        "<scan:ColorMode>RGB24</scan:ColorMode></scan:ColorModes><scan:DocumentFormats>"
        "<pwg:DocumentFormat>image/jpeg</pwg:DocumentFormat>"
        "<scan:DocumentFormatExt>image/jpeg</scan:DocumentFormatExt></scan:DocumentFormats>"
        f"<scan:SupportedResolutions><scan:DiscreteResolutions>{resolutions}"
        "</scan:DiscreteResolutions></scan:SupportedResolutions>"
        "</scan:SettingProfile></scan:SettingProfiles>"
        "<scan:MaxOpticalXResolution>600</scan:MaxOpticalXResolution>"
        "<scan:MaxOpticalYResolution>600</scan:MaxOpticalYResolution>"
    )


def capabilities(*, feeder: bool, duplex: bool) -> str:
    """The answer of a scanner with a glass and, if so, a feeder (of both sides, if so)."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><scan:ScannerCapabilities {_NAMESPACES}>'
        "<pwg:Version>2.6</pwg:Version><pwg:MakeAndModel>Kiosk Emulated MFP</pwg:MakeAndModel>"
        "<pwg:SerialNumber>EMULATED</pwg:SerialNumber>"
        f"<scan:Platen><scan:PlatenInputCaps>{_input_capabilities()}</scan:PlatenInputCaps>"
        f"</scan:Platen>{_feeder_capabilities(duplex) if feeder else ''}"
        "</scan:ScannerCapabilities>"
    )


def _feeder_capabilities(duplex: bool) -> str:
    back = f"<scan:AdfDuplexInputCaps>{_input_capabilities()}</scan:AdfDuplexInputCaps>"
    return (
        f"<scan:Adf><scan:AdfSimplexInputCaps>{_input_capabilities()}</scan:AdfSimplexInputCaps>"
        f"{back if duplex else ''}<scan:FeederCapacity>50</scan:FeederCapacity><scan:AdfOptions>"
        "<scan:AdfOption>DetectPaperLoaded</scan:AdfOption>"
        f"{'<scan:AdfOption>Duplex</scan:AdfOption>' if duplex else ''}"
        "</scan:AdfOptions></scan:Adf>"
    )
