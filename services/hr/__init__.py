"""HR: who works for a client company, on which terms, and when they are away."""
