"""Uploads of parts by the tus protocol, version 1.0.0, with creation and creation-with-upload.

The address of an upload is known beforehand, that of the part: whoever lost the answer to its
creation asks there. The signature comes before the piece and says where it goes; the digest in the
signed manifest says what it must have been.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from kiosk.portal.composition import Portal, PortalDep
from kiosk.portal.contract import tus, tus_answers, unsigned
from kiosk.portal.errors import RefusedError
from kiosk.portal.kiosk_auth import CallDep, require_admitted, verify_statement
from kiosk.portal.uploads import Progress
from offline_queue.intake import MAX_PART, PREFIX, Problem, stream_statement
from offline_queue.tus import PIECE_TYPE, VERSION

SILENCE_SECONDS = 60.0
"""A sender that says nothing for so long has lost its connection without our being told."""
PATH = "/dossiers/{dossier_id}/parts/{name}"
_SPOKEN = {"Tus-Resumable": VERSION, "Tus-Version": VERSION}
_ABOUT_PART = (Problem.BAD_REQUEST, Problem.NOT_FOUND, Problem.DIGEST_MISMATCH)
_BYTES = {"type": "integer", "minimum": 0, "maximum": MAX_PART}


class TusRoute(APIRoute):
    """Every answer names the version, refusals too: by that a kiosk knows them from a proxy's."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def versioned(request: Request) -> Response:
            try:
                if request.headers.get("Tus-Resumable") != VERSION and request.method != "OPTIONS":
                    raise RefusedError(Problem.BAD_REQUEST, f"Tus-Resumable: {VERSION}", status=412)
                answer = await handle(request)
            except RefusedError as refused:
                refused.headers |= _SPOKEN
                raise
            answer.headers["Tus-Resumable"] = VERSION
            return answer

        return versioned


router = APIRouter(
    prefix=PREFIX,
    route_class=TusRoute,
    generate_unique_id_function=lambda route: route.name,
)


@router.options(PATH, status_code=204, responses=unsigned(Problem.BAD_REQUEST))
def upload_abilities(dossier_id: UUID, name: str) -> Response:
    told = {
        "Tus-Version": VERSION,
        "Tus-Extension": "creation,creation-with-upload",
        "Tus-Max-Size": str(MAX_PART),
    }
    return Response(status_code=204, headers=told)


@router.head(
    PATH,
    response_class=Response,
    responses=tus_answers(
        200,
        "how much has arrived",
        ("Upload-Offset", "Upload-Length"),
        *_ABOUT_PART,
        Problem.TOO_LARGE,
    ),
    openapi_extra=tus(VERSION, {}),
)
async def upload_progress(
    portal: PortalDep, call: CallDep, dossier_id: UUID, name: str
) -> Response:
    now = await portal.uploads.progress(call.kiosk_id, dossier_id, name)
    return _standing(200, now, {"Upload-Length": str(now.size)})


@router.post(
    PATH,
    status_code=201,
    response_class=Response,
    responses=tus_answers(
        201,
        "begun; so much has arrived",
        ("Upload-Offset", "Location"),
        *_ABOUT_PART,
        Problem.CONFLICT,
    ),
    openapi_extra=tus(VERSION, {"Upload-Length": _BYTES}, PIECE_TYPE),
)
async def begin_upload(
    portal: PortalDep, request: Request, dossier_id: UUID, name: str
) -> Response:
    kiosk_id = await run_in_threadpool(_sender, portal, request, 0)
    length = _number(request, "Upload-Length")
    stream = _pieces(request) if _has_piece(request) else _nothing()
    now = await portal.uploads.begin(kiosk_id, dossier_id, name, length, stream)
    return _standing(201, now, {"Location": request.url.path})


@router.patch(
    PATH,
    status_code=204,
    response_class=Response,
    responses=tus_answers(
        204, "so much has arrived", ("Upload-Offset",), *_ABOUT_PART, Problem.CONFLICT
    ),
    openapi_extra=tus(VERSION, {"Upload-Offset": _BYTES}, PIECE_TYPE),
)
async def add_to_upload(
    portal: PortalDep, request: Request, dossier_id: UUID, name: str
) -> Response:
    offset = _number(request, "Upload-Offset")
    if not _has_piece(request):
        raise RefusedError(Problem.BAD_REQUEST, f"Content-Type: {PIECE_TYPE}")
    kiosk_id = await run_in_threadpool(_sender, portal, request, offset)
    now = await portal.uploads.add(kiosk_id, dossier_id, name, offset, _pieces(request))
    return _standing(204, now, {})


def _sender(portal: Portal, request: Request, offset: int) -> str:
    """Known before the first byte of a piece is read."""
    date = request.headers.get("Kiosk-Date", "")
    statement = stream_statement(request.method, request.url.path, date, offset)
    kiosk_id, _ = verify_statement(portal.store, request, statement)
    require_admitted(portal, kiosk_id)
    return kiosk_id


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """Ends with the piece, or where the line was cut: what has come until then counts."""
    stream = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                block = await anext(stream)
        except (StopAsyncIteration, ClientDisconnect, TimeoutError):
            return
        yield block


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _has_piece(request: Request) -> bool:
    return request.headers.get("Content-Type") == PIECE_TYPE


def _number(request: Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise RefusedError(Problem.BAD_REQUEST, f"{name} is not a number of bytes")
    return int(text)


def _standing(status: int, now: Progress, more: dict[str, str]) -> Response:
    headers = {"Upload-Offset": str(now.offset), "Cache-Control": "no-store", **more}
    return Response(status_code=status, headers=headers)
