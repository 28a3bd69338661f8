"""The certifier's side of a child process: tokens, PDF assembly and PDF parsing may crash there.

Calls carry plain values only; images and files come as objects with ``read()`` (shared memory).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from certify.errors import CertifyError, Fault
from certify.pages import SourcePage, Word
from certify.statement import CopyFacts
from certify.trust import load_anchor, load_bundle


class Readable(Protocol):
    def read(self) -> bytes: ...


class CertifyWorker:
    """``token`` may be empty: such a kiosk verifies, but cannot certify.

    ``anchor``: PEM of the key that signs trust bundles. ``chain``: PEM files of CA certificates
    which the token does not hold.
    """

    def __init__(
        self,
        anchor: str,
        module: str = "",
        token: str = "",
        key: str = "agency",
        seal_key: str = "seal",
        pin_file: str = "",
        chain: Sequence[str] = (),
    ) -> None:
        self._anchor = load_anchor(anchor)
        self._module = Path(module)
        self._token = token
        self._key = key
        self._seal_key = seal_key
        self._pin_file = Path(pin_file)
        self._chain = [Path(file) for file in chain]

    def issue_post_check(
        self, pages: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], bundle: bytes
    ) -> bytes:
        """The copy, sealed and signed with the kiosk's keys.

        ``pages``: {jpeg (Readable or bytes), width, height, dpi, words: [[text, left, top, width,
        height, confidence, line], ...]}; ``facts`` of CopyFacts.to_dict; ``bundle`` names the seal
        host. Raises CertifyError.
        """
        from certify.issue import issue_post_check

        return issue_post_check(
            [_page(page) for page in pages],
            CopyFacts.from_dict(facts),
            agency=self._agency,
            seal=self._seal,
            seal_host=load_bundle(bundle, self._anchor, at=_now()).seal_host,
        ).pdf

    def verify(self, pdf: Readable | bytes, bundle: bytes) -> dict[str, Any]:
        """Verify a copy as of now: {ok, state, code (why not), id_code}. Raises CertifyError."""
        from certify.verify import verify

        moment = _now()
        verdict = verify(_bytes(pdf), load_bundle(bundle, self._anchor, at=moment), at=moment)
        return {
            "ok": verdict.ok,
            "state": str(verdict.state),
            "code": "" if verdict.ok else verdict.code,
            "id_code": verdict.facts.id_code if verdict.facts else "",
        }

    def verify_seal(self, text: str, bundle: bytes) -> dict[str, Any]:
        """Judge the text of a QR code as of now: SealVerdict.to_dict. Raises CertifyError."""
        from certify.verify import verify_seal

        return verify_seal(text, load_bundle(bundle, self._anchor, at=_now())).to_dict()

    @cached_property
    def _agency(self) -> Any:
        return self._open(self._key)

    @cached_property
    def _seal(self) -> Any:
        return self._open(self._seal_key)

    def _open(self, key: str) -> Any:
        if not self._token:
            raise CertifyError(Fault.SIGNER_ABSENT, "no token is configured")
        from certify.signing import open_signer

        return open_signer(self._module, self._token, key, self._pin(), self._chain)

    def _pin(self) -> str:
        try:
            return self._pin_file.read_text("utf-8").strip()
        except OSError as error:
            raise CertifyError(Fault.SIGNER_REFUSED, f"PIN file: {error.strerror}") from None


def _now() -> datetime:
    return datetime.now(UTC)


def _page(values: Mapping[str, Any]) -> SourcePage:
    return SourcePage(
        jpeg=_bytes(values["jpeg"]),
        width=int(values["width"]),
        height=int(values["height"]),
        dpi=int(values["dpi"]),
        words=tuple(Word(str(word[0]), *map(int, word[1:7])) for word in values["words"]),
    )


def _bytes(source: Readable | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read()
