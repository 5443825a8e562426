"""The tables, as a list of migrations. `PRAGMA user_version` says how many of them a file has had.

Every statement keeps to SQL that PostgreSQL has too, but for the engine's own words for keys that count up.
Instants are milliseconds since 1970 UTC; sets and lists that are never searched are JSON.
"""

FIRST_SONG_ID = 100_000_001
"""Nine digits, like the ids callers know. Ids go up by one, so the tables of `mirror` have no holes."""

_FOUNDATION = """
CREATE TABLE apps (
    app_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sealed_secrets TEXT NOT NULL,           -- JSON array, newest first
    default_vendor INTEGER NOT NULL,
    vendors TEXT NOT NULL,
    scenes TEXT NOT NULL,
    billing_modes TEXT NOT NULL,
    home_territory TEXT NOT NULL,
    is_enabled INTEGER NOT NULL,
    is_replay_protected INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL
);

CREATE TABLE songs (
    song_id INTEGER PRIMARY KEY AUTOINCREMENT,
    vendor_id INTEGER NOT NULL,
    source_key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    title TEXT NOT NULL,
    singers TEXT NOT NULL,
    album TEXT NOT NULL,
    language TEXT NOT NULL,
    genre TEXT NOT NULL,
    year INTEGER,
    duration_ms INTEGER NOT NULL,
    accompaniment_duration_ms INTEGER NOT NULL,
    highlight TEXT,
    states TEXT NOT NULL,
    published_at_ms INTEGER NOT NULL,
    removed_at_ms INTEGER,
    UNIQUE (vendor_id, source_key)
);
INSERT INTO sqlite_sequence (name, seq) VALUES ('songs', 100000000);

CREATE TABLE parts (
    song_id INTEGER NOT NULL REFERENCES songs,
    kind TEXT NOT NULL,
    quality TEXT NOT NULL,
    media_type TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    track_count INTEGER NOT NULL,
    PRIMARY KEY (song_id, kind, quality)
) WITHOUT ROWID;

-- Terms by content: written once, never changed, shared by every song that came with the same.
CREATE TABLE term_sheets (
    sheet_id INTEGER PRIMARY KEY,
    body TEXT NOT NULL UNIQUE
);

-- Every deal ever recorded. The latest of a song and chain replaces the earlier ones.
CREATE TABLE deals (
    deal_id INTEGER PRIMARY KEY,
    song_id INTEGER NOT NULL REFERENCES songs,
    chain TEXT NOT NULL,
    sheet_id INTEGER NOT NULL REFERENCES term_sheets,
    revision INTEGER NOT NULL,
    recorded_at_ms INTEGER NOT NULL
);
CREATE TRIGGER deals_are_never_edited BEFORE UPDATE ON deals BEGIN SELECT RAISE(ABORT, 'deals are append-only'); END;
CREATE TRIGGER deals_are_never_deleted BEFORE DELETE ON deals BEGIN SELECT RAISE(ABORT, 'deals are append-only'); END;

-- What the deals come to now, for every song: the narrow row that is mirrored in memory.
CREATE TABLE song_rights (
    song_id INTEGER PRIMARY KEY REFERENCES songs,
    vendor_id INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    recording_sheet INTEGER REFERENCES term_sheets,
    work_sheet INTEGER REFERENCES term_sheets,
    is_published INTEGER NOT NULL,
    changed INTEGER NOT NULL                 -- greater than in any row changed before
);
CREATE INDEX song_rights_by_change ON song_rights (changed);

CREATE TABLE sessions (
    session_id INTEGER PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    app_id INTEGER NOT NULL REFERENCES apps,
    user_id TEXT NOT NULL,
    user_name TEXT NOT NULL,
    rooms TEXT,                              -- JSON array, NULL for "any"
    joined_rooms TEXT NOT NULL,
    territory TEXT NOT NULL,
    started_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
);

CREATE TABLE grants (
    grant_id INTEGER PRIMARY KEY,
    session_id INTEGER NOT NULL REFERENCES sessions,
    app_id INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    song_id INTEGER NOT NULL REFERENCES songs,
    vendor_id INTEGER NOT NULL,
    resource_type INTEGER NOT NULL,
    scene_id INTEGER NOT NULL,
    billing_mode INTEGER NOT NULL,
    rights_revision INTEGER NOT NULL,
    granted_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
);

-- One charge per billable grant; added to, never edited.
CREATE TABLE charges (
    charge_id INTEGER PRIMARY KEY,
    grant_id INTEGER NOT NULL UNIQUE REFERENCES grants,
    app_id INTEGER NOT NULL,
    vendor_id INTEGER NOT NULL,
    billing_mode INTEGER NOT NULL,
    charged_at_ms INTEGER NOT NULL
);
CREATE TRIGGER charges_are_never_edited BEFORE UPDATE ON charges
    BEGIN SELECT RAISE(ABORT, 'charges are append-only'); END;
CREATE TRIGGER charges_are_never_deleted BEFORE DELETE ON charges
    BEGIN SELECT RAISE(ABORT, 'charges are append-only'); END;

-- What a session may download: the latest grant of each resource.
CREATE TABLE granted_resources (
    session_id INTEGER NOT NULL REFERENCES sessions,
    resource_id TEXT NOT NULL,
    grant_id INTEGER NOT NULL REFERENCES grants,
    song_id INTEGER NOT NULL,
    need TEXT NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (session_id, resource_id)
) WITHOUT ROWID;
"""

