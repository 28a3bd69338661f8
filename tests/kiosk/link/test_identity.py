"""A code from the phone becomes a person only when every proof of the provider holds."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kiosk.failures import Fault, KioskError
from kiosk.identity.providers import ProviderProfile, profile, profiles
from kiosk.link.identity import VneidClient
from kiosk.link.provider import Provider
from tests.kiosk.link.small_vneid import CODE, SmallVneid

JPEG = b"\xff\xd8\xff\xe0 picture"


@pytest.fixture
def provider() -> Iterator[SmallVneid]:
    with SmallVneid() as provider:
        yield provider


@pytest.fixture
def client(provider: SmallVneid) -> VneidClient:
    return client_of(provider.address)


def client_of(issuer: str, **quirks: Any) -> VneidClient:
    profile = ProviderProfile(title="test", source="test", **quirks)
    return VneidClient(Provider(issuer, "kiosk", 2, profile))


def code_of(client: VneidClient, payload: str = CODE) -> str:
    with pytest.raises(KioskError) as caught:
        client.identify(payload)
    assert "001099000001" not in str(caught.value)
    assert "BỊA" not in str(caught.value)
    return caught.value.code


def test_a_code_becomes_a_person(provider: SmallVneid, client: VneidClient) -> None:
    provider.profile["photo"] = base64.b64encode(JPEG).decode()
    identity = client.identify(f" {CODE}\r\n")
    assert identity.full_name == "NGUYỄN THỊ BỊA"
    assert identity.citizen_number == "001099000001"
    assert identity.birth_date == date(1990, 2, 3)
    assert (identity.level, identity.photo) == (2, JPEG)
    assert provider.form_type == "application/x-www-form-urlencoded"


def test_the_other_spelling_of_the_claims(provider: SmallVneid, client: VneidClient) -> None:
    profile = provider.profile
    profile["citizenPid"], profile["fullName"] = profile.pop("SoDinhDanh"), profile.pop("HoVaTen")
    profile["accountLevel"] = "2"
    identity = client.identify(CODE)
    assert (identity.citizen_number, identity.full_name) == ("001099000001", "NGUYỄN THỊ BỊA")


@pytest.mark.parametrize("photo", [None, "", "no base64!", base64.b64encode(b"GIF89a").decode(), 5])
def test_what_is_no_jpeg_is_no_photo(
    provider: SmallVneid, client: VneidClient, photo: object
) -> None:
    provider.profile["photo"] = photo
    assert client.identify(CODE).photo is None


def test_a_code_works_once(client: VneidClient) -> None:
    client.identify(CODE)
    assert code_of(client) == Fault.IDENTITY_REPLAYED


def test_the_configuration_and_the_keys_are_read_once(
    provider: SmallVneid, client: VneidClient
) -> None:
    client.identify(CODE)
    provider.codes.add("another-code")
    provider.calls.clear()
    client.identify("another-code")
    assert provider.calls == ["/token", "/userinfo"]


def test_a_new_key_of_the_provider_is_fetched(provider: SmallVneid, client: VneidClient) -> None:
    client.identify(CODE)
    provider.key = provider.signer = ec.generate_private_key(ec.SECP256R1())
    provider.key_id = "key-2"
    provider.codes.add("another-code")
    assert client.identify("another-code").level == 2


@pytest.mark.parametrize(
    "payload", ["", "  ", "two words", "001099000001||Nguyễn Thị Bịa|03021990", "x" * 3000, "a\0b"]
)
def test_what_cannot_be_a_code_never_leaves_the_kiosk(
    provider: SmallVneid, client: VneidClient, payload: str
) -> None:
    assert code_of(client, payload) == Fault.IDENTITY_UNREADABLE
    assert provider.calls == []


def test_a_low_level_is_told(provider: SmallVneid, client: VneidClient) -> None:
    provider.profile["accountLevel"] = 1
    assert code_of(client) == Fault.IDENTITY_LEVEL


@pytest.mark.parametrize("error", ["access_denied", "invalid_client", "invalid_request"])
def test_other_answers_of_the_token_endpoint_are_refusals(
    provider: SmallVneid, client: VneidClient, error: str
) -> None:
    provider.error = error
    assert code_of(client, "other-code") == Fault.IDENTITY_REFUSED


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://another.example"},
        {"exp": None},
        {"sub": "subject-2"},
        {"sub": None},
    ],
    ids=lambda claims: "-".join(map(str, claims)),
)
def test_an_id_token_must_be_for_us_now_and_of_the_same_subject(
    provider: SmallVneid, client: VneidClient, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    assert code_of(client) == Fault.IDENTITY_REFUSED


def test_a_forged_id_token_is_refused(provider: SmallVneid, client: VneidClient) -> None:
    provider.signer = ec.generate_private_key(ec.SECP256R1())
    assert code_of(client) == Fault.IDENTITY_REFUSED


def test_an_id_token_of_another_algorithm_is_refused(
    provider: SmallVneid, client: VneidClient
) -> None:
    provider.algorithm, provider.signer = "HS256", "a secret of sufficient length, 32 bytes"
    assert code_of(client) == Fault.IDENTITY_REFUSED


def test_an_id_token_that_is_missing_is_refused(provider: SmallVneid, client: VneidClient) -> None:
    provider.broken["/token"] = (200, b'{"access_token": "access-1"}')
    assert code_of(client) == Fault.IDENTITY_REFUSED


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("SoDinhDanh", None),
        ("SoDinhDanh", "12345"),
        ("HoVaTen", ""),
        ("NgayThangNamSinh", "1990-02-03"),
        ("NgayThangNamSinh", "19900230"),
        ("accountLevel", "two"),
        ("accountLevel", None),
        ("sub", None),
    ],
)
def test_a_profile_that_lacks_something_is_refused(
    provider: SmallVneid, client: VneidClient, claim: str, value: object
) -> None:
    provider.profile[claim] = value
    assert code_of(client) == Fault.IDENTITY_REFUSED


@pytest.mark.parametrize(
    "path", ["/.well-known/openid-configuration", "/token", "/userinfo", "/jwks"]
)
@pytest.mark.parametrize("broken", [(503, b"{}"), (200, b"<html>captive</html>"), (200, b"[]")])
def test_a_provider_out_of_order_is_offline(
    provider: SmallVneid, client: VneidClient, path: str, broken: tuple[int, bytes]
) -> None:
    provider.broken[path] = broken
    with pytest.raises(KioskError) as caught:
        client.identify(CODE)
    assert caught.value.code == Fault.LINK_OFFLINE
    assert caught.value.retryable


def test_a_provider_that_is_down_is_offline(provider: SmallVneid, client: VneidClient) -> None:
    provider.close()
    assert code_of(client) == Fault.LINK_OFFLINE


def test_without_an_issuer_the_kiosk_is_offline() -> None:
    assert code_of(client_of("")) == Fault.LINK_OFFLINE


def test_a_configuration_of_another_issuer_is_not_believed(
    provider: SmallVneid, client: VneidClient
) -> None:
    provider.issuer = "https://another.example"
    assert code_of(client) == Fault.LINK_OFFLINE
    assert "/token" not in provider.calls


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        ({"aud": "another"}, Fault.IDENTITY_AUDIENCE),
        ({"exp": int(time.time()) - 3600}, Fault.IDENTITY_CLOCK),
        ({"iat": int(time.time()) + 3600}, Fault.IDENTITY_CLOCK),
        ({"nbf": int(time.time()) + 3600}, Fault.IDENTITY_CLOCK),
    ],
)
def test_another_audience_and_another_clock_are_told_apart(
    provider: SmallVneid, client: VneidClient, claims: dict[str, Any], fault: Fault
) -> None:
    provider.claims = claims
    assert code_of(client) == fault


def test_quirks_are_accepted_only_where_the_profile_says_so(provider: SmallVneid) -> None:
    provider.broken["/token"] = (200, b'{"access_token": "access-1"}')
    assert client_of(provider.address, demands_id_token=False).identify("any").level == 2
    assert code_of(client_of(provider.address, demands_id_token=True)) == Fault.IDENTITY_REFUSED
    del provider.broken["/token"]
    mangled = CODE.replace("+", " ")
    assert code_of(client_of(provider.address), mangled) == Fault.IDENTITY_UNREADABLE
    assert client_of(provider.address, mends_plus=True).identify(mangled).level == 2


def test_another_login_than_the_profile_names_is_refused(provider: SmallVneid) -> None:
    provider.profile["loginIdp"] = "elsewhere"
    assert code_of(client_of(provider.address, login_idp="BCA")) == Fault.IDENTITY_REFUSED


def test_the_profiles_that_came_with_the_program_are_read() -> None:
    assert {"standard", "without-proof", "introspection"} <= set(profiles())
    with pytest.raises(KioskError, match="nowhere"):
        profile("nowhere")
