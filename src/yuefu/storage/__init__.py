"""The adapters behind the rooms' ports: SQL, blobs and short-lived shared state. Rows become frozen values here."""
