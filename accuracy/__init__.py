"""How right the music room is, measured: `python -m accuracy`. The figures go to `docs/accuracy.md`."""
