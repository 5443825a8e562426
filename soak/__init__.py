"""Long runs against a real server: what must hold every time is tried many times."""
