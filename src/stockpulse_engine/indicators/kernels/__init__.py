"""Nine indicators of all instruments in one call: compiled where numba is installed, else through TA-Lib."""
