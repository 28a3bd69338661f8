"""Taking in dossiers: the server's side of :mod:`offline_queue.intake`.

A kiosk erases its dossier once it has a receipt, so a receipt is given only for what is whole, on
disk, and opens with the portal's key.
"""

from __future__ import annotations

import base64
import hashlib
from uuid import UUID

from pydantic import ValidationError

from kiosk.portal.answers import ANSWERS, COPY, TEXT, Answers
from kiosk.portal.arrival import Arrivals
from kiosk.portal.errors import RefusedError
from kiosk.portal.files import Incoming
from kiosk.portal.keys import PortalKeys
from kiosk.portal.store import Dossier, Processing, Store, manifest_of
from kiosk.portal.times import now
from kiosk.portal.tracking import public_note
from kiosk.portal.vault import Vault
from offline_queue import signatures
from offline_queue.errors import QueueError
from offline_queue.intake import (
    MAX_DOSSIER,
    MAX_MANIFEST,
    MAX_PART,
    IntakeState,
    Problem,
    Receipt,
    ReceiptStatement,
    SignedManifest,
)
from offline_queue.manifest import Manifest, Part

_NEEDED_PARTS = {
    "filing": {ANSWERS},
    "pre-check": {ANSWERS, TEXT},
    "post-check": {ANSWERS, TEXT, COPY},
}


class Intake:
    def __init__(
        self,
        store: Store,
        vault: Vault,
        keys: PortalKeys,
        arrivals: Arrivals,
        agency: str | None = None,
    ) -> None:
        """``agency``: the code that dossiers must have, None for any."""
        self._agency = agency
        self._store = store
        self._vault = vault
        self._keys = keys
        self._arrivals = arrivals

    def open(self, kiosk_id: str, dossier_id: UUID, signed: SignedManifest) -> IntakeState:
        """A locked dossier announces itself. Raises RefusedError; the same manifest again is no
        error, another one under a known id is CONFLICT."""
        self._check_signature(kiosk_id, signed)
        manifest = _decode(signed.manifest)
        _check_manifest(manifest, kiosk_id, dossier_id)
        self._check_key(manifest)
        if self._agency not in (None, manifest.agency):
            raise RefusedError(Problem.BAD_MANIFEST, "agency: another portal's")
        held = self._store.open_dossier(_row(manifest, kiosk_id, signed))
        if held.kiosk_id != kiosk_id or held.manifest != signed.manifest:
            raise RefusedError(Problem.CONFLICT, "another manifest is known under this id")
        return self._state_of(held)

    def processing(self, kiosk_id: str, dossier_id: UUID) -> int | None:
        """The number of its state, quickly: kiosks that wait ask again and again. Raises
        RefusedError (NOT_FOUND)."""
        found = self._store.rows(
            "SELECT processing FROM dossiers WHERE id = ? AND kiosk_id = ?",
            (str(dossier_id), kiosk_id),
        )
        if not found:
            raise RefusedError(Problem.NOT_FOUND, "no such dossier")
        number: int | None = found[0][0]
        return number

    def state(self, kiosk_id: str, dossier_id: UUID) -> IntakeState:
        return self._state_of(self.own(kiosk_id, dossier_id))

    def own(self, kiosk_id: str, dossier_id: UUID) -> Dossier:
        """Raises RefusedError (NOT_FOUND) also for the dossier of another kiosk: its existence is
        none of the caller's business."""
        dossier = self._store.dossier(str(dossier_id))
        if dossier is None or dossier.kiosk_id != kiosk_id:
            raise RefusedError(Problem.NOT_FOUND, "no such dossier")
        return dossier

    def expected_part(self, kiosk_id: str, dossier_id: UUID, name: str) -> tuple[Part, bool]:
        """What the manifest says of it, and whether it is here already."""
        for part in manifest_of(self.own(kiosk_id, dossier_id)).parts:
            if part.name == name:
                return part, name in self._store.parts(str(dossier_id))
        raise RefusedError(Problem.NOT_FOUND, "the manifest names no such part")

    def take_part(self, dossier_id: UUID, part: Part, file: Incoming) -> None:
        """Keep a received part if it is the one that the manifest names."""
        if (file.size, file.sha256) != (part.size, part.sha256):
            raise RefusedError(Problem.DIGEST_MISMATCH, f"part {part.name}")
        if part.name not in self._store.parts(str(dossier_id)):
            self._vault.keep_part(str(dossier_id), part.name, file)
            self._store.keep_part(str(dossier_id), part.name)

    def keep_part(self, dossier_id: UUID, name: str) -> None:
        """It is stored, whole, and the one that the manifest names."""
        self._store.keep_part(str(dossier_id), name)

    def commit(self, kiosk_id: str, dossier_id: UUID) -> Receipt:
        """Accept a complete dossier. The first commit makes the receipt, later ones get it."""
        dossier = self.own(kiosk_id, dossier_id)
        if dossier.receipt is not None:
            return Receipt.model_validate_json(dossier.receipt)
        manifest = manifest_of(dossier)
        if missing := self._missing(manifest):
            raise RefusedError(Problem.INCOMPLETE, f"missing: {', '.join(missing)}")
        answers = self._open_all(manifest)
        arrival = self._arrivals.examine(manifest, answers)
        with self._store.transaction():
            dossier = self.own(kiosk_id, dossier_id)
            if dossier.receipt is not None:  # another commit was faster
                return Receipt.model_validate_json(dossier.receipt)
            accepted_at = now()
            receipt = self._keys.sign_receipt(
                ReceiptStatement(
                    id=manifest.id,
                    code=manifest.code,
                    manifest_sha256=hashlib.sha256(dossier.manifest.encode()).hexdigest(),
                    accepted_at=accepted_at,
                )
            )
            self._store.change(
                dossier.id,
                accepted_at=accepted_at.isoformat(),
                receipt=receipt.model_dump_json(),
                processing=Processing.RECEIVED,
            )
            self._arrivals.record(arrival, self.own(kiosk_id, dossier_id))
        return receipt

    def _check_signature(self, kiosk_id: str, signed: SignedManifest) -> None:
        text = signed.manifest.encode()
        if len(text) > MAX_MANIFEST:
            raise RefusedError(Problem.TOO_LARGE, f"a manifest has at most {MAX_MANIFEST} bytes")
        pem = self._store.public_key(kiosk_id)
        try:
            signature = base64.b64decode(signed.signature, validate=True)
        except ValueError:  # not base64, or not even ASCII
            signature = b""
        if pem is None or not signatures.verify(
            signatures.load_public(pem), signatures.MANIFEST, text, signature
        ):
            raise RefusedError(Problem.BAD_SIGNATURE, "the manifest's signature does not verify")

    def _check_key(self, manifest: Manifest) -> None:
        try:
            self._vault.data_key(manifest)
        except KeyError:
            raise RefusedError(Problem.UNKNOWN_KEY, manifest.key.key_id) from None
        except QueueError:
            raise RefusedError(Problem.BAD_MANIFEST, "key: does not open") from None

    def _open_all(self, manifest: Manifest) -> Answers:
        """Every part opens and ``answers.json`` names the applicant."""
        part = manifest.parts[0]
        try:
            for part in manifest.parts:
                data = self._vault.open_part(manifest, part.name)
                if part.name == ANSWERS:
                    answers = Answers.model_validate_json(data)
        except (FileNotFoundError, QueueError, ValidationError):
            self._require_stored(manifest, part)
            raise RefusedError(Problem.BAD_MANIFEST, f"part {part.name} cannot be read") from None
        return answers

    def _require_stored(self, manifest: Manifest, part: Part) -> None:
        """The kiosk has every part still: what was lost or damaged here is asked for again."""
        dossier_id = str(manifest.id)
        if not self._vault.holds(dossier_id, part):
            self._vault.drop_part(dossier_id, part.name)
            self._store.drop_part(dossier_id, part.name)
            raise RefusedError(Problem.INCOMPLETE, f"missing: {part.name}")

    def _missing(self, manifest: Manifest) -> tuple[str, ...]:
        here = self._store.parts(str(manifest.id))
        return tuple(part.name for part in manifest.parts if part.name not in here)

    def _state_of(self, dossier: Dossier) -> IntakeState:
        manifest = manifest_of(dossier)
        return IntakeState(
            id=manifest.id,
            state="accepted" if dossier.receipt else "receiving",
            missing=() if dossier.receipt else self._missing(manifest),
            processing=dossier.processing,
            number=dossier.number,
            note=public_note(dossier),
        )


