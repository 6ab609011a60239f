"""Plain values and their arithmetic: money, tax, identifiers, the clock, faults, and their forms on the wire."""
