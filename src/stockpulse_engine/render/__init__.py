"""Pure renderables: candles, sparklines, tables, bars. No Textual; used by the terminal client and the CLI."""
