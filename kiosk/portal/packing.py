"""Makes parcels: opens a dossier for the moment in which its result is sent."""

from __future__ import annotations

from kiosk.portal.answers import ANSWERS, Answers
from kiosk.portal.catalogue import Catalogue
from kiosk.portal.delivery import Deliveries, DeliveryLine, Parcel
from kiosk.portal.revocations import copy_for_citizen
from kiosk.portal.store import Store, manifest_of
from kiosk.portal.vault import Vault


class DossierPacker:
    """``public_address``: where the links in mails lead."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        deliveries: Deliveries,
        catalogue: Catalogue,
        public_address: str,
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._vault = vault
        self._deliveries = deliveries
        self._public = public_address.rstrip("/")

    def pack(self, line: DeliveryLine) -> Parcel:
        dossier = self._store.dossier(line.dossier)
        assert dossier is not None  # a foreign key says so
        manifest = manifest_of(dossier)
        answers = Answers.model_validate_json(self._vault.open_part(manifest, ANSWERS))
        kind = line.kind
        return Parcel(
            id=line.id,
            kind=kind,
            code=dossier.code,
            title=self._catalogue.procedure(dossier.procedure).title,
            name=answers.applicant.full_name,
            citizen_number=answers.applicant.citizen_number,
            address=answers.delivery.address,
            fee=line.fee,
            note=dossier.note or "",
            link=self._link(line) if kind == "result" and line.channel == "email" else "",
            pdf=copy_for_citizen(self._store, self._vault, dossier.id)
            if kind == "result" and line.channel == "wallet"
            else None,
        )

    def _link(self, line: DeliveryLine) -> str:
        """What stands behind "#" is sent to no server, so no log on the way holds the secret."""
        return f"{self._public}/result#secret={self._deliveries.new_link(line.dossier)}"
