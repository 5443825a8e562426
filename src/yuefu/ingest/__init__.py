"""From a song folder to a published song: `SongFolder → SongDraft → AnalysedSong → EncodedSong → StoredSong → PublishedSong`."""
