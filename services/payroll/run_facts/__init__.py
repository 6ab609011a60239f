"""What a pay run needs to know of its payees, and what must be known before it can calculate."""
