"""What options are worth: European by Black-Scholes-Merton, American on a lattice, Greeks, implied volatility."""
