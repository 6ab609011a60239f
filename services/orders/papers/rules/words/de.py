"""German."""

from services.orders.papers.rules.words.catalogue import Words

WORDS = Words(
    language="de",
    pick_list="Pickliste",
    delivery_note="Lieferschein",
    page="Seite {number} von {total}",
    document_for="{title} für {name}",
    deliver_to="Lieferung an",
    sender="Absender",
    shipped="Versendet am",
    date="Datum",
    requested="Gewünscht bis",
    order="Unser Auftrag",
    your_order="Ihre Bestellung",
    your_reference="Ihre Referenz",
    warehouse="Lager",
    parcels="Pakete",
    position="Pos.",
    sku="Artikelnr.",
    description="Bezeichnung",
    ordered="Bestellt",
    delivered="Geliefert",
    quantity="Menge",
    picked="Entnommen",
    picked_by="Entnommen von, Datum",
    received="Ware vollständig und unversehrt erhalten: Datum, Unterschrift",
    notes="Hinweise",
    units={"ANN": "Jahre", "DAY": "Tage", "MON": "Monate", "PR": "Paar", "SET": "Sets", "WEE": "Wochen"},
)
