"""The portal's web server. TLS ends at a reverse proxy in front of it."""

from __future__ import annotations

import json
import logging
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import click
import uvicorn
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from certify.errors import CertifyError
from kiosk.portal import (
    desk_api,
    desk_pages,
    kiosk_api,
    kiosk_services,
    office_pages,
    pages,
    register_pages,
    seal_pages,
    upload_api,
)
from kiosk.portal.access_log import AccessLog, write_to_standard_error
from kiosk.portal.bodies import without_nul
from kiosk.portal.composition import Portal, open_portal, unpublished_of
from kiosk.portal.database import DatabaseError
from kiosk.portal.desk_auth import LoginNeededError
from kiosk.portal.errors import PortalError, RefusedError
from kiosk.portal.last_resort import LastResort
from kiosk.portal.settings import PortalSettings, load
from offline_queue.errors import QueueError
from offline_queue.intake import Problem

_log = logging.getLogger(__name__)
_LAST_SECONDS = 3  # for requests under way when told to stop


def create_app(settings: PortalSettings) -> FastAPI:
    """Raises PortalError (SETTINGS_INVALID, STORAGE_UNAVAILABLE), and OSError when the state
    folder is unusable."""
    app = FastAPI(
        title="Một Cửa",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(without_nul)],
    )
    app.state.portal = open_portal(settings)
    modules = (
        kiosk_api,
        upload_api,
        kiosk_services,
        desk_api,
        pages,
        seal_pages,
        desk_pages,
        office_pages,
        register_pages,
    )
    for module in modules:
        app.include_router(module.router)
    app.include_router(seal_pages.public_trust)
    app.add_middleware(LastResort, answer=_broken)
    app.add_middleware(AccessLog)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _not_served)
    app.add_exception_handler(LoginNeededError, pages.to_login)
    for error in (OSError, DatabaseError, QueueError, CertifyError, ClientDisconnect):
        app.add_exception_handler(error, _unavailable)
    return app


class Server:
    """Listens as soon as it exists; :meth:`serve` blocks until :meth:`stop` or a signal."""

    def __init__(self, settings: PortalSettings, *, port: int | None = None) -> None:
        self._app = create_app(settings)
        wanted = settings.port if port is None else port
        self._socket = socket.create_server((settings.host, wanted))
        self._server = uvicorn.Server(
            # uvicorn's log has addresses and paths; kiosk.portal.access_log has neither.
            uvicorn.Config(
                self._app,
                access_log=False,
                log_level="warning",
                server_header=False,
                # Whoever connects is the caller, unless the settings name it as a proxy of ours.
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=[str(each) for each in settings.trusted_proxies],
                timeout_graceful_shutdown=_LAST_SECONDS,
            )
        )

    @property
    def portal(self) -> Portal:
        portal = self._app.state.portal
        assert isinstance(portal, Portal)
        return portal

    @property
    def address(self) -> str:
        host, port = self._socket.getsockname()[:2]
        return f"http://{host}:{port}"

    def serve(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self.portal.store.close()

    def stop(self) -> None:
        self._server.should_exit = True


def say_address(address: str) -> None:
    """One JSON line, for the program that started this one."""
    sys.stdout.write(json.dumps({"address": address}) + "\n")
    sys.stdout.flush()


def run(
    settings: PortalSettings,
    *,
    port: int | None = None,
    ready: Callable[[str], None] = say_address,
) -> None:
    """Serve until SIGINT or SIGTERM. ``port`` replaces the one in the settings, 0 is any."""
    if settings.access_log:
        write_to_standard_error()
    server = Server(settings, port=port)
    warn_of_unpublished(server.portal)
    ready(server.address)
    server.serve()


def warn_of_unpublished(portal: Portal) -> None:
    if codes := unpublished_of(portal):
        _log.warning(
            "%d revoked copies are not published: name `kiosk portal revocation-key` in trust.toml",
            len(codes),
        )


def _problem(status: int, code: str, detail: str, **headers: str) -> Response:
    return JSONResponse(
        {"type": "about:blank", "title": code, "status": status, "code": code, "detail": detail},
        status_code=status,
        media_type="application/problem+json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def _refused(request: Request, error: Exception) -> Response:
    """A page for a person, problem+json for a program."""
    assert isinstance(error, RefusedError)
    page = pages.refused_page(request, error)
    return page or _problem(error.status, error.code, error.detail, **error.headers)


def _malformed(request: Request, error: Exception) -> Response:
    """Names the field alone: FastAPI's own answer would repeat what was sent."""
    assert isinstance(error, RequestValidationError)
    place = ".".join(map(str, error.errors()[0]["loc"]))
    return _refused(request, RefusedError(Problem.BAD_REQUEST, place))


def _not_served(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = Problem.NOT_FOUND if error.status_code == 404 else Problem.BAD_REQUEST
    return _refused(request, RefusedError(code, str(error.detail), status=error.status_code))


def _unavailable(request: Request, error: Exception) -> Response:
    """A full or failing disk, or a client that went away: kiosks keep their dossiers and return."""
    _log.error("portal: %s", type(error).__name__)
    return _refused(request, RefusedError(Problem.UNAVAILABLE, "try again later"))


def _broken() -> Response:
    return _problem(500, Problem.UNAVAILABLE, "a defect of the portal")


@click.command()
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="TOML file, see kiosk.portal.settings.PortalSettings.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="Instead of the port in the settings.")
def main(settings_file: Path, port: int | None) -> None:
    """Serve the portal until it is ended."""
    try:
        run(load(settings_file), port=port)
    except (PortalError, OSError) as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
