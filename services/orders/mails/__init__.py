"""Mails: what a customer who wants it is told of an order, when it is confirmed and when goods leave."""
