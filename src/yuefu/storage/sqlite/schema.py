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

-- Every deal ever recorded, until `_RIGHTS` widens it to revisions.
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
ALTER TABLE songs ADD COLUMN title_key TEXT NOT NULL DEFAULT '';      -- the folded title, for exact and prefix search
ALTER TABLE songs ADD COLUMN singer_id INTEGER NOT NULL DEFAULT 0;    -- the first singer's
ALTER TABLE songs ADD COLUMN album_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE songs ADD COLUMN covers TEXT;                             -- JSON array of four hashes
ALTER TABLE songs ADD COLUMN features INTEGER NOT NULL DEFAULT 0;
ALTER TABLE songs ADD COLUMN pictures TEXT NOT NULL DEFAULT '[]';     -- singers' pictures that came with it
ALTER TABLE songs ADD COLUMN delivered TEXT;                          -- the delivery's facts, where they were edited
CREATE INDEX songs_by_title ON songs (vendor_id, title_key, song_id);
CREATE INDEX songs_by_isrc ON songs (isrc) WHERE isrc <> '';  -- those without are found by their title

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
INSERT INTO song_search (song_search, rank) VALUES ('hashsize', 33554432);  -- bytes an import gathers before it writes

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

_RIGHTS = """
CREATE INDEX songs_by_iswc ON songs (iswc) WHERE iswc <> '';

-- What is blocked, by content: written once, never changed, shared by every song that one takedown hit.
CREATE TABLE block_sets (
    block_set_id INTEGER PRIMARY KEY,
    body TEXT NOT NULL UNIQUE
);

ALTER TABLE song_rights ADD COLUMN block_set INTEGER REFERENCES block_sets;
ALTER TABLE song_rights ADD COLUMN feed TEXT NOT NULL DEFAULT '';       -- what the change feed last said of the song
ALTER TABLE song_rights ADD COLUMN feed_at_ms INTEGER NOT NULL DEFAULT 0;

-- What was known of each song's rights, and since when: all that a past question needs. The last is in song_rights.
CREATE TABLE rights_revisions (
    song_id INTEGER NOT NULL REFERENCES songs,
    revision INTEGER NOT NULL,
    recorded_at_ms INTEGER NOT NULL,
    recording_sheet INTEGER,
    work_sheet INTEGER,
    block_set INTEGER,
    cause TEXT NOT NULL,                     -- 'deal', 'takedown' or 'undo'
    chains TEXT NOT NULL,                    -- JSON array: those that the deal was for
    source TEXT NOT NULL,                    -- what brought it: a message, a table, a case
    PRIMARY KEY (song_id, revision)
) WITHOUT ROWID;
INSERT INTO rights_revisions
SELECT song_id, revision, min(recorded_at_ms),
       (SELECT sheet_id FROM deals WHERE song_id = now.song_id AND chain = 'recording' AND revision <= now.revision
        ORDER BY revision DESC LIMIT 1),
       (SELECT sheet_id FROM deals WHERE song_id = now.song_id AND chain = 'work' AND revision <= now.revision
        ORDER BY revision DESC LIMIT 1),
       NULL, 'deal', json_group_array(chain), ''
FROM deals AS now GROUP BY song_id, revision;
DROP TABLE deals;
UPDATE song_rights SET feed = 'added', feed_at_ms = (
    SELECT recorded_at_ms FROM rights_revisions
    WHERE song_id = song_rights.song_id AND revision = song_rights.revision
)
WHERE is_published AND coalesce(recording_sheet, work_sheet) IS NOT NULL;
CREATE TRIGGER rights_are_never_edited BEFORE UPDATE ON rights_revisions
    BEGIN SELECT RAISE(ABORT, 'what was known of rights is append-only'); END;
CREATE TRIGGER rights_are_never_deleted BEFORE DELETE ON rights_revisions
    BEGIN SELECT RAISE(ABORT, 'what was known of rights is append-only'); END;

-- When something that sheets say begins or ends: what a look at the clock has to look at.
CREATE TABLE sheet_boundaries (
    at_ms INTEGER NOT NULL,
    sheet_id INTEGER NOT NULL REFERENCES term_sheets,
    PRIMARY KEY (at_ms, sheet_id)
) WITHOUT ROWID;
INSERT OR IGNORE INTO sheet_boundaries
SELECT terms.value ->> edge.value, sheet_id
FROM term_sheets, json_each(body, '$.terms') AS terms, json_each('["valid_from_ms", "valid_until_ms"]') AS edge
WHERE terms.value ->> edge.value IS NOT NULL;

CREATE TABLE block_boundaries (
    at_ms INTEGER NOT NULL,
    block_set_id INTEGER NOT NULL REFERENCES block_sets,
    PRIMARY KEY (at_ms, block_set_id)
) WITHOUT ROWID;

-- How far the change feed has followed the clock; one row. On the way, up to which song it has come.
CREATE TABLE feed_clock (
    followed_until_ms INTEGER NOT NULL,
    following_until_ms INTEGER,
    done_song_id INTEGER NOT NULL
);

CREATE TABLE takedowns (
    case_id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,                     -- JSON: what was asked to be taken down
    reason TEXT NOT NULL,
    is_banned INTEGER NOT NULL,
    from_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    recorded_at_ms INTEGER NOT NULL
);
CREATE TABLE takedown_songs (
    case_id INTEGER NOT NULL REFERENCES takedowns,
    song_id INTEGER NOT NULL REFERENCES songs,
    is_lifted INTEGER NOT NULL,              -- by its undoing, which may take several transactions
    PRIMARY KEY (case_id, song_id)
) WITHOUT ROWID;
CREATE TABLE takedown_endings (
    case_id INTEGER PRIMARY KEY REFERENCES takedowns,
    actor TEXT NOT NULL,
    recorded_at_ms INTEGER NOT NULL
);

-- Who did what: each row carries the hash of itself and of the row before it.
CREATE TABLE audit (
    entry_id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    origin TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    before_revision INTEGER,
    after_revision INTEGER,
    detail TEXT NOT NULL,                    -- JSON
    hash BLOB NOT NULL
);
CREATE TRIGGER audit_is_never_edited BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE TABLE admin_keys (
    key_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    key_hash BLOB NOT NULL UNIQUE,
    created_at_ms INTEGER NOT NULL,
    revoked_at_ms INTEGER
);

-- Rights messages taken in, so that one that comes twice is known.
CREATE TABLE rights_messages (
    vendor_id INTEGER NOT NULL,
    sender TEXT NOT NULL,
    message_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,          -- by the sender's clock
    received_at_ms INTEGER NOT NULL,
    PRIMARY KEY (vendor_id, sender, message_id)
) WITHOUT ROWID;

-- The latest message that spoke of a song's chain: an older one that comes after it changes nothing.
CREATE TABLE rights_message_songs (
    song_id INTEGER NOT NULL REFERENCES songs,
    chain TEXT NOT NULL,
    sender TEXT NOT NULL,
    message_id TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    revision INTEGER NOT NULL,               -- of the rights as the message left them: later deals came otherwise
    PRIMARY KEY (song_id, chain)
) WITHOUT ROWID;

-- The releases that the latest message had a song in: all that a later message without recordings names it by.
CREATE TABLE rights_message_releases (
    vendor_id INTEGER NOT NULL,
    release_id TEXT NOT NULL,
    song_id INTEGER NOT NULL REFERENCES songs,
    PRIMARY KEY (vendor_id, release_id, song_id)
) WITHOUT ROWID;
CREATE INDEX rights_message_releases_by_song ON rights_message_releases (song_id);

-- Where app back ends want to be told of changes, and how far each has been told.
CREATE TABLE webhooks (
    webhook_id INTEGER PRIMARY KEY,
    app_id INTEGER NOT NULL REFERENCES apps,
    url TEXT NOT NULL,
    sealed_secret TEXT NOT NULL,
    told_until INTEGER NOT NULL,             -- the feed's cursor
    is_enabled INTEGER NOT NULL,
    failing_since_ms INTEGER,                -- the first failure since the last delivery
    failure TEXT NOT NULL,                   -- the last one, "" since a delivery
    created_at_ms INTEGER NOT NULL
);
-- The outbox: of each webhook the one event under way, the same at every attempt. Whoever attempts it moves the next
-- attempt first, to after its own has surely ended.
CREATE TABLE webhook_events (
    webhook_id INTEGER PRIMARY KEY REFERENCES webhooks,
    event_id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    tells_until INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_ms INTEGER NOT NULL
);

ALTER TABLE grants ADD COLUMN territory TEXT NOT NULL DEFAULT '';       -- where the rights were asked for
ALTER TABLE grants ADD COLUMN need TEXT NOT NULL DEFAULT '';            -- which chains they were asked for
CREATE INDEX grants_by_song ON grants (song_id, granted_at_ms);
"""

