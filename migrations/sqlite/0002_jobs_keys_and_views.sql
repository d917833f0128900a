-- Work that takes long, what comes in over the network before it is a cohort,
-- keys and what is done with them, and the views for analysts.
--
-- Everything here is added; nothing of version 1 changes its meaning.

-- Each row says: a program that knows the schema `oldest_program` or a later one
-- works on the schema `version`. A program looks here when it finds a schema that
-- is newer than its own.
CREATE TABLE schema_versions (
    version        INTEGER PRIMARY KEY,
    oldest_program INTEGER NOT NULL CHECK (oldest_program <= version)
) STRICT;

INSERT INTO schema_versions (version, oldest_program) VALUES (2, 1);

-- Work in the background. A process takes a queued row, writes its heartbeat
-- while it works, and ends the row in the same transaction as what the work made.
-- A row whose heartbeat stands still is taken over.
CREATE TABLE jobs (
    id               TEXT PRIMARY KEY NOT NULL,
    kind             TEXT NOT NULL,    -- generate, import or train
    state            TEXT NOT NULL     -- the last three are final
                     CHECK (state IN ('queued', 'running', 'complete', 'failed', 'cancelled')),
    phase            TEXT NOT NULL,    -- what the job is doing, in a word
    progress         REAL NOT NULL CHECK (progress BETWEEN 0 AND 1), -- how much of the phase is done
    input            TEXT NOT NULL CHECK (json_valid(input)),        -- what was asked for
    result           TEXT CHECK (json_valid(result)),  -- what a complete job made
    problem          TEXT CHECK (json_valid(problem)), -- why a failed job failed
    cohort_id        TEXT,             -- the cohort that it makes, or trains on; it need not exist
    attempts         INTEGER NOT NULL, -- how many processes have begun it
    cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)),
    owner            TEXT,             -- the process that works on it
    heartbeat_at     TEXT,             -- when its owner last said that it is alive
    created_at       TEXT NOT NULL,    -- when it was asked for
    started_at       TEXT,             -- when it was first begun
    finished_at      TEXT,             -- when it reached its final state
    CHECK ((state = 'running') = (owner IS NOT NULL)),
    CHECK ((state IN ('complete', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
) STRICT;

-- What is to be done, and what is being done: few rows, asked for every second.
CREATE INDEX jobs_open ON jobs (created_at, id) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_by_age ON jobs (created_at DESC, id DESC);
CREATE INDEX jobs_by_cohort ON jobs (cohort_id);

-- Cohorts that are gone for every reader and whose customers are still to be
-- removed, some thousand at a time: their row in `cohorts` is deleted first, in
-- the transaction that writes this one.
CREATE TABLE dropped_cohorts (
    cohort_id  TEXT PRIMARY KEY NOT NULL,
    dropped_at TEXT NOT NULL
) STRICT;

-- Rows of an import that were set aside; no value of a row is kept.
CREATE TABLE rejects (
    cohort_id   TEXT NOT NULL,    -- the cohort that the row was meant for
    number      INTEGER NOT NULL, -- counts the faults of an import, from 1
    line        INTEGER NOT NULL, -- where the row began in the file
    column_name TEXT,             -- null where it is the row as a whole
    code        TEXT NOT NULL,    -- the fault, for programs
    message     TEXT NOT NULL,    -- the fault, for people
    PRIMARY KEY (cohort_id, number)
) STRICT;

-- Files that were sent in, cut into pieces, until the job that reads them ends.
CREATE TABLE uploads (
    id         TEXT PRIMARY KEY NOT NULL,
    bytes      INTEGER NOT NULL,  -- how long the file is so far
    complete   INTEGER NOT NULL CHECK (complete IN (0, 1)), -- whether all of it has arrived
    created_at TEXT NOT NULL      -- when the first of it arrived
) STRICT;

CREATE TABLE upload_chunks (
    upload_id TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    number    INTEGER NOT NULL,   -- the place of the piece in its file, from 0
    data      BLOB NOT NULL,
    PRIMARY KEY (upload_id, number)
) STRICT;

-- Keys of the HTTP interface; a key itself is never stored.
CREATE TABLE api_keys (
    id           TEXT PRIMARY KEY NOT NULL,
    name         TEXT NOT NULL,        -- what a person calls the key
    scope        TEXT NOT NULL,        -- what it is good for: predict, read or admin
    hash         BLOB NOT NULL UNIQUE, -- SHA-256 of the key, which can't be had from it
    created_at   TEXT NOT NULL,
    expires_at   TEXT,                 -- null if never
    revoked_at   TEXT,                 -- null while it is good
    last_used_at TEXT                  -- written now and then
) STRICT;

-- What was done with admin keys.
CREATE TABLE audit_log (
    id         TEXT PRIMARY KEY NOT NULL,
    at         TEXT NOT NULL,
    key_id     TEXT,                   -- null where no key was needed
    key_name   TEXT NOT NULL,          -- what the key was called then
    action     TEXT NOT NULL,          -- what was done, such as models.activate
    object     TEXT NOT NULL,          -- what it was done to
    request_id TEXT NOT NULL           -- the request, as in the log of the service
) STRICT;

CREATE INDEX audit_log_by_age ON audit_log (at DESC, id DESC);

-- Calls with an Idempotency-Key of the last day, and what they were answered.
CREATE TABLE idempotency_keys (
    caller      TEXT NOT NULL,         -- the API key that called
    key         TEXT NOT NULL,         -- the Idempotency-Key
    route       TEXT NOT NULL,         -- what was called
    fingerprint TEXT NOT NULL,         -- a hash of what was sent
    response    TEXT CHECK (json_valid(response)), -- null while the call is being worked on
    created_at  TEXT NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- For analysts. Each view has complete cohorts only, and leaves out a deleted
-- one at once; each is fast with a condition on its cohort_id.

-- One row per complete cohort: how many customers, how many leave, what they bring.
CREATE VIEW cohort_overview AS
SELECT c.id AS cohort_id,
       c.name,
       c.created_at,
       c.seed,
       c.customers,
       count(*) FILTER (WHERE u.account_type = 'Premium') AS premium_customers,
       count(*) FILTER (WHERE u.is_creator) AS creators,
       100 * avg(u.churn_30_day) AS churn_rate_pct,
       avg(u.engagement_score) AS mean_engagement_score,
       avg(u.tenure_months) AS mean_tenure_months,
       sum(u.total_revenue_month_usd) AS revenue_month_usd,
       avg(u.total_revenue_month_usd) AS arpu_month_usd,
       avg(u.lifetime_value_usd) AS mean_lifetime_value_usd
FROM cohorts c
LEFT JOIN customers u ON u.cohort_id = c.id
GROUP BY c.id;

-- Who leaves, by time since sign-up: one row per complete cohort and band of tenure.
CREATE VIEW churn_by_tenure AS
SELECT cohort_id,
       band AS tenure_band,
       count(*) AS customers,
       count(*) FILTER (WHERE churn_30_day) AS churned,
       100 * avg(churn_30_day) AS churn_rate_pct,
       sum(total_revenue_month_usd) FILTER (WHERE churn_30_day) AS revenue_month_of_churned_usd
FROM (
    SELECT u.cohort_id, u.churn_30_day, u.total_revenue_month_usd,
           CASE WHEN u.tenure_months < 3 THEN '0-2 months'
                WHEN u.tenure_months < 6 THEN '3-5 months'
                WHEN u.tenure_months < 12 THEN '6-11 months'
                WHEN u.tenure_months < 24 THEN '12-23 months'
                ELSE '24 months and more' END AS band
    FROM customers u
    JOIN cohorts c ON c.id = u.cohort_id
    WHERE u.tenure_months IS NOT NULL
) AS banded
GROUP BY cohort_id, band;

-- What creators earn: one row per complete cohort and tenth of its creators, 1
-- for the tenth that earns most.
CREATE VIEW creator_earnings AS
SELECT cohort_id,
       earnings_tenth,
       count(*) AS creators,
       min(earned) AS least_usd_month,
       avg(earned) AS mean_usd_month,
       max(earned) AS most_usd_month,
       100 * sum(earned) / nullif(sum(sum(earned)) OVER (PARTITION BY cohort_id), 0) AS share_of_earnings_pct,
       avg(avg_views_per_post) AS mean_views_per_post
FROM (
    SELECT u.cohort_id, u.avg_views_per_post, u.creator_earnings_month_usd AS earned,
           ntile(10) OVER (PARTITION BY u.cohort_id ORDER BY u.creator_earnings_month_usd DESC) AS earnings_tenth
    FROM customers u
    JOIN cohorts c ON c.id = u.cohort_id
    WHERE u.is_creator AND u.creator_earnings_month_usd IS NOT NULL
) AS ranked
GROUP BY cohort_id, earnings_tenth;
