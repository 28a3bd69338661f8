"""Test vectors of the seal: ``python -m tests.certify.seal_vectors > docs/seal-vectors.json``.

Keys are derived from their names and signatures are deterministic (RFC 6979), so that the same
file is made each time. The keys are believed by the bundles in the file, and by nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certify import cose, trust
from certify.errors import CertifyError
from certify.numbers import new_id_code
from certify.seal import make_seal
from certify.statement import CopyFacts, Mode
from certify.verify import refusal, verify_seal

HOST = "xacthuc.mot-cua.example"
AGENCY = "Ủy ban nhân dân xã Mây Trắng"
ISSUED = datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=7)))
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ES256 = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


class Key:
    def __init__(self, name: str) -> None:
        number = int.from_bytes(hashlib.sha256(f"mot-cua/seal-vectors/{name}".encode()).digest())
        self._private = ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())
        self.public = self._private.public_key()
        self.kid = cose.key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self._private.sign(message, _ES256))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


ANCHOR, DESK, ENDED, KIOSK, FOREIGN = map(Key, ("anchor", "desk", "ended", "kiosk", "foreign"))
BUNDLE = trust.TrustBundle(
    serial=7,
    issued=datetime(2026, 3, 1, tzinfo=UTC),
    expires=datetime(2099, 1, 1, tzinfo=UTC),
    roots=(b"no certificates are needed for seals",),
    seal_keys={key.kid: key.public for key in (DESK, ENDED, KIOSK)},
    seal_host=HOST,
    revoked_codes=frozenset({new_id_code(1, 13)}),
    revoked_certificates={2**140 + 1: datetime(2026, 2, 1, tzinfo=UTC), 5: ISSUED},
    leases={KIOSK.kid: datetime(2026, 3, 31, tzinfo=UTC)},
    seal_ends={DESK.kid: datetime(2028, 1, 1, tzinfo=UTC), ENDED.kid: ISSUED - timedelta(days=1)},
)


def vectors() -> dict[str, Any]:
    """``bundles`` with their anchors, and ``cases``: a seal, a bundle, and the verdict."""
    bundles = _bundles()
    cases = [_case(name, seal, "good", bundles) for name, seal in _seals().items()]
    genuine = cases[0]["seal"]
    wrong = [name for name in bundles if name != "good"]
    cases += [_case(f"a bundle that is {name}", genuine, name, bundles) for name in wrong]
    return {"bundles": bundles, "cases": cases}


def _bundles() -> dict[str, dict[str, str]]:
    good = trust.sign_bundle(BUNDLE, ANCHOR.sign, ANCHOR.kid)
    old = replace(BUNDLE, expires=datetime(2026, 3, 2, tzinfo=UTC))
    altered = good.replace(b"mot-cua", b"mot-cue")
    payload = cose.unverified_payload(good)
    made = {
        "good": good,
        "expired": trust.sign_bundle(old, ANCHOR.sign, ANCHOR.kid),
        "altered": altered,
        "of another anchor": trust.sign_bundle(BUNDLE, FOREIGN.sign, FOREIGN.kid),
        "signed as a policy": cose.sign1(
            payload, ANCHOR.sign, ANCHOR.kid, purpose=b"mot-cua/policy/1"
        ),
    }
    granted = trust.sign_bundle(
        replace(BUNDLE, revocation_key=KIOSK.public), ANCHOR.sign, ANCHOR.kid
    )
    listed = trust.Revocations(ISSUED, frozenset({_facts("pre-check").id_code}))
    made |= {
        "followed by a list with this copy": granted + _list(listed, KIOSK),
        "followed by an empty list": granted + _list(replace(listed, codes=frozenset()), KIOSK),
        "followed by a stranger's list": granted + _list(listed, FOREIGN),
        "followed by a list that nobody may sign": good + _list(listed, KIOSK),
        "followed by something else": good + b"\x00",
    }
    return {
        name: {"bundle": base64.b64encode(data).decode(), "anchor": pem(ANCHOR)}
        for name, data in made.items()
    }


def _list(listed: trust.Revocations, key: Key) -> bytes:
    return trust.sign_revocations(listed, key.sign, key.kid)


def pem(key: Key) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public.public_bytes(serialization.Encoding.PEM, form).decode()


def _seals() -> dict[str, str]:
    genuine = _seal(DESK, _facts("pre-check"))
    late = _facts("post-check", issued=datetime(2026, 4, 1, tzinfo=UTC))
    revoked = _facts("pre-check", id_code=new_id_code(1, 13))
    long = _facts("pre-check", agency=AGENCY + ", huyện Tưởng Tượng, tỉnh Không Có" * 4)
    return {
        "genuine, before signing checked by an officer": genuine,
        "genuine, to be inspected": _seal(KIOSK, _facts("post-check")),
        "genuine, a name that is shortened": _seal(DESK, long),
        "genuine, a large number": _seal(DESK, _facts("pre-check", number=70_000)),
        "issued after the lease": _seal(KIOSK, late),
        "to be inspected, of a key without a lease": _seal(DESK, _facts("post-check")),
        "genuine, its inspection overdue": _seal(
            KIOSK,
            _facts("post-check", issued=ISSUED - timedelta(days=4), inspect_by=date(2026, 3, 1)),
        ),
        "genuine, its inspection due today": _seal(
            KIOSK,
            _facts("post-check", issued=ISSUED - timedelta(days=4), inspect_by=date(2026, 3, 2)),
        ),
        "checked by an officer, as a kiosk says": _seal(KIOSK, _facts("pre-check")),
        "sealed by a desk whose key has ended": _seal(ENDED, _facts("pre-check")),
        "revoked": _seal(DESK, revoked),
        "of a key that nobody trusts": _seal(FOREIGN, _facts("pre-check")),
        "with the name of a trusted key": _seal(FOREIGN, _facts("pre-check"), DESK.kid),
        "an address that looks alike": genuine.replace("MOT-CUA", "M0T-CUA"),
        "an address with a Cyrillic letter": genuine.replace("MOT-CUA", "MОT-CUA"),
        "an address that goes on": genuine.replace(".EXAMPLE/", ".EXAMPLE.TEST/"),
        "altered": _rewritten(genuine, lambda message: message.replace(b"01/2026", b"91/2026")),
        "in small letters": genuine.lower(),
        "with padding": genuine + "=",
        "with a stray bit": _with_stray_bit(genuine),
        "cut off": genuine[:-8],
        "another link": f"HTTPS://{HOST.upper()}/V/",
        "something else": "00020101021138570010A000000727",
        "bytes after the message": _rewritten(genuine, lambda message: message + b"\x00"),
        "an unprotected header": _rewritten(genuine, _with_open_header),
        "signed, in a longer encoding": _signed(b"\xb8\x04" + _claims()[1:]),
        "signed, keys in another order": _signed(_turned(_claims())),
        "signed, an id code with a wrong letter": _signed(
            _claims().replace(_facts("pre-check").id_code.encode(), b"0001000000A0")
        ),
        "signed, of an unknown mode": _signed(_claims(mode=2)),
        "signed, a digest of 8 bytes": _signed(_claims(digest=bytes(8))),
    }


def _facts(mode: Mode, **changes: Any) -> CopyFacts:
    pre_check = mode == "pre-check"
    values: dict[str, Any] = {
        "id_code": new_id_code(1, 12),
        "number": 123,
        "year": 2026,
        "book": "01/2026-SCT/BS",
        "agency": AGENCY,
        "place": "xã Mây Trắng",
        "officer": "Lê Thị Hư Cấu" if pre_check else "",
        "officer_title": "Công chức Tư pháp - Hộ tịch" if pre_check else "",
        "issued": ISSUED,
        "copies": 1,
        "mode": mode,
        "inspect_by": None if pre_check else date(2026, 3, 5),
        "dossier_code": "H26.15-260302-0042",
    }
    return CopyFacts(**values | changes)


def _seal(key: Key, facts: CopyFacts, kid: bytes = b"") -> str:
    digest = hashlib.sha256(b"pages").digest()[:16]
    return make_seal(facts, digest, 2, host=HOST, sign=key.sign, kid=kid or key.kid)


def _claims(*, mode: int = 0, digest: bytes = bytes(16)) -> bytes:
    facts = _facts("pre-check")
    copy = [facts.number, facts.book, facts.agency_code, 2, digest, mode, None]
    claims = {1: "UBND xã Mây Trắng", 6: 1772418600, 7: facts.id_code.encode(), -65537: copy}
    return cose.encode(claims)


def _turned(claims: bytes) -> bytes:
    return cbor2.dumps(dict(reversed(cbor2.loads(claims).items())))


def _signed(payload: bytes) -> str:
    return _text(cose.sign1(payload, DESK.sign, DESK.kid))


def _rewritten(seal: str, change: Any) -> str:
    body = seal.rpartition("/")[2]
    return _text(change(base64.b32decode(body + "=" * (-len(body) % 8))))


def _text(message: bytes) -> str:
    return f"HTTPS://{HOST.upper()}/V/{base64.b32encode(message).decode().rstrip('=')}"


def _with_open_header(message: bytes) -> bytes:
    parts = cbor2.loads(message).value
    return cose.encode(cbor2.CBORTag(18, [parts[0], {4: b"any"}, *parts[2:]]))


def _with_stray_bit(seal: str) -> str:
    """The last letter carries bits that no byte needs; here one of them is set."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return seal[:-1] + letters[letters.index(seal[-1]) | 1]


def _case(name: str, seal: str, bundle: str, bundles: dict[str, dict[str, str]]) -> dict[str, Any]:
    return {"name": name, "bundle": bundle, "seal": seal, **judged(seal, **bundles[bundle])}


def judged(seal: str, bundle: str, anchor: str) -> dict[str, Any]:
    """Code, sentences and what the seal says, as of the day it was issued."""
    try:
        trusted = trust.load_bundle(base64.b64decode(bundle), trust.load_anchor(anchor), at=ISSUED)
    except CertifyError as error:
        vi, en = refusal(error.code.partition(".")[2])
        return {"code": str(error.code), "vi": vi, "en": en, "claims": None}
    verdict = verify_seal(seal, trusted, at=ISSUED)
    claims = verdict.seal.to_dict() if verdict.seal else None
    return {
        "code": verdict.code,
        "vi": verdict.sentence_vi,
        "en": verdict.sentence_en,
        "claims": claims,
    }


if __name__ == "__main__":
    about = "Made by python -m tests.certify.seal_vectors; judged as of 2026-03-02T09:30:00+07:00."
    print(json.dumps({"about": about, **vectors()}, ensure_ascii=False, indent=2))
