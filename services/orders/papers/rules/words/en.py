"""English."""

from services.orders.papers.rules.words.catalogue import Words

WORDS = Words(
    language="en",
    pick_list="Pick list",
    delivery_note="Delivery note",
    page="Page {number} of {total}",
    document_for="{title} for {name}",
    deliver_to="Deliver to",
    sender="From",
    shipped="Shipped",
    date="Date",
    requested="Wanted by",
    order="Our order",
    your_order="Your order",
    your_reference="Your reference",
    warehouse="Warehouse",
    parcels="Parcels",
    position="No.",
    sku="SKU",
    description="Description",
    ordered="Ordered",
    delivered="Delivered",
    quantity="Quantity",
    picked="Picked",
    picked_by="Picked by, date",
    received="Received in good order: date, signature",
    notes="Notes",
    units={"ANN": "years", "DAY": "days", "MON": "months", "PR": "pairs", "SET": "sets", "WEE": "weeks"},
)
