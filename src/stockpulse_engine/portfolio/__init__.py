"""Double-entry ledger, lots, positions, valuation."""
