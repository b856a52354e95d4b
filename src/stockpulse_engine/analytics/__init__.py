"""Arithmetic on prices that is no indicator: options."""
