"""Credit note: takes back all or part of a finalized invoice."""
