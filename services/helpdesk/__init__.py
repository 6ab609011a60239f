"""Helpdesk: joins the suite with a later issue; nothing is here yet."""
