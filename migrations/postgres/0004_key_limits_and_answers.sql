-- How much a key may ask for, and how each deed ended.
--
-- Everything here is added; nothing of an earlier version changes its meaning.
INSERT INTO schema_versions (version, oldest_program) VALUES (4, 1);

ALTER TABLE api_keys ADD COLUMN rate_limit bigint CHECK (rate_limit > 0);
COMMENT ON COLUMN api_keys.rate_limit IS 'Requests a second that it may make; null for the default of the service';

ALTER TABLE audit_log ADD COLUMN status integer;
COMMENT ON COLUMN audit_log.status IS 'The status of the answer; null where it was none, or the deed was no request';
