-- The triggers that led to this message, first to last, with spaces between; NULL for none. Whoever applies it hands them on.
ALTER TABLE outbox ADD COLUMN chain TEXT;

-- A job waits under one id, its generation, whichever try is next; a try after the first used to have an id of its own.
UPDATE outbox SET id = body ->> '$.owner.gen' WHERE body ->> '$.kind' = 'job' AND id <> body ->> '$.owner.gen';
