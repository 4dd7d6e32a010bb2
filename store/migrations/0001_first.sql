-- What the company knows, intends and did. Everything else in the data folder can be rebuilt from this file.

-- One row: the fence and the counters. A store whose epoch is not this one cannot commit.
CREATE TABLE counter (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  epoch INTEGER NOT NULL,
  incarnation TEXT NOT NULL DEFAULT (lower(hex(randomblob(8)))), -- another one after a restore
  received INTEGER NOT NULL DEFAULT 0,
  applied INTEGER NOT NULL DEFAULT 0,
  duplicate INTEGER NOT NULL DEFAULT 0,
  parked INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO counter (one, epoch) VALUES (1, 0);

CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Every commit, in order: the transition records, the duplicate check and the audit chain are this one table. The chain holds
-- the hash of the body, so that a body can go (a person was erased, its time is over) and the chain still verifies: then
-- `digest` is that hash, and a later row says which bodies went.
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  actor TEXT NOT NULL,
  rev INTEGER,
  at_ms INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  body TEXT,
  digest TEXT,
  parts TEXT, -- hash of the rows it recorded in fact, intent_change, decision, annotation and artifact
  hash TEXT NOT NULL,
  CHECK ((body IS NULL) = (digest IS NOT NULL))
) STRICT;
CREATE INDEX journal_actor ON journal (actor, seq);
CREATE INDEX journal_at ON journal (at_ms);
CREATE INDEX journal_gone ON journal (seq) WHERE body IS NULL;

CREATE TABLE actor (
  address TEXT PRIMARY KEY,
  machine TEXT NOT NULL,
  rev INTEGER NOT NULL,
  status TEXT NOT NULL,
  value TEXT NOT NULL,
  parent TEXT,
  record TEXT NOT NULL,
  updated_ms INTEGER NOT NULL
) STRICT; -- with a rowid: an index page holds only 1 KB of a row, and records are larger
CREATE INDEX actor_ended ON actor (status) WHERE status <> 'active';
CREATE INDEX actor_parent ON actor (parent) WHERE parent IS NOT NULL;

-- Messages that were promised and not yet applied. A due time makes one a deadline. Rows leave when the message is applied,
-- not when the bus took it: that is why the bus may be wiped.
CREATE TABLE outbox (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  receiver TEXT NOT NULL,
  sender TEXT NOT NULL,
  cause TEXT,
  due_ms INTEGER,
  at_ms INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX outbox_at ON outbox (at_ms) WHERE due_ms IS NULL;

CREATE TABLE entity (id TEXT PRIMARY KEY, kind TEXT NOT NULL, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- `n` of facts, decisions, intent changes and annotations is seq * 1024 + place in the commit: it leads to the journal row.
CREATE TABLE fact (
  n INTEGER PRIMARY KEY,
  entity TEXT NOT NULL,
  predicate TEXT NOT NULL,
  version INTEGER NOT NULL, -- of the predicate's schema
  value TEXT NOT NULL,
  label TEXT NOT NULL,
  confidence REAL NOT NULL,
  source TEXT,
  supersedes INTEGER, -- the fact that this one corrects
  valid_from_ms INTEGER NOT NULL,
  valid_to_ms INTEGER, -- not true any more from here on
  actor TEXT NOT NULL,
  seq INTEGER NOT NULL,
  recorded_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX fact_entity ON fact (entity, predicate);
CREATE INDEX fact_predicate ON fact (predicate, n);
CREATE INDEX fact_label ON fact (label, n);
CREATE INDEX fact_kind ON fact (substr(entity, 1, instr(entity, '/')), n);
CREATE INDEX fact_source ON fact (source) WHERE source IS NOT NULL;
CREATE INDEX fact_supersedes ON fact (supersedes) WHERE supersedes IS NOT NULL;

-- A person who is being erased: what is left to do, so that it goes on after a crash. Only while a row is here may facts go.
CREATE TABLE erasure (id TEXT PRIMARY KEY, plan TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TRIGGER fact_is_append_only_update BEFORE UPDATE ON fact WHEN NOT EXISTS (SELECT 1 FROM erasure)
  BEGIN SELECT RAISE(ABORT, 'facts are append-only; record a new fact instead'); END;
CREATE TRIGGER fact_is_append_only_delete BEFORE DELETE ON fact WHEN NOT EXISTS (SELECT 1 FROM erasure)
  BEGIN SELECT RAISE(ABORT, 'facts are append-only; record a new fact instead'); END;
CREATE TRIGGER journal_is_append_only_update BEFORE UPDATE ON journal
  WHEN new.body IS NOT NULL OR old.body IS NULL OR new.seq <> old.seq OR new.id <> old.id OR new.actor <> old.actor OR new.rev IS NOT old.rev
    OR new.at_ms <> old.at_ms OR new.outcome <> old.outcome OR new.hash <> old.hash
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
-- Retention takes rows out and puts them back without their bodies: only so are the pages joined.
CREATE TRIGGER journal_is_append_only_delete BEFORE DELETE ON journal WHEN NOT EXISTS (SELECT 1 FROM setting WHERE key = 'retaining')
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE TABLE intent (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  actor TEXT NOT NULL,
  summary TEXT NOT NULL,
  data TEXT NOT NULL,
  seq INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX intent_state ON intent (state, created_ms);
CREATE INDEX intent_created ON intent (created_ms);
-- Every state an intent was in; "intent" is the newest of each.
CREATE TABLE intent_change (n INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, summary TEXT NOT NULL, data TEXT NOT NULL, actor TEXT NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL) STRICT;
CREATE INDEX intent_change_id ON intent_change (id, n);
CREATE TRIGGER intent_stays_final BEFORE UPDATE ON intent
  WHEN old.state IN ('completed', 'failed', 'canceled', 'rejected') AND new.state <> old.state
  BEGIN SELECT RAISE(ABORT, 'a finished intent cannot be reopened'); END;

CREATE TABLE artifact (
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  kind TEXT NOT NULL,
  media_type TEXT NOT NULL,
  name TEXT,
  hash TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  actor TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_kind ON artifact (kind, seq);
CREATE INDEX artifact_hash ON artifact (hash);
CREATE INDEX artifact_seq ON artifact (seq);

CREATE TABLE blob (hash TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;

CREATE TABLE decision (
  n INTEGER PRIMARY KEY,
  actor TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  what TEXT NOT NULL,
  outcome TEXT NOT NULL,
  confidence REAL,
  machine TEXT,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX decision_actor ON decision (actor, seq);

-- What the operator corrected or remarked, about any row.
CREATE TABLE annotation (
  n INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  target_kind TEXT NOT NULL,
  target TEXT NOT NULL,
  text TEXT NOT NULL,
  detail TEXT NOT NULL,
  actor TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX annotation_target ON annotation (target, n);

-- Up to which commit each trigger has looked; NULL while it is in force, because then every commit looks.
CREATE TABLE watch (name TEXT PRIMARY KEY, definition TEXT NOT NULL, until_seq INTEGER) STRICT, WITHOUT ROWID;

CREATE TABLE parked (n INTEGER PRIMARY KEY, id TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL, bytes BLOB NOT NULL, at_ms INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;

CREATE VIRTUAL TABLE search USING fts5 (kind, id UNINDEXED, version UNINDEXED, text, tokenize = 'unicode61 remove_diacritics 2');
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
