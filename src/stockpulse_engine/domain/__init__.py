"""Values, instruments, orders, fills, commands, events and errors: pure data and pure rules."""
