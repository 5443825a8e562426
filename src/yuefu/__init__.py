"""Yuefu (乐府): a self-hosted licensed-music centre for online karaoke."""

__version__ = "0.1.0"
