"""Widgets, one per file: each draws lines of spans, nothing else paints."""
