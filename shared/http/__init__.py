"""The HTTP edge of a service: routes, one transaction per request, problems, paging, idempotency."""
