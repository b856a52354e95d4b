"""Credentials of brokers: in the keyring of the system where there is a real one, else in an encrypted file."""
