"""Reading request bodies with a limit, and only after the caller is known where that is possible.

FastAPI's own parsing would read a stranger's body whole before any check, and repeat in its
errors what was sent.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from kiosk.portal.errors import RefusedError
from offline_queue.intake import MAX_MANIFEST, MAX_PART, Problem

_MAX_JSON = 4 * MAX_MANIFEST  # a manifest inside JSON: each of its quotes is escaped
_MAX_FORM = 16 * 1024  # bytes; the longest has 500 letters, at most 12 bytes each
Shape = TypeVar("Shape", bound=BaseModel)


def without_nul(request: Request) -> None:
    """For every route: addresses hold no NUL, which PostgreSQL keeps in no text.
    Raises RefusedError (NOT_FOUND)."""
    values = [text for pair in request.query_params.multi_items() for text in pair]
    if any("\0" in text for text in (request.scope["path"], *values)):
        raise RefusedError(Problem.NOT_FOUND, "no such address")


async def read_up_to(request: Request, limit: int) -> bytes:
    """Raises RefusedError (TOO_LARGE)."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise RefusedError(Problem.TOO_LARGE, f"at most {limit} bytes")
    return bytes(body)


async def small_body(request: Request) -> bytes:
    return await read_up_to(request, _MAX_JSON)


async def form_body(request: Request) -> bytes:
    """Taking a form apart costs far more than its bytes, and strangers send them."""
    return await read_up_to(request, _MAX_FORM)


async def file_body(request: Request) -> bytes:
    return await read_up_to(request, MAX_PART)


SmallBody = Annotated[bytes, Depends(small_body)]
FormBody = Annotated[bytes, Depends(form_body)]
FileBody = Annotated[bytes, Depends(file_body)]


def parse(shape: type[Shape], body: bytes) -> Shape:
    """Raises RefusedError (BAD_REQUEST), which names the field and never repeats its value."""
    if b"\\u0000" in body:  # JSON's way to write NUL
        raise RefusedError(Problem.BAD_REQUEST, "body: NUL")
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "body"
        raise RefusedError(Problem.BAD_REQUEST, f"{place}: {first['type']}") from None