_SHARING = """
-- The rooms that sessions are in.
CREATE TABLE room_members (
    session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    room_id TEXT NOT NULL,
    PRIMARY KEY (session_id, room_id)
) WITHOUT ROWID;
INSERT OR IGNORE INTO room_members SELECT session_id, rooms.value FROM sessions, json_each(joined_rooms) AS rooms;
ALTER TABLE sessions DROP COLUMN joined_rooms;

-- Of a grant that was fetched free the grant that was paid for, which may be forgotten before it; NULL in the latter.
-- Nobody fetches one twice; users who were forgotten are all alike.
ALTER TABLE grants ADD COLUMN shared_from INTEGER;
CREATE UNIQUE INDEX grants_once_a_share ON grants (shared_from, user_id)
    WHERE shared_from IS NOT NULL AND user_id <> '';

-- What each room shares: of a resource the latest grant that was paid for. Nothing, once that grant is forgotten.
CREATE TABLE shares (
    app_id INTEGER NOT NULL,
    room_id TEXT NOT NULL,
    vendor_id INTEGER NOT NULL,
    song_id INTEGER NOT NULL REFERENCES songs,
    resource_type INTEGER NOT NULL,
    grant_id INTEGER NOT NULL,
    PRIMARY KEY (app_id, room_id, vendor_id, song_id, resource_type)
) WITHOUT ROWID;
"""

