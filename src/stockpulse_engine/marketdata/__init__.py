"""Provider ports, feed supervision, latest values, bars, calendars and history queries."""
