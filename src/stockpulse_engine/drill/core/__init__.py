"""One simulated broker as pure code: no I/O, no clock of its own, nothing drawn but from a seed."""
