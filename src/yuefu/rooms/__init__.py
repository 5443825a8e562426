"""Karaoke rooms: who is in one, and what one member paid for and the others may have too."""
