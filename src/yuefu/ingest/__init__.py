"""From a song folder to a published song, one module per arrow:

SongFolder → SongDraft → AnalysedSong → EncodedSong → StoredSong → PublishedSong
"""
