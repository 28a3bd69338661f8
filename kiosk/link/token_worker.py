"""The inside of the child that holds the token: makes the device key once, signs digests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

from certify.secret import keep_out_of_dumps


class TokenWorker:
    def __init__(self, module: str, token: str, key: str, pin_file: str) -> None:
        keep_out_of_dumps()
        pin = Path(pin_file).read_text("utf-8").strip() if pin_file else None
        found = pkcs11.lib(module).get_token(token_label=token)
        self._session = found.open(rw=True, user_pin=pin)
        self._label = key
        if not self._find(ObjectClass.PRIVATE_KEY):
            self._make()
        self._key = self._find(ObjectClass.PRIVATE_KEY)[0]

    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        return bytes(encode_ec_public_key(self._find(ObjectClass.PUBLIC_KEY)[0]))

    def sign(self, digest: bytes) -> bytes:
        """ECDSA over a SHA-256 digest: r and s, 32 bytes each."""
        return bytes(self._key.sign(bytes(digest), mechanism=Mechanism.ECDSA))

    def _make(self) -> None:
        curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        parameters = self._session.create_domain_parameters(KeyType.EC, curve, local=True)
        parameters.generate_keypair(
            store=True,
            label=self._label,
            id=self._label.encode(),
            private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
        )

    def _find(self, kind: ObjectClass) -> list[Any]:
        wanted = {Attribute.CLASS: kind, Attribute.LABEL: self._label}
        return list(self._session.get_objects(wanted))
