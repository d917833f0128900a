-- How much a key may ask for, and how each deed ended.
--
-- Everything here is added; nothing of an earlier version changes its meaning.
INSERT INTO schema_versions (version, oldest_program) VALUES (4, 1);

-- Requests a second that it may make; null for the default of the service.
ALTER TABLE api_keys ADD COLUMN rate_limit INTEGER CHECK (rate_limit > 0);

-- The status of the answer; null where it was none, or the deed was no request.
ALTER TABLE audit_log ADD COLUMN status INTEGER;
