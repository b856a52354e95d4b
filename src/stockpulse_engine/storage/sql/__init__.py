"""SQL over the history store, in a child process that can read it and nothing else."""
