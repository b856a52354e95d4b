"""The registry of named actions and the order language; pure."""
