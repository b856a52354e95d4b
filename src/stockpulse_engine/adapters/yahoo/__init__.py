"""Yahoo's chart endpoint: keyless and unofficial, so its shape may change without notice."""
