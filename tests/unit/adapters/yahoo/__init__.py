"""The Yahoo chart source: recordings where they are, hand-made answers everywhere."""
