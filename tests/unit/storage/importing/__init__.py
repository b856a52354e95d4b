"""Tests of importing files into the history."""
