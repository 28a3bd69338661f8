"""Many sessions, many people, any order: a session's code never brings somebody whom it was not
scanned by. The provider is asked in its own memory, without a wire, so that many orders are
tried."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.failures import KioskError
from kiosk.identity.providers import ProviderProfile
from kiosk.link.identity import VneidClient
from kiosk.link.messages import Identity
from kiosk.link.provider import Provider
from kiosk.sandbox import vneid

PEOPLE = [f"00119200000{number}" for number in range(4)]
PROFILE = ProviderProfile(title="test", source="test")
DEED = st.tuples(
    st.sampled_from(["begin", "scan", "refuse", "look", "phone"]),
    st.integers(0, 5),
    st.integers(0, 3),
)


class Direct(Provider):
    """Speaks to the sandbox's memory; what signatures prove is tested elsewhere."""

    def __init__(self, sandbox: vneid.Provider) -> None:
        super().__init__("http://sandbox", "kiosk", 2, PROFILE)
        self._sandbox = sandbox

    def post(self, endpoint: str, form: Any) -> tuple[int, dict[str, Any]]:
        ways = {
            "token_endpoint": self._sandbox.token,
            "device_authorization_endpoint": self._sandbox.device,
        }
        try:
            return 200, ways[endpoint]({**form, "client_id": "kiosk"})
        except vneid.OAuthError as error:
            return error.status, {"error": error.error}

    def person(self, tokens: dict[str, Any], nonce: str = "") -> Identity:
        return self.identity(self._sandbox.userinfo(f"Bearer {tokens['access_token']}"))


@settings(max_examples=150, deadline=None, database=None)
@given(st.lists(DEED, max_size=40))
def test_whoever_scanned_a_code_is_whom_it_brings(deeds: list[tuple[str, int, int]]) -> None:
    sandbox = vneid.Provider()
    for number in PEOPLE:
        sandbox.add_person(citizen_number=number, full_name="Người Mẫu", birth_date="19920314")
    clients = [VneidClient(Direct(sandbox)) for _ in range(2)]  # two kiosks
    shown: dict[int, Any] = {}
    scanned_by: dict[int, str | None] = {}
    for deed, session, person in deeds:
        client = clients[session % 2]
        if deed == "begin":
            shown[session], scanned_by[session] = client.begin(), None
        elif deed == "phone":
            payload = sandbox.make_code(PEOPLE[person])["payload"]
            assert client.identify(payload).citizen_number == PEOPLE[person]
        elif session in shown and deed in ("scan", "refuse"):
            agree = deed == "scan"
            sandbox.scan(shown[session].code, PEOPLE[person], agree=agree)
            scanned_by[session] = PEOPLE[person] if agree else "refused"
        elif session in shown:
            _look(client, shown.pop(session) if scanned_by[session] else shown[session],
                  scanned_by[session])  # fmt: skip
            for stranger in set(shown) - {session}:
                if stranger % 2 != session % 2:  # a handle of the other kiosk opens nothing here
                    assert _looked(client, shown[stranger].handle) == "refused"


def _look(client: VneidClient, code: Any, expected: str | None) -> None:
    assert _looked(client, code.handle) == expected


def _looked(client: VneidClient, handle: str) -> str | None:
    try:
        identity = client.look(handle).identity
    except KioskError:
        return "refused"
    return identity.citizen_number if identity else None
