"""Tests of the drill room."""
