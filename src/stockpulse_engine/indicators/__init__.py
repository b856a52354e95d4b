"""Technical indicators by TA-Lib name: batch and streaming from one registry."""
