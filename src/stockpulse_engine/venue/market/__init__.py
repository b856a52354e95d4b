"""A simulated market: seeded, endless, and the same to the last byte whenever and however it is played."""
