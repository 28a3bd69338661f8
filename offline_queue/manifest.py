"""Dossier manifest v1: what a locked dossier says about itself, in clear, to the portal.

The signed bytes are the canonical JSON of :class:`Manifest`; a reader keeps unknown fields.
Names and answers of the citizen are personal data and therefore live in encrypted parts, not here:
the manifest carries only what the portal needs before it can decrypt.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
"""Of programs, short: what any database can keep (PostgreSQL knows no U+0000)."""


class Shape(BaseModel):
    """A frozen part of the manifest that keeps unknown fields."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Part(Shape):
    """One encrypted file. ``sha256`` (hex) and ``size`` are of the ciphertext."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")
    media_type: Text
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Paper(Shape):
    """A scanned original: its class, and the names of the parts that hold its pages, in order."""

    paper_class: Text
    pages: tuple[str, ...]


class Applicant(Shape):
    """Who asks; the person is described in the encrypted part ``answers.json``."""

    grade: Literal["claimed", "proven", "vouched"]
    method: Text
    face_match: bool


class Fee(Shape):
    """``amount`` in đồng."""

    rule: Text
    amount: int = Field(ge=0, le=10**12)
    state: Literal["free", "due-at-desk", "paid"]


class WrappedKey(Shape):
    """The data key, HPKE-wrapped (RFC 9180) to the portal key named ``key_id``; base64."""

    key_id: Text
    suite: Literal["X25519-HKDF-SHA256-AES-256-GCM"] = "X25519-HKDF-SHA256-AES-256-GCM"
    wrapped: str


class Manifest(Shape):
    """See docs/states.md for the life of a dossier. ``id`` is a UUIDv7, the idempotency key."""

    version: Literal[1] = 1
    id: UUID
    code: Text
    kiosk_id: Text
    agency: Text
    procedure: Text
    procedure_version: int = Field(ge=1, le=10**9)
    mode: Literal["pre-check", "post-check", "filing"]
    parent: UUID | None = None
    for_whom: Literal["self", "child", "authoriser", "business"] = "self"
    applicants: tuple[Applicant, ...] = Field(min_length=1, max_length=100)
    papers: tuple[Paper, ...]
    copies: int = Field(ge=1, le=99)
    fee: Fee
    locked_at: datetime
    clock_trusted: bool
    journal_head: str
    key: WrappedKey
    parts: tuple[Part, ...] = Field(min_length=1, max_length=1000)

    def encode(self) -> bytes:
        """Canonical bytes: UTF-8 JSON, keys sorted, no spaces. These are what is signed."""
        return canonical(self.model_dump(mode="json"))

    @classmethod
    def decode(cls, data: bytes) -> Manifest:
        """Raises ValueError (pydantic's) with the place of the first problem."""
        return cls.model_validate_json(data)


def canonical(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
