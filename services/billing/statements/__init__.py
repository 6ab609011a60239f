"""Statement: what a customer owed, what came and went, and what it owes; of any range of days."""
