"""State and local withholding: each state's method over its own tables, behind one interface (`withholding`)."""
