"""Tests of the venue room."""