_CATALOGUE = """
ALTER TABLE songs ADD COLUMN aliases TEXT NOT NULL DEFAULT '[]';
ALTER TABLE songs ADD COLUMN genres TEXT NOT NULL DEFAULT '[]';
ALTER TABLE songs ADD COLUMN bpm INTEGER;
ALTER TABLE songs ADD COLUMN isrc TEXT NOT NULL DEFAULT '';
ALTER TABLE songs ADD COLUMN iswc TEXT NOT NULL DEFAULT '';
ALTER TABLE songs ADD COLUMN version TEXT NOT NULL DEFAULT '';
ALTER TABLE songs ADD COLUMN recording_key TEXT NOT NULL DEFAULT '';  -- the same for one recording at several vendors
ALTER TABLE songs ADD COLUMN work_key TEXT NOT NULL DEFAULT '';       -- the same for all versions of one work
ALTER TABLE songs ADD COLUMN title_key TEXT NOT NULL DEFAULT '';      -- the folded title, for exact and prefix search
ALTER TABLE songs ADD COLUMN singer_id INTEGER NOT NULL DEFAULT 0;    -- the first singer's
ALTER TABLE songs ADD COLUMN album_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE songs ADD COLUMN covers TEXT;                             -- JSON array of four hashes
ALTER TABLE songs ADD COLUMN features INTEGER NOT NULL DEFAULT 0;
ALTER TABLE songs ADD COLUMN pictures TEXT NOT NULL DEFAULT '[]';     -- singers' pictures that came with it
ALTER TABLE songs ADD COLUMN delivered TEXT;                          -- the delivery's facts, where they were edited
CREATE INDEX songs_by_title ON songs (vendor_id, title_key, song_id);
CREATE INDEX songs_by_isrc ON songs (recording_key) WHERE isrc <> '';  -- those without are found by their title

CREATE TABLE singers (
    singer_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    image TEXT NOT NULL DEFAULT ''           -- the picture's hash
);

CREATE TABLE albums (
    album_id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    singer_id INTEGER NOT NULL,
    UNIQUE (title, singer_id)
);

-- Pictures that anyone may fetch, by the hash of the file.
CREATE TABLE images (
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,                   -- the longest side it was made for, in pixels
    PRIMARY KEY (sha256, size)               -- a small picture is the same file in several sizes
) WITHOUT ROWID;

-- What songs are found by: words, characters and pairs of them, initials, made by catalogue.spelling.
CREATE VIRTUAL TABLE song_search USING fts5(
    tokens, content='', contentless_delete=1, detail=none, tokenize='ascii'
);

CREATE TABLE tag_groups (
    group_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    place INTEGER NOT NULL
);

CREATE TABLE tags (
    tag_id TEXT PRIMARY KEY,
    group_id TEXT NOT NULL REFERENCES tag_groups,
    name TEXT NOT NULL,
    place INTEGER NOT NULL
);

CREATE TABLE tagged_songs (
    tag_id TEXT NOT NULL REFERENCES tags,
    vendor_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    song_id INTEGER NOT NULL REFERENCES songs,
    PRIMARY KEY (tag_id, song_id)
) WITHOUT ROWID;
CREATE INDEX tagged_songs_in_order ON tagged_songs (tag_id, vendor_id, place, song_id);

CREATE TABLE charts (
    vendor_id INTEGER NOT NULL,
    top_id TEXT NOT NULL,
    name TEXT NOT NULL,
    rule TEXT,                               -- JSON, NULL for a list kept by hand
    as_of_ms INTEGER,                        -- the instant it speaks of
    PRIMARY KEY (vendor_id, top_id)
) WITHOUT ROWID;

CREATE TABLE chart_songs (
    vendor_id INTEGER NOT NULL,
    top_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    song_id INTEGER NOT NULL REFERENCES songs,
    uses INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (vendor_id, top_id, place)
) WITHOUT ROWID;

CREATE INDEX grants_by_time ON grants (vendor_id, granted_at_ms, song_id);  -- all that counting a chart reads

ALTER TABLE apps ADD COLUMN quotas TEXT NOT NULL DEFAULT '{}';        -- calls a second by Action, where not the default
ALTER TABLE apps ADD COLUMN takes_signature2 INTEGER NOT NULL DEFAULT 1;
ALTER TABLE apps ADD COLUMN takes_token04 INTEGER NOT NULL DEFAULT 1;
"""

MIGRATIONS: tuple[str, ...] = (_FOUNDATION, _CATALOGUE)
