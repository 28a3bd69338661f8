"""``python -m kiosk.sandbox.token``: put keys and certificates on SoftHSM2 tokens.

A process of its own, because a PKCS#11 library reads its configuration once per process. PINs and
keys arrive on standard input, never on a command line.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Contents = Mapping[str, tuple[PrivateKey | None, bytes]]
"""Label: key (none for a CA's certificate), and certificate (DER)."""


def fill(module: Path, configuration: Path, label: str, pin: str, contents: Contents) -> None:
    """Make the token ``label`` with a user PIN. Raises RuntimeError when the library refuses."""
    order = {
        "module": str(module),
        "label": label,
        "pin": pin,
        "objects": [
            {"label": name, "key": _portable(key), "certificate": certificate.hex()}
            for name, (key, certificate) in contents.items()
        ],
    }
    done = subprocess.run(
        [sys.executable, "-m", "kiosk.sandbox.token"],
        input=json.dumps(order).encode(),
        env={**os.environ, "SOFTHSM2_CONF": str(configuration)},
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise RuntimeError(f"token {label}: {last}")


def _portable(key: PrivateKey | None) -> dict[str, str] | None:
    """RFC 8017 or RFC 5915 DER, which is what PKCS#11 helpers take apart."""
    if key is None:
        return None
    der = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return {"kind": "rsa" if isinstance(key, rsa.RSAPrivateKey) else "ec", "der": der.hex()}


def main() -> None:
    import pkcs11

    order = json.load(sys.stdin)
    library = pkcs11.lib(order["module"])
    # The security officer's PIN is thrown away: nothing here ever resets a token.
    security_pin = os.urandom(16).hex()
    _initialise(order["module"], library.get_slots()[-1].slot_id, security_pin, order["label"])
    library.reinitialize()
    token = library.get_token(token_label=order["label"])
    with token.open(rw=True, so_pin=security_pin) as session:
        session.init_pin(order["pin"])
    with token.open(rw=True, user_pin=order["pin"]) as session:
        for entry in order["objects"]:
            _store(session, entry)


def _initialise(module: str, slot: int, security_pin: str, label: str) -> None:
    """C_InitToken, the one call that python-pkcs11 does not offer."""
    pin = security_pin.encode()
    result = ctypes.CDLL(module).C_InitToken(
        ctypes.c_ulong(slot), pin, ctypes.c_ulong(len(pin)), label.encode().ljust(32)
    )
    if result:
        raise RuntimeError(f"C_InitToken answers {result:#x}")


def _store(session: Any, entry: dict[str, Any]) -> None:
    from pkcs11 import Attribute
    from pkcs11.util.x509 import decode_x509_certificate

    name = {Attribute.LABEL: entry["label"], Attribute.ID: entry["label"].encode()}
    certificate = decode_x509_certificate(bytes.fromhex(entry["certificate"]))
    session.create_object({**certificate, **name, Attribute.TOKEN: True})
    if entry["key"]:
        guarded = {
            Attribute.TOKEN: True,
            Attribute.PRIVATE: True,
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
            Attribute.SIGN: True,
        }
        session.create_object({**_attributes(entry["key"]), **name, **guarded})


def _attributes(key: dict[str, str]) -> dict[Any, Any]:
    from pkcs11.util.ec import decode_ec_private_key
    from pkcs11.util.rsa import decode_rsa_private_key

    decode = decode_rsa_private_key if key["kind"] == "rsa" else decode_ec_private_key
    return dict(decode(bytes.fromhex(key["der"])))


if __name__ == "__main__":
    main()
