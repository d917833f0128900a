-- Whom the models are asked about: what each process counted, so that drift is
-- told for all of them together.
--
-- Everything here is added; nothing of an earlier version changes its meaning.
INSERT INTO schema_versions (version, oldest_program) VALUES (3, 1);

-- A row for each process that served a model set, of the last day.
CREATE TABLE drift_counts (
    process    TEXT NOT NULL,          -- the process that counted
    version    TEXT NOT NULL,          -- the model set that served
    target     TEXT NOT NULL,          -- what it predicted
    counts     TEXT NOT NULL CHECK (json_valid(counts)), -- how many customers fell into each bin
    since      TEXT NOT NULL,          -- when the process began to serve the model set
    written_at TEXT NOT NULL,          -- when the counts were these
    PRIMARY KEY (version, target, process)
) STRICT;
