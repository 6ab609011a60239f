"""Positions and the org chart: who reports to whom on a day, and which positions nobody fills then."""
