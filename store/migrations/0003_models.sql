-- What calls of models may cost and did cost: a reservation before each call, and one settlement of it. Append-only like facts.
CREATE TABLE spend (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('reserved', 'settled')),
  workflow TEXT NOT NULL,
  run TEXT NOT NULL,
  micros INTEGER NOT NULL CHECK (micros >= 0),
  held INTEGER NOT NULL CHECK (held >= 0), -- of a settlement: what was reserved, and is not any more
  counted_ms INTEGER NOT NULL, -- when it was reserved: this day and month it counts in
  until_ms INTEGER NOT NULL, -- when a reservation that nobody settled counts in full
  detail TEXT NOT NULL,
  actor TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX spend_id ON spend (id, state);
CREATE INDEX spend_at ON spend (at_ms);
CREATE INDEX spend_run ON spend (run, n);
CREATE TRIGGER spend_is_append_only_update BEFORE UPDATE ON spend WHEN NOT EXISTS (SELECT 1 FROM erasure)
  BEGIN SELECT RAISE(ABORT, 'what was spent is append-only'); END;
CREATE TRIGGER spend_is_append_only_delete BEFORE DELETE ON spend
  BEGIN SELECT RAISE(ABORT, 'what was spent is append-only'); END;

-- How much of each budget is taken, and what is reserved now. Made by the triggers below from the rows above, so that the three
-- cannot disagree, whoever writes a row: a commit, an import.
CREATE TABLE balance (scope TEXT NOT NULL, period TEXT NOT NULL, settled INTEGER NOT NULL, reserved INTEGER NOT NULL, PRIMARY KEY (scope, period)) STRICT, WITHOUT ROWID;
CREATE INDEX balance_period ON balance (period);
CREATE TABLE reservation (id TEXT PRIMARY KEY, workflow TEXT NOT NULL, run TEXT NOT NULL, micros INTEGER NOT NULL, counted_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX reservation_until ON reservation (until_ms);

CREATE TRIGGER spend_counts AFTER INSERT ON spend BEGIN
  INSERT INTO balance (scope, period, settled, reserved)
    SELECT scope, period, iif(new.state = 'settled', new.micros, 0), iif(new.state = 'settled', -new.held, new.micros) FROM (
      SELECT 'company' AS scope, strftime('day:%Y-%m-%d', new.counted_ms / 1000, 'unixepoch') AS period
      UNION ALL SELECT 'company', strftime('month:%Y-%m', new.counted_ms / 1000, 'unixepoch')
      UNION ALL SELECT 'workflow/' || new.workflow, strftime('day:%Y-%m-%d', new.counted_ms / 1000, 'unixepoch')
      UNION ALL SELECT 'workflow/' || new.workflow, strftime('month:%Y-%m', new.counted_ms / 1000, 'unixepoch')
      UNION ALL SELECT 'run/' || new.run, 'run'
    ) WHERE true
    ON CONFLICT (scope, period) DO UPDATE SET settled = settled + excluded.settled, reserved = reserved + excluded.reserved;
END;
CREATE TRIGGER spend_reserves AFTER INSERT ON spend WHEN new.state = 'reserved'
  BEGIN INSERT INTO reservation VALUES (new.id, new.workflow, new.run, new.micros, new.counted_ms, new.until_ms); END;
CREATE TRIGGER spend_settles AFTER INSERT ON spend WHEN new.state = 'settled'
  BEGIN DELETE FROM reservation WHERE id = new.id; END;
-- Somebody is erased whom the name of a run names: what was spent is counted under the name that is left.
CREATE TRIGGER spend_moves AFTER UPDATE OF run ON spend WHEN new.run <> old.run BEGIN
  INSERT INTO balance (scope, period, settled, reserved) VALUES ('run/' || new.run, 'run', iif(new.state = 'settled', new.micros, 0), iif(new.state = 'settled', -new.held, new.micros))
    ON CONFLICT (scope, period) DO UPDATE SET settled = settled + excluded.settled, reserved = reserved + excluded.reserved;
  UPDATE balance SET settled = settled - iif(new.state = 'settled', new.micros, 0), reserved = reserved - iif(new.state = 'settled', -new.held, new.micros) WHERE scope = 'run/' || old.run;
  DELETE FROM balance WHERE scope = 'run/' || old.run AND NOT EXISTS (SELECT 1 FROM spend WHERE run = old.run);
  UPDATE reservation SET run = new.run WHERE id = new.id;
END;

-- Answers of models that may be given again: by the hash of all that was asked. Nothing is lost when it is emptied.
CREATE TABLE answer (key TEXT PRIMARY KEY, task TEXT NOT NULL, model TEXT NOT NULL, value TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX answer_at ON answer (at_ms);

-- Answers of tiers, whose worth is measured: a small part of all decisions. A row that somebody damaged is in no index, so that it can be found.
CREATE INDEX decision_task ON decision (n) WHERE (CASE WHEN json_valid(detail) THEN detail ->> '$.task' END IS NOT NULL OR what IN ('triage', 'draft'));
-- Which rule of policy spoke.
CREATE INDEX decision_rule ON decision (CASE WHEN json_valid(detail) THEN detail ->> '$.policy.rule' END, n) WHERE what = 'policy';
-- What is true only until then.
CREATE INDEX fact_ends ON fact (valid_to_ms) WHERE valid_to_ms IS NOT NULL;
