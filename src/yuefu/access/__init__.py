"""Who is calling, by what proof, and how often: apps, secrets, signatures, sessions, quotas."""
