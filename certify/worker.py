"""The certifier's side of a child process: tokens, PDF assembly and PDF parsing may crash there.

Calls carry plain values only; images and files come as objects with ``read()`` (shared memory).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from certify.errors import CertifyError, Fault
from certify.pages import SourcePage, Word
from certify.secret import Secret, keep_out_of_dumps, secret_of
from certify.statement import CopyFacts
from certify.trust import TrustBundle, load_anchor, load_bundle


class Readable(Protocol):
    def read(self) -> bytes: ...


class CertifyWorker:
    """``token`` may be empty: such a kiosk verifies, but cannot certify.

    ``anchor``: PEM of the key that signs trust bundles. ``chain``: PEM files of CA certificates
    which the token does not hold. ``developer_keys``: a folder of PKCS#12 files instead of a token.
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
        developer_keys: str = "",
    ) -> None:
        keep_out_of_dumps()
        self._anchor = load_anchor(anchor)
        self._module = Path(module)
        self._token = token
        self._key = key
        self._seal_key = seal_key
        self._pin_file = Path(pin_file) if pin_file else None
        self._chain = [Path(file) for file in chain]
        self._developer_keys = developer_keys

    def prepare(self) -> None:
        """Import what the other calls need, which takes a second; no key is opened."""
        for module in ("certify.issue", "certify.verify", "certify.signing"):
            import_module(module)

    def issue_post_check(
        self, pages: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], bundle: bytes
    ) -> bytes:
        """The copy, sealed and signed with the kiosk's keys, while their lease lasts.

        ``pages``: {jpeg (Readable or bytes), width, height, dpi, words: [[text, left, top, width,
        height, confidence, line], ...]}; ``facts`` of CopyFacts.to_dict; ``bundle`` names the seal
        host. Raises CertifyError.
        """
        from certify.issue import issue_post_check

        trusted = load_bundle(bundle, self._anchor, at=_now())
        if not self._leased(trusted):
            raise CertifyError(Fault.LEASE_EXPIRED, "the lease of the kiosk's seal key")
        return issue_post_check(
            [_page(page) for page in pages],
            CopyFacts.from_dict(facts),
            agency=self._agency,
            seal=self._seal,
            seal_host=trusted.seal_host,
        ).pdf

    def may_issue(self, bundle: bytes) -> bool:
        """Whether a copy that is issued now would be believed: asked before a number is burned for
        it. Raises CertifyError."""
        return self._leased(load_bundle(bundle, self._anchor, at=_now()))

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

        moment = _now()
        trusted = load_bundle(bundle, self._anchor, at=moment)
        return verify_seal(text, trusted, at=moment).to_dict()

    @cached_property
    def _agency(self) -> Any:
        return self._open(self._key)

    @cached_property
    def _seal(self) -> Any:
        return self._open(self._seal_key)

    def _leased(self, bundle: TrustBundle) -> bool:
        """A kiosk's key needs a lease that has not ended, and must be one that seals count by."""
        until = bundle.leases.get(self._seal.key_id)
        return self._seal.key_id in bundle.seal_keys and until is not None and _now() < until

    def _open(self, key: str) -> Any:
        if self._developer_keys:
            from certify.developer_key import DeveloperSigner

            return DeveloperSigner(Path(self._developer_keys) / f"{key}.p12", self._pin)
        if not self._token:
            raise CertifyError(Fault.SIGNER_ABSENT, "no token is configured")
        from certify.signing import open_signer

        return open_signer(self._module, self._token, key, self._pin.reveal(), self._chain)

    @cached_property
    def _pin(self) -> Secret:
        return secret_of(self._pin_file, "PIN of the token")


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