_METERING = """
ALTER TABLE apps ADD COLUMN plan TEXT NOT NULL DEFAULT '{}';            -- JSON: what differs from the plan of all

-- Who may be billed by the month where the plan says that it must be granted first; vendor 0 is every vendor.
CREATE TABLE members (
    app_id INTEGER NOT NULL REFERENCES apps,
    user_id TEXT NOT NULL,
    vendor_id INTEGER NOT NULL,
    added_at_ms INTEGER NOT NULL,
    until_ms INTEGER,
    PRIMARY KEY (app_id, user_id, vendor_id)
) WITHOUT ROWID;

-- The price list; NULL for "any".
CREATE TABLE prices (
    price_id INTEGER PRIMARY KEY,
    app_id INTEGER,
    vendor_id INTEGER,
    resource_type INTEGER,
    scene_id INTEGER,
    billing_mode INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor >= 0),
    currency TEXT NOT NULL,
    valid_from_ms INTEGER NOT NULL,
    recorded_at_ms INTEGER NOT NULL
);
CREATE INDEX prices_by_mode ON prices (billing_mode, currency, valid_from_ms);
CREATE TRIGGER prices_are_never_edited BEFORE UPDATE ON prices
    BEGIN SELECT RAISE(ABORT, 'prices are append-only'); END;
CREATE TRIGGER prices_are_never_deleted BEFORE DELETE ON prices
    BEGIN SELECT RAISE(ABORT, 'prices are append-only'); END;

-- Every charge: what its subject's month was paid with (`opens_month`), what that covers, or what one use cost.
ALTER TABLE charges ADD COLUMN period TEXT NOT NULL DEFAULT '';         -- 2026-11, in the app's time zone
ALTER TABLE charges ADD COLUMN subject TEXT NOT NULL DEFAULT '';        -- a user, room or host; '' for one use
ALTER TABLE charges ADD COLUMN opens_month INTEGER NOT NULL DEFAULT 0;
ALTER TABLE charges ADD COLUMN amount_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE charges ADD COLUMN currency TEXT NOT NULL DEFAULT '';
ALTER TABLE charges ADD COLUMN price_id INTEGER REFERENCES prices;
ALTER TABLE charges ADD COLUMN is_unpriced INTEGER NOT NULL DEFAULT 0;
-- But for one thing nothing of a charge is ever edited: a person is forgotten, and a name that is none takes theirs.
DROP TRIGGER charges_are_never_edited;
CREATE TRIGGER charges_are_never_edited
    BEFORE UPDATE OF charge_id, grant_id, app_id, vendor_id, billing_mode, charged_at_ms, period, opens_month,
                     amount_minor, currency, price_id, is_unpriced ON charges
    BEGIN SELECT RAISE(ABORT, 'charges are append-only'); END;
CREATE TRIGGER charges_keep_their_subject BEFORE UPDATE OF subject ON charges
    WHEN NEW.subject NOT LIKE 'forgotten %' OR OLD.subject = ''
    BEGIN SELECT RAISE(ABORT, 'charges are append-only'); END;
CREATE UNIQUE INDEX charges_once_a_month ON charges (app_id, vendor_id, billing_mode, subject, period)
    WHERE opens_month = 1;
CREATE INDEX charges_without_a_price ON charges (charge_id) WHERE is_unpriced = 1;

-- What each app's month came to when it was closed; a closed month closes all before it.
CREATE TABLE closed_periods (
    app_id INTEGER NOT NULL REFERENCES apps,
    period TEXT NOT NULL,
    closed_at_ms INTEGER NOT NULL,
    PRIMARY KEY (app_id, period)
) WITHOUT ROWID;
CREATE TRIGGER closed_stays_closed BEFORE DELETE ON closed_periods
    BEGIN SELECT RAISE(ABORT, 'a closed month stays closed'); END;
CREATE TRIGGER closed_is_never_edited BEFORE UPDATE ON closed_periods
    BEGIN SELECT RAISE(ABORT, 'a closed month stays closed'); END;

-- The books: both sides of an amount in one row, so that they cannot but balance.
CREATE TABLE postings (
    posting_id INTEGER PRIMARY KEY,
    charge_id INTEGER NOT NULL REFERENCES charges,
    kind TEXT NOT NULL CHECK (kind IN ('charge', 'reversal', 'adjustment')),
    app_id INTEGER NOT NULL,
    debit TEXT NOT NULL,
    credit TEXT NOT NULL CHECK (credit <> debit),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    period TEXT NOT NULL,
    posted_at_ms INTEGER NOT NULL,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX postings_once_each_way ON postings (charge_id, (kind = 'charge'));
CREATE INDEX postings_by_month ON postings (app_id, period, posting_id);
CREATE TRIGGER postings_are_never_edited BEFORE UPDATE ON postings
    BEGIN SELECT RAISE(ABORT, 'postings are append-only'); END;
CREATE TRIGGER postings_are_never_deleted BEFORE DELETE ON postings
    BEGIN SELECT RAISE(ABORT, 'postings are append-only'); END;
CREATE TRIGGER closed_months_take_adjustments BEFORE INSERT ON postings
    WHEN NEW.kind <> 'adjustment'
     AND EXISTS (SELECT 1 FROM closed_periods WHERE app_id = NEW.app_id AND period >= NEW.period)
    BEGIN SELECT RAISE(ABORT, 'a closed month takes adjustments only'); END;

-- Each posting as its two entries: the amounts of one sum to 0.
CREATE VIEW entries AS
SELECT posting_id, debit AS account, amount_minor, currency, period FROM postings
UNION ALL
SELECT posting_id, credit, -amount_minor, currency, period FROM postings;

-- What an app was charged in a month: the sum of its postings, kept so that a bound on it is cheap to look at.
CREATE TABLE app_months (
    app_id INTEGER NOT NULL,
    period TEXT NOT NULL,
    currency TEXT NOT NULL,
    charged_minor INTEGER NOT NULL,
    PRIMARY KEY (app_id, period, currency)
) WITHOUT ROWID;

CREATE INDEX grants_by_user ON grants (app_id, user_id, granted_at_ms, song_id);  -- all that a day reads

-- What a session was answered under a key of its own choice, so that asking again costs nothing.
CREATE TABLE kept_answers (
    session_id INTEGER NOT NULL REFERENCES sessions,
    idempotency_key TEXT NOT NULL,
    request_hash BLOB NOT NULL,              -- SHA-256 of the request in one spelling
    grant_id INTEGER NOT NULL REFERENCES grants,
    need TEXT NOT NULL,                      -- what is asked of the rights when it is answered again
    answer BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (session_id, idempotency_key)
);
CREATE INDEX kept_answers_by_age ON kept_answers (created_at_ms);
"""

