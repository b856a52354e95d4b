"""The Alpaca adapter's parts: recordings where they are, hand-made answers everywhere."""
