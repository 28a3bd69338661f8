"""A device key that never leaves its PKCS#11 token, behind cryptography's own interface.

Whatever signs with an ``EllipticCurvePrivateKey`` (requests, manifests, certificate requests) signs
with this one unchanged. The library of the token runs in a child: it may hang or crash.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Coroutine
from typing import Any, Never

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from drivers.contract import DeviceError
from drivers.supervisor import Child, ChildSpec
from kiosk.settings import DeviceKeySettings
from offline_queue.errors import Fault, QueueError

_DEADLINE = 5.0


class TokenKey(ec.EllipticCurvePrivateKey):
    """Raises QueueError (UNREACHABLE, retryable) when the token does not answer."""

    def __init__(self, settings: DeviceKeySettings) -> None:
        self._child = Child(
            ChildSpec(
                "device-key",
                "kiosk.link.token_worker:TokenWorker",
                {
                    "module": str(settings.module),
                    "token": settings.token,
                    "key": settings.key,
                    "pin_file": str(settings.pin_file or ""),
                },
                environment=settings.environment,
                deadline=_DEADLINE,
            )
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="device-key")
        self._thread.daemon = True
        self._thread.start()
        try:
            der = self._ask(self._child.call("public_key"))
        except QueueError:
            self.close()
            raise
        public = serialization.load_der_public_key(bytes(der))
        assert isinstance(public, ec.EllipticCurvePublicKey)
        self._public = public

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._child.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """ES256 in DER."""
        if not isinstance(signature_algorithm.algorithm, hashes.SHA256):
            raise TypeError("this key signs with SHA-256")
        raw = bytes(self._ask(self._child.call("sign", digest=hashlib.sha256(data).digest())))
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public.curve

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> Never:
        raise TypeError("this key signs, nothing else")

    def private_numbers(self) -> Never:
        raise TypeError("this key does not leave its token")

    def private_bytes(self, *_: object) -> Never:
        raise TypeError("this key does not leave its token")

    def __copy__(self) -> TokenKey:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> TokenKey:
        return self

    def _ask(self, call: Coroutine[Any, Any, Any]) -> Any:
        try:
            return asyncio.run_coroutine_threadsafe(call, self._loop).result()
        except DeviceError as error:
            raise QueueError(Fault.UNREACHABLE, f"device key: {error}", retryable=True) from None
