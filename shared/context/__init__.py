"""The ctx of a request or message, and what its transaction leaves: facts, timeline, audit, due times, numbers."""
