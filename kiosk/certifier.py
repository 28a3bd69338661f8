"""The parent's side of the certifier child: PDF assembly, PKCS#11 and verification."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from certify.pages import SourcePage
from certify.statement import CopyFacts
from drivers.contract import DeviceError
from drivers.supervisor import Child, ChildSpec
from drivers.wire import Blob
from kiosk.settings import SigningSettings

log = logging.getLogger(__name__)


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
            "seal_key": signing.seal_key,
            "chain": [str(file) for file in signing.chain],
            "pin_file": str(signing.pin_file or ""),
            "developer_keys": str(signing.developer_keys or ""),
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
        self._preparing: asyncio.Task[None] | None = None

    def prepare(self) -> None:
        """Start the child while nobody waits for it, so that signing need not."""
        if self._preparing is None or self._preparing.done():
            self._preparing = asyncio.create_task(self._prepare())

    async def _prepare(self) -> None:
        try:
            await self._child.call("prepare")
        except DeviceError as error:
            # The call that needs the child meets the same trouble, and tells it.
            log.warning("certifier is not prepared: %s", error.code)

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

    async def may_issue(self, trust: bytes) -> bool:
        """Whether the lease of the kiosk's key lasts; False too when its token does not answer."""
        try:
            return bool(await self._child.call("may_issue", bundle=trust))
        except DeviceError as error:
            log.error("no copy can be issued here: %s", error.code)
            return False

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
        if self._preparing is not None:
            self._preparing.cancel()
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
