"""Campaigns over simulated days: how often what is played, what must hold, and one row that says how it went."""
