"""Payment: money received from a customer, allocated to invoices; what is left stays as credit."""
