"""The paper exchange: market simulation, replay, matching, fees and its own store, in a process of its own."""
