"""French."""

from services.orders.papers.rules.words.catalogue import Words

WORDS = Words(
    language="fr",
    pick_list="Liste de prélèvement",
    delivery_note="Bon de livraison",
    page="Page {number} sur {total}",
    document_for="{title} pour {name}",
    deliver_to="Livrer à",
    sender="Expéditeur",
    shipped="Expédié le",
    date="Date",
    requested="Souhaité pour le",
    order="Notre commande",
    your_order="Votre commande",
    your_reference="Votre référence",
    warehouse="Entrepôt",
    parcels="Colis",
    position="N°",
    sku="Article",
    description="Désignation",
    ordered="Commandé",
    delivered="Livré",
    quantity="Quantité",
    picked="Prélevé",
    picked_by="Prélevé par, date",
    received="Marchandise reçue en bon état\u00a0: date, signature",
    notes="Remarques",
    units={"ANN": "ans", "DAY": "jours", "MON": "mois", "PR": "paires", "SET": "lots", "WEE": "semaines"},
)
