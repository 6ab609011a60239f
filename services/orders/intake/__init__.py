"""Order: a customer's binding wish for goods, from draft to completion."""
