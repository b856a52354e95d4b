"""Typed publish and subscribe inside the engine's one loop."""
