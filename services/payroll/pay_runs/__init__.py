"""Pay runs: a period of a schedule calculated for its payees, approved by a second person, posted, paid, reversed."""
