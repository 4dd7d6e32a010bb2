-- Vectors of what the full-text index holds: derived from it, so neither hashed nor exported, and made again when they are missing.

-- One vector for each text that a model was given, by the hash of the text: computed once. As the model gave it, so that everything
-- below can be made again.
CREATE TABLE vector (n INTEGER PRIMARY KEY, model TEXT NOT NULL, hash TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX vector_hash ON vector (model, hash);

-- Which vector the row of the full-text index at this place has.
CREATE TABLE embedded (model TEXT NOT NULL, place INTEGER NOT NULL, vector INTEGER NOT NULL, PRIMARY KEY (model, place)) STRICT, WITHOUT ROWID;
CREATE INDEX embedded_place ON embedded (place);
CREATE INDEX embedded_vector ON embedded (vector);

-- What is read to find the nearest: for 1,024 places one row with a byte of kind and 512 bits each. `until` is the last place that was
-- looked at; before it, a place without a vector has none to get. `rev` is another one after each change, for whoever keeps pages.
CREATE TABLE vector_page (model TEXT NOT NULL, page INTEGER NOT NULL, until INTEGER NOT NULL, rev TEXT NOT NULL, kinds BLOB NOT NULL, bits BLOB NOT NULL, PRIMARY KEY (model, page)) STRICT;

-- How often a text had its vector already, and how often it was computed.
CREATE TABLE vector_count (model TEXT PRIMARY KEY, computed INTEGER NOT NULL, found INTEGER NOT NULL) STRICT, WITHOUT ROWID;
