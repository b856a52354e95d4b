"""Batch jobs as plain functions: cron, a systemd timer or a person starts them, the engine being up or down.

A job has a schedule in market time, a run key (the session's date, or the hour) and a policy for runs that were missed.
A run key has one effect however many processes try it: one holds its lock and works, the others say who does.
"""