def _decode(text: str) -> Manifest:
    try:
        return Manifest.decode(text.encode())
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise RefusedError(Problem.BAD_MANIFEST, f"{place or 'not JSON'}") from None


def _check_manifest(manifest: Manifest, kiosk_id: str, dossier_id: UUID) -> None:
    names = [part.name for part in manifest.parts]
    pages = [page for paper in manifest.papers for page in paper.pages]
    faults = {
        "id: not the one in the address": manifest.id != dossier_id,
        "kiosk_id: not the caller": manifest.kiosk_id != kiosk_id,
        "parts: a name stands twice": len(set(names)) != len(names),
        "papers: a page is not among the parts": not set(pages) <= set(names),
        f"parts: {manifest.mode} needs {', '.join(sorted(_NEEDED_PARTS[manifest.mode]))}": (
            not _NEEDED_PARTS[manifest.mode] <= set(names)
        ),
        "parts: one is empty": any(part.size == 0 for part in manifest.parts),
        "papers: nothing to certify": manifest.mode != "filing" and not pages,
    }
    for fault, found in faults.items():
        if found:
            raise RefusedError(Problem.BAD_MANIFEST, fault)
    if any(part.size > MAX_PART for part in manifest.parts):
        raise RefusedError(Problem.TOO_LARGE, f"a part has at most {MAX_PART} bytes")
    if sum(part.size for part in manifest.parts) > MAX_DOSSIER:
        raise RefusedError(Problem.TOO_LARGE, f"a dossier has at most {MAX_DOSSIER} bytes")


def _row(manifest: Manifest, kiosk_id: str, signed: SignedManifest) -> Dossier:
    return Dossier(
        id=str(manifest.id),
        kiosk_id=kiosk_id,
        code=manifest.code,
        mode=manifest.mode,
        procedure=manifest.procedure,
        manifest=signed.manifest,
        signature=signed.signature,
        opened_at=now().isoformat(),
        accepted_at=None,
        receipt=None,
        processing=None,
        number=None,
        note=None,
        facts=None,
        original_seen=None,
        decided_at=None,
        inspect_by=None,
    )
