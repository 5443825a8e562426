"""`python -m yuefu.ingest.repertoire` compiles every score of the repertoire to its `song.txt`."""

from yuefu.ingest.repertoire.plan import write_song_texts

write_song_texts()
