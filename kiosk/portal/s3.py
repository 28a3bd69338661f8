"""Objects in a bucket of an S3-compatible store.

Only what every such store has is used: PUT, GET, HEAD, DELETE, ListObjectsV2. S3 cannot append,
and parts of its multipart uploads have at least 5 MiB, more than a slow line carries in one go.
So each append becomes an object of its own below ``uploads/``, named by where it starts and how
long it is: the longest chain without a gap is what has arrived.

Credentials come from where AWS tools look for them: environment, ~/.aws, the machine's role.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from kiosk.portal.files import Incoming
from kiosk.portal.objects import ObjectsError, OffsetError

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=50,
    # Parts are hashed end to end by the manifest; not every store knows the newer checksums.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
_ABSENT = {"404", "NoSuchKey", "NotFound"}
_PIECE = 256 * 1024
P = ParamSpec("P")
T = TypeVar("T")


def _told_as_os_error(method: Callable[P, T]) -> Callable[P, T]:
    @wraps(method)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _ABSENT:
                raise FileNotFoundError(code) from error
            raise ObjectsError(f"S3 refuses: {code}") from error
        except BotoCoreError as error:
            raise ObjectsError(f"S3 does not answer: {type(error).__name__}") from error

    return told


class S3Objects:
    """``incoming``: a local folder in which a file is gathered before it is sent."""

    def __init__(
        self, bucket: str, incoming: Path, *, endpoint: str | None = None, region: str | None = None
    ) -> None:
        self._bucket = bucket
        self._incoming = incoming
        self._s3: Any = boto3.client(
            "s3", endpoint_url=endpoint, region_name=region, config=_CONFIG
        )

    @_told_as_os_error
    def put(self, key: str, file: Incoming) -> None:
        with file, file.read_back() as body:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentLength=file.size)

    @_told_as_os_error
    def get(self, key: str) -> bytes:
        data: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return data

    @_told_as_os_error
    def delete(self, key: str) -> None:
        self._s3.delete_object(Bucket=self._bucket, Key=key)
        self._delete_pieces(key)

    @_told_as_os_error
    def keys(self, prefix: str) -> Iterator[str]:
        return iter([name for name in self._names(prefix) if not name.startswith("uploads/")])

    @_told_as_os_error
    def append(self, key: str, offset: int, data: bytes) -> int:
        if offset != (size := self.size(key)):
            raise OffsetError(size)
        if data:
            name = f"uploads/{key}/{offset:012d}-{len(data):012d}"
            self._s3.put_object(Bucket=self._bucket, Key=name, Body=data)
        return offset + len(data)

    def size(self, key: str) -> int:
        try:
            return self._size_of_object(key)
        except FileNotFoundError:
            return sum(length for _, length in self._chain(key))

    def finish(self, key: str, sha256: str) -> bool:
        names = [name for name, _ in self._chain(key)]
        held = self._digest_of(key)  # after the pieces: who takes them away has put the object
        if held == sha256:  # it is an object: what was appended since belongs to nothing
            self._delete_pieces(key)
            return True
        if not names and held is None:
            raise FileNotFoundError(key)
        with Incoming(self._incoming) as file:
            try:
                for name in names:
                    self._fetch(name, file)
            except FileNotFoundError:
                return self.finish(key, sha256)  # another request finishes it this moment
            if names and file.sha256 == sha256:
                self.put(key, file)
                self._delete_pieces(key)
                return True
        self._delete_pieces(key)
        if held is not None:
            self.delete(key)
        return False

    @_told_as_os_error
    def expire(self, seconds: float) -> None:
        newest: dict[str, float] = {}
        for item in self._items("uploads/"):
            upload = item["Key"].rpartition("/")[0]
            newest[upload] = max(newest.get(upload, 0.0), item["LastModified"].timestamp())
        before = time.time() - seconds
        for upload, at in newest.items():
            if at < before:
                self._delete_pieces(upload.removeprefix("uploads/"))

    @_told_as_os_error
    def _size_of_object(self, key: str) -> int:
        return int(self._s3.head_object(Bucket=self._bucket, Key=key)["ContentLength"])

    def _digest_of(self, key: str) -> str | None:
        """SHA-256 (hex) of the object; None without one."""
        with Incoming(self._incoming) as file:
            try:
                self._fetch(key, file)
            except FileNotFoundError:
                return None
            return file.sha256

    @_told_as_os_error
    def _fetch(self, name: str, file: Incoming) -> None:
        body = self._s3.get_object(Bucket=self._bucket, Key=name)["Body"]
        for piece in body.iter_chunks(_PIECE):
            file.write(piece)

    @_told_as_os_error
    def _delete_pieces(self, key: str) -> None:
        for name in self._names(f"uploads/{key}/"):
            self._s3.delete_object(Bucket=self._bucket, Key=name)

    @_told_as_os_error
    def _chain(self, key: str) -> list[tuple[str, int]]:
        """Names and lengths of the pieces, each starting where the one before ends."""
        lengths: dict[int, tuple[int, str]] = {}
        for name in self._names(f"uploads/{key}/"):
            start, length = map(int, name.rpartition("/")[2].split("-"))
            lengths[start] = max(lengths.get(start, (0, "")), (length, name))
        chain: list[tuple[str, int]] = []
        end = 0
        while end in lengths:
            length, name = lengths[end]
            chain.append((name, length))
            end += length
        return chain

    def _names(self, prefix: str) -> list[str]:
        return [item["Key"] for item in self._items(prefix)]

    def _items(self, prefix: str) -> list[dict[str, Any]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        return [item for page in pages for item in page.get("Contents", ())]
