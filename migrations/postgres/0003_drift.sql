-- Whom the models are asked about: what each process counted, so that drift is
-- told for all of them together.
--
-- Everything here is added; nothing of an earlier version changes its meaning.
INSERT INTO schema_versions (version, oldest_program) VALUES (3, 1);

CREATE TABLE drift_counts (
    process    uuid NOT NULL,
    version    text NOT NULL,
    target     text NOT NULL,
    counts     jsonb NOT NULL,
    since      timestamptz NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (version, target, process)
);

COMMENT ON TABLE drift_counts IS 'Whom each model was asked about: a row for each process that served it, of the last day';
COMMENT ON COLUMN drift_counts.process IS 'The process that counted';
COMMENT ON COLUMN drift_counts.version IS 'The model set that served';
COMMENT ON COLUMN drift_counts.target IS 'What it predicted';
COMMENT ON COLUMN drift_counts.counts IS 'How many customers fell into each bin, in the order of the model''s bins';
COMMENT ON COLUMN drift_counts.since IS 'When the process began to serve the model set';
COMMENT ON COLUMN drift_counts.written_at IS 'When the counts were these';
