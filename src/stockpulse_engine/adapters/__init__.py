"""One sub-room per outside system."""
