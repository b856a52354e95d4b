"""`sp demo`: a story told on the real screens by somebody who presses the keys a person would press."""
