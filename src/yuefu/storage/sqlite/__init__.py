"""The embedded engine: one SQLite file, one writer thread, reads on the caller's thread."""
