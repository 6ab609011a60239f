"""Ways to run: everything in one process, or a process per service and role."""
