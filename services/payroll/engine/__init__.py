"""Gross to net: what goes into a calculation, what comes out of it, and the tables it is made by. Pure values."""
