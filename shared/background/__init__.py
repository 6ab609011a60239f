"""Work without a request: due times, jobs, housekeeping."""
