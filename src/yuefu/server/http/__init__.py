"""HTTP: the Actions and the client API, the media, the pages."""
