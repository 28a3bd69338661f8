"""What a demo found out, as text, as JSON, and as exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from kiosk.failures import table


@dataclass
class Result:
    """What came of the journey. ``frames``: milliseconds between ticks of the Qt thread while pages
    were read; ``native``: libraries that should not be in the process of the screen."""

    ended: str = "failed"
    code: str = ""
    number: str = ""
    verdict: str = ""
    verified: bool = False
    accepted: int = 0
    late: bool = False
    failures: list[str] = field(default_factory=list)
    timeline: list[dict[str, Any]] = field(default_factory=list)
    frames: dict[str, float] = field(default_factory=dict)
    native: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        if self.native:
            return 1
        if self.late and self.accepted == 1:
            return 3
        if self.ended == "done" and self.verified and self.accepted == 1:
            return 0
        return failure_exit(self.failures)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "exit_code": self.exit_code}

    def tell(self) -> str:
        machine = sum(step["machine_seconds"] for step in self.timeline)
        lines = [
            f"journey     {self.ended}, {machine:.1f} s of the machine's time",
            f"dossier     {self.code or '-'}, accepted by the portal {self.accepted} time(s)",
            f"copy        {self.verdict or 'none yet'}",
        ]
        if self.number:
            lines.append(f"number      {self.number}")
        if self.failures:
            lines.append(f"trouble met {', '.join(self.failures)}")
        if self.frames:
            p95, worst = self.frames["p95"], self.frames["worst"]
            lines.append(f"ticks       p95 {p95:.0f} ms, worst gap {worst:.0f} ms while reading")
        return "\n".join([*lines, *(f"wrote       {file}" for file in self.files)])


def failure_exit(codes: Sequence[str]) -> int:
    """The exit code of the last trouble that was shown, or 1."""
    return table()[codes[-1]].exit_code if codes and codes[-1] in table() else 1
