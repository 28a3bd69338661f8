"""The stand-in for VNeID keeps the rules of OpenID Connect that the kiosk depends on."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import requests

from kiosk.sandbox.vneid import VneidSandbox
from tests.kiosk.link.test_identity import client_of

NUMBER = "001192000000"
PERSON = {
    "citizen_number": NUMBER,
    "full_name": "Trần Thị Mẫu",
    "birth_date": "19920314",
    "level": 2,
}


@pytest.fixture
def sandbox() -> Iterator[VneidSandbox]:
    with VneidSandbox() as sandbox:
        post(sandbox, "people", PERSON)
        yield sandbox


def post(sandbox: VneidSandbox, what: str, values: dict[str, Any]) -> requests.Response:
    return requests.post(f"{sandbox.address}/sandbox/{what}", json=values, timeout=5)


def new_code(sandbox: VneidSandbox, **extra: Any) -> str:
    answer = post(sandbox, "codes", {"citizen_number": NUMBER, **extra})
    return str(answer.json()["payload"])


def exchange(
    sandbox: VneidSandbox, payload: str, changes: dict[str, str] | None = None
) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "code": payload,
        "client_id": "kiosk",
        "redirect_uri": "urn:kiosk",
    }
    return requests.post(f"{sandbox.address}/token", data=form | (changes or {}), timeout=5)


def userinfo(sandbox: VneidSandbox, access_token: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {access_token}"}
    return requests.get(f"{sandbox.address}/userinfo", headers=headers, timeout=5)


def test_a_code_becomes_the_claims_of_its_person(sandbox: VneidSandbox) -> None:
    token = exchange(sandbox, new_code(sandbox)).json()
    assert token["token_type"] == "Bearer"
    claims = userinfo(sandbox, token["access_token"]).json()
    assert claims.pop("sub") != NUMBER
    assert claims == {
        "SoDinhDanh": NUMBER,
        "HoVaTen": "Trần Thị Mẫu",
        "NgayThangNamSinh": "19920314",
        "accountLevel": 2,
        "loginIdp": "BCA",
    }


def test_a_photo_travels_only_for_people_who_have_one(sandbox: VneidSandbox) -> None:
    post(sandbox, "people", {**PERSON, "photo": base64.b64encode(b"\xff\xd8photo").decode()})
    token = exchange(sandbox, new_code(sandbox)).json()["access_token"]
    assert userinfo(sandbox, token).json()["photo"] == "/9hwaG90bw=="


def test_the_id_token_verifies_with_the_published_key(sandbox: VneidSandbox) -> None:
    site = sandbox.address
    configuration = requests.get(f"{site}/.well-known/openid-configuration", timeout=5).json()
    assert configuration["issuer"] == site
    id_token = exchange(sandbox, new_code(sandbox)).json()["id_token"]
    key = jwt.PyJWKClient(configuration["jwks_uri"]).get_signing_key_from_jwt(id_token)
    claims = jwt.decode(id_token, key.key, ["ES256"], audience="kiosk", issuer=site)
    assert "sub" in claims


def test_a_forged_id_token_does_not_verify(sandbox: VneidSandbox) -> None:
    post(sandbox, "set", {"proof": "forged"})
    id_token = exchange(sandbox, new_code(sandbox)).json()["id_token"]
    key = jwt.PyJWKClient(f"{sandbox.address}/jwks").get_signing_key_from_jwt(id_token)
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(id_token, key.key, ["ES256"], audience="kiosk")


def test_some_deployments_send_no_id_token(sandbox: VneidSandbox) -> None:
    post(sandbox, "set", {"proof": "absent"})
    assert "id_token" not in exchange(sandbox, new_code(sandbox)).json()


def test_a_code_works_once(sandbox: VneidSandbox) -> None:
    code = new_code(sandbox)
    assert exchange(sandbox, code).status_code == 200
    again = exchange(sandbox, code)
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": "stranger"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"redirect_uri": "https://elsewhere.example"}, 400, "invalid_grant"),
        ({"code": "vneid:guess"}, 400, "invalid_grant"),
    ],
)
def test_a_wrong_exchange_is_refused(
    sandbox: VneidSandbox, changes: dict[str, str], status: int, error: str
) -> None:
    answer = exchange(sandbox, new_code(sandbox), changes)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_an_expired_code_is_refused(sandbox: VneidSandbox) -> None:
    answer = exchange(sandbox, new_code(sandbox, expired=True))
    assert answer.json() == {"error": "invalid_grant"}


def test_the_exchange_must_be_form_encoded(sandbox: VneidSandbox) -> None:
    answer = requests.post(f"{sandbox.address}/token", json={"code": "x"}, timeout=5)
    assert answer.json() == {"error": "invalid_request"}


def test_a_code_can_stand_for_a_lower_level(sandbox: VneidSandbox) -> None:
    token = exchange(sandbox, new_code(sandbox, level=1)).json()["access_token"]
    assert userinfo(sandbox, token).json()["accountLevel"] == 1


def test_claims_need_an_access_token(sandbox: VneidSandbox) -> None:
    answer = userinfo(sandbox, "guess")
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_token"})


def test_an_outage_hits_the_protocol_and_not_the_control(sandbox: VneidSandbox) -> None:
    post(sandbox, "set", {"down": True})
    assert exchange(sandbox, new_code(sandbox)).status_code == 503
    post(sandbox, "set", {"down": False})
    assert exchange(sandbox, new_code(sandbox)).status_code == 200


def test_a_slow_provider_answers_late(sandbox: VneidSandbox) -> None:
    code = new_code(sandbox)
    post(sandbox, "set", {"slow": 30})
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{sandbox.address}/jwks", timeout=0.2)
    post(sandbox, "set", {"slow": 0})
    assert exchange(sandbox, code).status_code == 200


@pytest.mark.parametrize(
    ("what", "values"),
    [
        ("people", {**PERSON, "birth_date": "14/03/1992"}),
        ("people", {**PERSON, "citizen_number": "12"}),
        ("codes", {"citizen_number": "000000000000"}),
        ("set", {"up": True}),
    ],
)
def test_a_control_mistake_is_told(
    sandbox: VneidSandbox, what: str, values: dict[str, Any]
) -> None:
    assert post(sandbox, what, values).status_code == 400


def test_the_kiosk_and_the_sandbox_understand_each_other(sandbox: VneidSandbox) -> None:
    identity = client_of(sandbox.address).identify(new_code(sandbox))
    assert (identity.full_name, identity.citizen_number) == ("Trần Thị Mẫu", NUMBER)
    assert f"{identity.birth_date:%d/%m/%Y}" == "14/03/1992"


def test_a_restarted_provider_is_believed_again() -> None:
    with VneidSandbox() as before:
        client = client_of(before.address)
        post(before, "people", PERSON)
        client.identify(new_code(before))
        port = int(before.address.rpartition(":")[2])
    with VneidSandbox(port) as after:
        post(after, "people", PERSON)
        assert client.identify(new_code(after)).citizen_number == NUMBER
