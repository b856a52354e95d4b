"""Drawing: themes, glyphs, numbers, charts, tables."""