_PLAYS = """
-- What clients say was sung under their grants: apart from charges, and kept when a grant is forgotten.
CREATE TABLE plays (
    play_id INTEGER PRIMARY KEY,
    grant_id INTEGER NOT NULL,
    app_id INTEGER NOT NULL,
    user_id TEXT NOT NULL,                   -- '' of a user who was forgotten
    name TEXT NOT NULL,                      -- the client's own for the play
    resource_id TEXT NOT NULL,
    song_id INTEGER NOT NULL REFERENCES songs,
    vendor_id INTEGER NOT NULL,
    resource_type INTEGER NOT NULL,
    scene_id INTEGER NOT NULL,
    billing_mode INTEGER NOT NULL,
    room_id TEXT NOT NULL,
    territory TEXT NOT NULL,
    rights_revision INTEGER NOT NULL,        -- by which it was granted
    duration_ms INTEGER NOT NULL,            -- of the resource
    seconds INTEGER NOT NULL,                -- sung
    is_completed INTEGER NOT NULL,
    score INTEGER,
    started_at_ms INTEGER,                   -- by the client's clock
    reported_at_ms INTEGER NOT NULL,         -- first
    changed_at_ms INTEGER NOT NULL,          -- by a report
    defined_at_ms INTEGER                    -- when it became a defined play; NULL of one that is none
);
CREATE UNIQUE INDEX plays_once_a_name ON plays (app_id, user_id, name) WHERE user_id <> '';
CREATE INDEX plays_by_grant ON plays (grant_id);
CREATE INDEX plays_by_time ON plays (vendor_id, defined_at_ms, song_id) WHERE defined_at_ms IS NOT NULL;
CREATE TRIGGER plays_never_go_back BEFORE UPDATE ON plays
    WHEN NEW.seconds < OLD.seconds OR NEW.is_completed < OLD.is_completed
      OR (OLD.defined_at_ms IS NOT NULL AND NEW.defined_at_ms IS NOT OLD.defined_at_ms)
    BEGIN SELECT RAISE(ABORT, 'what was played stays played'); END;

-- What a webhook is told: of the catalogue's changes, or of usage; then `told_until` is a grant, reversals come apart.
ALTER TABLE webhooks ADD COLUMN tells TEXT NOT NULL DEFAULT 'changes';
ALTER TABLE webhooks ADD COLUMN told_postings_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE webhook_events ADD COLUMN tells_postings_until INTEGER NOT NULL DEFAULT 0;
CREATE INDEX postings_taken_back ON postings (posting_id) WHERE kind <> 'charge';
"""

