"""The demonstration: two client companies and a day of their business."""
