"""Order service, journal port, routing, reports, reconciliation."""
