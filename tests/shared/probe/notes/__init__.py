"""Notes: something with a state, an owner's title and a few ways to misbehave."""
