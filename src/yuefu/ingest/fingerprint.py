"""The hash of everything a published song is made from."""

import hashlib
from pathlib import Path

import msgspec

from yuefu.ingest.draft import SongDraft
from yuefu.ingest.recipe import Recipe
from yuefu.ingest.separation import needs_separation

PIPELINE_VERSION = 5
"""Raised when the same delivery would come out differently, so that importing again renews every song."""


def fingerprint(draft: SongDraft, recipe: Recipe) -> str:
    """SHA-256 over the delivered files in their roles, the facts, the recipe and the pipeline's version, in hex.

    The facts are in it because some come from file names, the model where it makes the song's accompaniment. Costs one
    reading of the files, no decoding.
    """
    folder, tracks = draft.folder, draft.tracks
    files = {
        "text": folder.text,
        **{f"lyrics {number}": file for number, file in enumerate(folder.lyric_files, 1)},
        "sidecar": folder.sidecar_file,
        "original": tracks.original,
        "backing": tracks.backing,
        "vocals": tracks.vocals,
        "cover": draft.cover,
    }
    essence = {
        "version": PIPELINE_VERSION,
        "parts": sorted((kind.value, quality.value) for kind, quality in recipe.parts),
        "level_lufs": recipe.level_lufs,
        "facts": draft.facts,
        "files": {role: _sha256(file) for role, file in files.items() if file},
        "pictures": {singer: _sha256(file) for singer, file in draft.pictures},
    }
    separator = recipe.separator
    if separator and needs_separation(draft):
        essence["separation"] = (separator.model_sha256, separator.gives.value)
    return hashlib.sha256(msgspec.json.encode(essence, order="sorted")).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
