"""The certifier as the kiosk runs it: in a supervised child, on shared memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certify import cose
from certify.copyfile import open_reader, read_copy
from certify.errors import Fault
from certify.pages import SourcePage
from certify.trust import TrustBundle, sign_bundle
from drivers.contract import DeviceError
from drivers.supervisor import Child, ChildSpec
from drivers.wire import Blob
from kiosk.certifier import Certifier
from kiosk.sandbox import pki
from kiosk.sandbox.pki import SandboxPki
from kiosk.settings import SigningSettings
from tests.certify import specimens
from tests.certify.conftest import Signers


def run(
    sandbox: SandboxPki, story: Callable[[Child, bytes], Awaitable[Any]], **options: str
) -> Any:
    anchor = (sandbox.trust_dir / "anchor.pem").read_text()
    bundle = (sandbox.trust_dir / "bundle.cose").read_bytes()
    spec = ChildSpec(
        "certifier",
        "certify.worker:CertifyWorker",
        {
            "anchor": anchor,
            "module": str(sandbox.module),
            "token": pki.KIOSK_TOKEN,
            "pin_file": str(sandbox.kiosk_pin),
        }
        | options,
        environment={"SOFTHSM2_CONF": str(sandbox.softhsm_conf)},
    )

    async def main() -> Any:
        child = Child(spec)
        try:
            return await story(child, bundle)
        finally:
            await child.close()

    return asyncio.run(main())


def plain(page: SourcePage) -> dict[str, Any]:
    words = [list(asdict(word).values()) for word in page.words]
    return {
        "jpeg": Blob.of(page.jpeg),
        "width": page.width,
        "height": page.height,
        "dpi": page.dpi,
        "words": words,
    }


def issuing() -> dict[str, Any]:
    due = (datetime.now(UTC) + timedelta(days=3)).date()
    facts = specimens.facts("post-check", inspect_by=due)
    return {"pages": [plain(specimens.page())], "facts": facts.to_dict()}


def test_it_issues_and_verifies(sandbox: SandboxPki) -> None:
    async def story(child: Child, bundle: bytes) -> Any:
        pdf = await child.call("issue_post_check", bundle=bundle, **issuing())
        return [
            await child.call("verify", pdf=Blob.of(data), bundle=bundle)
            for data in (pdf, pdf + b"more")
        ]

    good, bad = run(sandbox, story)
    assert good == {
        "ok": True,
        "state": "agency-inspection-due",
        "code": "",
        "id_code": specimens.facts().id_code,
    }
    assert bad == {
        "ok": False,
        "state": "not-genuine",
        "code": "copy.not-fully-signed",
        "id_code": "",
    }


def test_a_lease_that_has_ended_stops_it_before_a_number_is_burned(
    sandbox: SandboxPki, bundle: TrustBundle, signers: Signers
) -> None:
    anchor = serialization.load_pem_private_key(sandbox.anchor_key.read_bytes(), None)
    assert isinstance(anchor, ec.EllipticCurvePrivateKey)
    sign, kid = cose.software_signer(anchor), cose.key_id(anchor.public_key())
    ended = {signers.kiosk_seal.key_id: datetime.now(UTC) - timedelta(seconds=1)}
    worse = [
        replace(bundle, leases=ended),
        replace(bundle, leases={}),
        replace(bundle, seal_keys={}),
    ]

    async def story(child: Child, good: bytes) -> Any:
        assert await child.call("may_issue", bundle=good)
        for each in worse:
            signed = sign_bundle(each, sign, kid)
            assert not await child.call("may_issue", bundle=signed)
            with pytest.raises(DeviceError) as caught:
                await child.call("issue_post_check", bundle=signed, **issuing())
            assert caught.value.code == Fault.LEASE_EXPIRED

    run(sandbox, story)


def test_getting_ready_opens_no_key(sandbox: SandboxPki) -> None:
    async def story(child: Child, _bundle: bytes) -> Any:
        return await child.call("prepare")

    assert run(sandbox, story, pin_file="/nonexistent/pin") is None


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"pin_file": "wrong"}, Fault.SIGNER_REFUSED),
        ({"pin_file": "/nonexistent/pin"}, Fault.SIGNER_REFUSED),
        ({"token": ""}, Fault.SIGNER_ABSENT),
        ({"token": "none"}, Fault.SIGNER_ABSENT),
        ({"key": "none"}, Fault.SIGNER_ABSENT),
    ],
)
def test_a_token_that_does_not_serve_has_a_code(
    sandbox: SandboxPki, tmp_path: Any, options: dict[str, str], fault: Fault
) -> None:
    if options.get("pin_file") == "wrong":
        (tmp_path / "pin").write_text("00000000")
        options = {"pin_file": str(tmp_path / "pin")}

    async def story(child: Child, bundle: bytes) -> Any:
        return await child.call("issue_post_check", bundle=bundle, **issuing())

    with pytest.raises(DeviceError) as caught:
        run(sandbox, story, **options)
    assert caught.value.code == fault
    assert "00000000" not in str(caught.value)


def test_a_stale_bundle_stops_it(sandbox: SandboxPki) -> None:
    async def story(child: Child, bundle: bytes) -> Any:
        return await child.call("issue_post_check", bundle=bundle[:-1], **issuing())

    with pytest.raises(DeviceError) as caught:
        run(sandbox, story)
    assert caught.value.code == Fault.BUNDLE_INVALID


def test_a_seal_alone_is_judged_by_a_kiosk_without_a_token(sandbox: SandboxPki) -> None:
    async def story(child: Child, bundle: bytes) -> Any:
        pdf = await child.call("issue_post_check", bundle=bundle, **issuing())
        reader = open_reader(pdf)
        assert reader is not None
        certifier = Certifier(SigningSettings(), (sandbox.trust_dir / "anchor.pem").read_text())
        seal = read_copy(reader).seal
        try:
            return [await certifier.verify_seal(text, bundle) for text in (seal, seal.lower())]
        finally:
            await certifier.close()

    good, bad = run(sandbox, story)
    facts = specimens.facts("post-check")
    assert (good.ok, good.code, good.pages) == (True, "post-check", 1)
    assert (good.number, good.id_code) == (f"{facts.number}, {facts.book}", facts.id_code)
    assert good.issued == facts.issued
    assert (bad.ok, bad.code, bad.number, bad.issued) == (False, "copy.seal-invalid", "", None)
    assert set(bad.sentences) == {"vi", "en"}
