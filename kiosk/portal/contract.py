"""How the routes for kiosks say what they take, answer and refuse, in OpenAPI's words.

Bodies are read by hand (:mod:`kiosk.portal.bodies`), so FastAPI cannot know them.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from kiosk.portal.errors import STATUS
from offline_queue.intake import MAX_DOSSIER, MAX_MANIFEST, MAX_PART, Problem

Answers = dict[int | str, dict[str, Any]]
_HEADER = {"required": True, "schema": {"type": "string"}}

MEANINGS: dict[Problem, str] = {
    Problem.BAD_MANIFEST: "the manifest, or a part that it names, is not what it must be",
    Problem.BAD_REQUEST: "the request is malformed; `detail` names the field",
    Problem.BAD_SIGNATURE: "a signature does not verify, or its date is too far off",
    Problem.COPY_REVOKED: "the copy was revoked",
    Problem.CONFLICT: "another manifest is known under this id",
    Problem.DIGEST_MISMATCH: "the part is not the one that the manifest names",
    Problem.INCOMPLETE: "parts are missing; `detail` names them",
    Problem.NOT_ENROLLED: "no kiosk of this name is enrolled, or the one-time code is not for it",
    Problem.NOT_FOUND: "there is no such thing, or it is none of this kiosk's",
    Problem.REVOKED: "this kiosk was revoked; only a fresh one-time code takes it in again",
    Problem.TOO_LARGE: f"over {MAX_MANIFEST} bytes for a manifest, {MAX_PART} for a part,"
    f" {MAX_DOSSIER} for all parts",
    Problem.TOO_MANY: "asked too often: come back after Retry-After seconds",
    Problem.UNAVAILABLE: "the portal cannot take it now: come back after Retry-After seconds",
    Problem.UNKNOWN_KEY: "the dossier is locked for a key that this portal does not have",
}


class ProblemDetails(BaseModel):
    """RFC 9457. `code` is what programs go by; `detail` never repeats what was sent."""

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    code: str
    detail: str


_SIGNED: list[dict[str, list[str]]] = [{"KioskId": [], "KioskDate": [], "KioskSignature": []}]
SECURITY_SCHEMES = {
    "KioskId": {
        "type": "apiKey",
        "in": "header",
        "name": "Kiosk-Id",
        "description": "name of the enrolled kiosk",
    },
    "KioskDate": {
        "type": "apiKey",
        "in": "header",
        "name": "Kiosk-Date",
        "description": "RFC 3339; for leases and calls for staff within a day of the portal's",
    },
    "KioskSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "Kiosk-Signature",
        "description": "base64 of ES256 by the device key over method, path, date and the hex"
        " SHA-256 of the body, joined by line feeds; where a piece of a part follows, `piece at`"
        " and its offset stand in place of the SHA-256",
    },
}


def refuses(*problems: Problem) -> Answers:
    """The answers of a signed route: those of every one, and ``problems``."""
    return unsigned(
        Problem.NOT_ENROLLED,
        Problem.REVOKED,
        Problem.BAD_SIGNATURE,
        Problem.TOO_LARGE,
        *problems,
    )


def unsigned(*problems: Problem) -> Answers:
    by_status: dict[int, list[Problem]] = {}
    for problem in sorted({Problem.UNAVAILABLE, *problems}):
        by_status.setdefault(STATUS[problem], []).append(problem)
    return {status: _refusal(codes) for status, codes in sorted(by_status.items())}


def _refusal(codes: list[Problem]) -> dict[str, Any]:
    schema = {
        "$ref": "#/components/schemas/ProblemDetails",
        "properties": {"code": {"enum": [str(code) for code in codes]}},
    }
    answer: dict[str, Any] = {
        "description": "; ".join(f"`{code}`: {MEANINGS[code]}" for code in codes),
        "content": {"application/problem+json": {"schema": schema}},
    }
    if {Problem.UNAVAILABLE, Problem.TOO_MANY} & set(codes):
        answer["headers"] = {"Retry-After": {"required": True, "schema": {"type": "integer"}}}
    return answer


def signed(shape: type[BaseModel] | None = None) -> dict[str, Any]:
    """``openapi_extra`` of a route that kiosks sign, with the body that it takes."""
    return {"security": _SIGNED} | (takes(shape) if shape else {})


def takes(shape: type[BaseModel]) -> dict[str, Any]:
    return _body("application/json", shape.model_json_schema())


def tus(version: str, parameters: dict[str, dict[str, Any]], piece: str = "") -> dict[str, Any]:
    """``openapi_extra`` of a route of an upload: headers that it takes beside ``Tus-Resumable``
    (name: schema), and the media type of the piece that may come along."""
    schemas = {"Tus-Resumable": {"const": version}} | parameters
    extra: dict[str, Any] = {
        "security": _SIGNED,
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": schema}
            for name, schema in schemas.items()
        ],
    }
    return extra | (_body(piece, {}) if piece else {})


def tus_answers(status: int, what: str, told: tuple[str, ...], *problems: Problem) -> Answers:
    """Those of such a route; ``told``: headers of success."""
    success = {"description": what, "headers": dict.fromkeys(told, _HEADER)}
    refusals = unsigned(Problem.NOT_ENROLLED, Problem.REVOKED, Problem.BAD_SIGNATURE, *problems)
    other = _refusal([Problem.BAD_REQUEST]) | {
        "description": "another version of tus is spoken here",
        "headers": {"Tus-Version": _HEADER},
    }
    return {status: success, 412: other} | refusals


def _body(media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema}}}}


def file_answer(media_type: str, what: str) -> Answers:
    return {200: {"description": what, "content": {media_type: {}}}}
