"""The parent's side of the certifier child: PDF assembly, PKCS#11 and verification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from certify.pages import SourcePage
from certify.statement import CopyFacts
from drivers.supervisor import Child, ChildSpec
from drivers.wire import Blob
from kiosk.settings import SigningSettings


@dataclass(frozen=True, slots=True)
class Checked:
    """A verdict on a copy: ``code`` is why it is not genuine, ``id_code`` names the copy."""

    ok: bool
    state: str
    code: str
    id_code: str


@dataclass(frozen=True, slots=True)
class CheckedSeal:
    """A verdict on a seal alone. ``sentences`` by language; the others, of a genuine seal: what it
    says of the copy (``pages`` of the original)."""

    ok: bool
    code: str
    sentences: Mapping[str, str]
    number: str = ""
    agency: str = ""
    issued: datetime | None = None
    pages: int = 0
    id_code: str = ""


class Certifier:
    """Raises DeviceError: the certifier's coded errors, or the loss of the child."""

    def __init__(self, signing: SigningSettings, anchor_pem: str) -> None:
        options = {
            "module": str(signing.module),
            "token": signing.token,
            "key": signing.key,
            "pin_file": str(signing.pin_file or ""),
            "anchor": anchor_pem,
        }
        self._child = Child(
            ChildSpec(
                "certifier",
                "certify.worker:CertifyWorker",
                options,
                environment=signing.environment,
                deadline=60.0,
            )
        )

    async def issue_post_check(
        self, pages: Sequence[SourcePage], facts: CopyFacts, trust: bytes
    ) -> bytes:
        """The copy, sealed and signed with the kiosk's agency key."""
        answer = await self._child.call(
            "issue_post_check",
            pages=[_plain(page) for page in pages],
            facts=facts.to_dict(),
            bundle=trust,
        )
        return _bytes(answer)

    async def verify(self, copy: bytes, trust: bytes) -> Checked:
        answer = await self._child.call("verify", pdf=Blob.of(copy), bundle=trust)
        return Checked(**answer)

    async def verify_seal(self, text: str, trust: bytes) -> CheckedSeal:
        answer = await self._child.call("verify_seal", text=text, bundle=trust)
        claims = answer["seal"] or {}
        return CheckedSeal(
            ok=answer["ok"],
            code=answer["code"],
            sentences={"vi": answer["sentence_vi"], "en": answer["sentence_en"]},
            number=f"{claims['number']:02d}, {claims['book']}" if claims else "",
            agency=claims.get("agency", ""),
            issued=datetime.fromisoformat(claims["issued"]) if claims else None,
            pages=claims.get("pages", 0),
            id_code=claims.get("id_code", ""),
        )

    async def close(self) -> None:
        await self._child.close()


def _plain(page: SourcePage) -> dict[str, Any]:
    return {
        "jpeg": Blob.of(page.jpeg),
        "width": page.width,
        "height": page.height,
        "dpi": page.dpi,
        "words": [list(asdict(word).values()) for word in page.words],
    }


def _bytes(answer: Any) -> bytes:
    return answer.read() if isinstance(answer, Blob) else bytes(answer)
