"""Lyrics, notes, pitch lines and audio measures: pure functions over values, text and arrays. No files, no codecs."""