_KEEPING = """
-- Grants outlive their sessions, of which they name one without referring to it; NULL once they name no user either.
ALTER TABLE grants ADD COLUMN in_session INTEGER;
UPDATE grants SET in_session = session_id;
ALTER TABLE grants DROP COLUMN session_id;
ALTER TABLE grants RENAME COLUMN in_session TO session_id;
DROP INDEX kept_answers_by_age;                                            -- they go with their session
CREATE INDEX sessions_by_end ON sessions (expires_at_ms);
CREATE INDEX sessions_by_user ON sessions (app_id, user_id);
CREATE INDEX members_by_end ON members (until_ms) WHERE until_ms IS NOT NULL;
CREATE INDEX charges_by_subject ON charges (app_id, subject) WHERE subject <> '';  -- charges of months

-- Up to which row, by its id, something has been gone through that is kept.
CREATE TABLE sweeps (
    sweep TEXT PRIMARY KEY,
    done_until INTEGER NOT NULL
) WITHOUT ROWID;
"""

_LEVELS = """
ALTER TABLE songs ADD COLUMN level TEXT;  -- JSON: how loud it was delivered, and what was done about it
"""

_REPORTS = """
-- The month whose reports tell of a posting, where that is not its own: what is taken back of a closed month.
ALTER TABLE postings ADD COLUMN booked_in TEXT;
-- Where a month had its edges when it was closed; '' in those closed before that was written down.
ALTER TABLE closed_periods ADD COLUMN time_zone TEXT NOT NULL DEFAULT '';
CREATE INDEX charges_by_month ON charges (app_id, period);
CREATE INDEX postings_back_by_month ON postings (app_id, coalesce(booked_in, period)) WHERE kind <> 'charge';
CREATE INDEX grants_shared_by_time ON grants (app_id, granted_at_ms) WHERE shared_from IS NOT NULL;
CREATE INDEX plays_of_app_by_time ON plays (app_id, defined_at_ms) WHERE defined_at_ms IS NOT NULL;

-- How what is owed for a vendor's songs is divided among rights holders; without a song for all that have none of
-- their own.
CREATE TABLE splits (
    split_id INTEGER PRIMARY KEY,
    vendor_id INTEGER NOT NULL,
    song_id INTEGER REFERENCES songs,
    from_period TEXT NOT NULL,
    portions TEXT NOT NULL,                  -- JSON
    recorded_at_ms INTEGER NOT NULL
);
CREATE INDEX splits_by_vendor ON splits (vendor_id, split_id);
CREATE TRIGGER splits_are_never_edited BEFORE UPDATE ON splits
    BEGIN SELECT RAISE(ABORT, 'splits are append-only'); END;
CREATE TRIGGER splits_are_never_deleted BEFORE DELETE ON splits
    BEGIN SELECT RAISE(ABORT, 'splits are append-only'); END;

-- The sales reports that were made: a message's id is never used again.
CREATE TABLE sales_reports (
    message_id TEXT PRIMARY KEY,
    vendor_id INTEGER NOT NULL,
    period TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER sales_reports_are_never_edited BEFORE UPDATE ON sales_reports
    BEGIN SELECT RAISE(ABORT, 'a message id is never used again'); END;
CREATE TRIGGER sales_reports_are_never_deleted BEFORE DELETE ON sales_reports
    BEGIN SELECT RAISE(ABORT, 'a message id is never used again'); END;
"""

_TEMPO = """
ALTER TABLE songs ADD COLUMN tempo TEXT;     -- JSON, as it was measured
"""

_SEPARATION = """
ALTER TABLE songs ADD COLUMN separated_by TEXT NOT NULL DEFAULT '';     -- SHA-256 of the model, in hex
"""

MIGRATIONS: tuple[str, ...] = (
    _FOUNDATION,
    _CATALOGUE,
    _RIGHTS,
    _SHARING,
    _METERING,
    _PLAYS,
    _KEEPING,
    _LEVELS,
    _REPORTS,
    _TEMPO,
    _SEPARATION,
)
