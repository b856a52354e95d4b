"""The watchdog: a small process beside the engine that raises the alarm when it hangs or dies, and can cancel."""
