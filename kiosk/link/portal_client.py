"""The portal's services beside the intake, as link asks for them."""

from __future__ import annotations

from uuid import UUID

from offline_queue.intake import (
    CertificateAsk,
    CertificateReply,
    CheckAsk,
    CheckReply,
    CodeAsk,
    CodeSent,
    CodeTry,
    CodeVerdict,
    CollectAsk,
    CollectReply,
    Heartbeat,
    IntakeState,
    IssuedPage,
    IssuedPageAsk,
    KeysAsk,
    KeysReply,
    Office,
    PaperInfo,
    PaperKeep,
    PaperList,
    PersonAsk,
    PrintsDone,
    Rating,
    Standing,
    TrackAsk,
    TrackReply,
    WaitAsk,
)
from offline_queue.transport import IntakeClient, as_json

_JSON = "application/json"


class PortalClient(IntakeClient):
    """Every method raises QueueError as those of IntakeClient do."""

    def keys(self, nonce: str) -> KeysReply:
        """Believed only as far as it is signed."""
        return self._model("POST", "/keys", KeysReply, as_json(KeysAsk(nonce=nonce)))

    def standing(self) -> Standing:
        return self._model("GET", "/devices/self", Standing)

    def renew(self, csr: str) -> str:
        """The new certificate, PEM."""
        body = as_json(CertificateAsk(csr=csr))
        return self._model("POST", "/devices/certificate", CertificateReply, body).certificate

    def pack(self, sha256: str) -> bytes:
        """A procedure pack; whoever uses it compares the digest."""
        return self._bytes("GET", f"/packs/{sha256}", "application/cbor")

    def wait(self, id: UUID, processing: int | None, seconds: float) -> IntakeState:
        body = as_json(WaitAsk(processing=processing, seconds=seconds))
        return self._model("POST", f"/dossiers/{id}/wait", IntakeState, body)

    def track(self, ask: TrackAsk) -> TrackReply:
        return self._model("POST", "/tracking", TrackReply, as_json(ask))

    def collect(self, ask: CollectAsk) -> CollectReply:
        return self._model("POST", "/collections", CollectReply, as_json(ask))

    def collected_copy(self, ask: CollectAsk) -> bytes:
        """PDF."""
        return self._bytes("POST", "/collections/copy", "application/pdf", as_json(ask))

    def printed(self, id: UUID, done: PrintsDone) -> None:
        """The same id again is no error."""
        self._empty("PUT", f"/prints/{id}", as_json(done), _JSON)

    def send_code(self, ask: CodeAsk) -> CodeSent:
        return self._model("POST", "/confirmations", CodeSent, as_json(ask))

    def confirm_code(self, id: UUID, code: str) -> CodeVerdict:
        return self._model("POST", f"/confirmations/{id}", CodeVerdict, as_json(CodeTry(code=code)))

    def check(self, ask: CheckAsk) -> CheckReply:
        return self._model("POST", "/checks", CheckReply, as_json(ask))

    def issued_page(self, ask: IssuedPageAsk) -> IssuedPage:
        return self._model("POST", "/issued-pages", IssuedPage, as_json(ask))

    def keep_paper(self, keep: PaperKeep) -> PaperInfo:
        return self._model("POST", "/papers", PaperInfo, as_json(keep))

    def papers(self, person: PersonAsk) -> PaperList:
        return self._model("POST", "/papers/list", PaperList, as_json(person))

    def page(self, person: PersonAsk, paper: UUID, number: int) -> bytes:
        """JPEG."""
        path = f"/papers/{paper}/pages/{number}"
        return self._bytes("POST", path, "image/jpeg", as_json(person))

    def rate(self, id: UUID, rating: Rating) -> None:
        """The same id again is no error."""
        self._empty("PUT", f"/ratings/{id}", as_json(rating), _JSON)

    def office(self) -> Office:
        return self._model("GET", "/office", Office)

    def beat(self, heartbeat: Heartbeat) -> None:
        self._empty("POST", "/heartbeats", as_json(heartbeat), _JSON)
