"""Mails: invoices and credit notes that are sent to whom they are for."""
