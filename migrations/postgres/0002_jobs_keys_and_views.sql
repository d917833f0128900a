-- Work that takes long, what comes in over the network before it is a cohort,
-- keys and what is done with them, and the views for analysts.
--
-- Everything here is added; nothing of version 1 changes its meaning, so that a
-- process of the version before goes on beside one of this version.

-- Each row says: a program that knows the schema `oldest_program` or a later one
-- works on the schema `version`. A program looks here when it finds a schema that
-- is newer than its own.
CREATE TABLE schema_versions (
    version        bigint PRIMARY KEY,
    oldest_program bigint NOT NULL CHECK (oldest_program <= version)
);

COMMENT ON TABLE schema_versions IS 'Which versions of the program work on which version of the schema';
COMMENT ON COLUMN schema_versions.version IS 'A version of the schema, as in _sqlx_migrations';
COMMENT ON COLUMN schema_versions.oldest_program IS 'The oldest schema version whose program still works on it';

INSERT INTO schema_versions (version, oldest_program) VALUES (2, 1);

-- Work in the background. A replica takes a queued row (FOR UPDATE SKIP LOCKED),
-- writes its heartbeat while it works, and ends the row in the same transaction
-- as what the work made. A row whose heartbeat stands still is taken over.
CREATE TABLE jobs (
    id               uuid PRIMARY KEY,
    kind             text NOT NULL,
    state            text NOT NULL CHECK (state IN ('queued', 'running', 'complete', 'failed', 'cancelled')),
    phase            text NOT NULL,
    progress         double precision NOT NULL CHECK (progress BETWEEN 0 AND 1),
    input            jsonb NOT NULL,
    result           jsonb,
    problem          jsonb,
    cohort_id        uuid,
    attempts         integer NOT NULL,
    cancel_requested boolean NOT NULL,
    owner            uuid,
    heartbeat_at     timestamptz,
    created_at       timestamptz NOT NULL,
    started_at       timestamptz,
    finished_at      timestamptz,
    CHECK ((state = 'running') = (owner IS NOT NULL)),
    CHECK ((state IN ('complete', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);

-- What is to be done, and what is being done: few rows, asked for every second.
CREATE INDEX jobs_open ON jobs (created_at, id) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_by_age ON jobs (created_at DESC, id DESC);
CREATE INDEX jobs_by_cohort ON jobs (cohort_id);

COMMENT ON TABLE jobs IS 'Work in the background: generating, importing, training';
COMMENT ON COLUMN jobs.kind IS 'generate, import or train';
COMMENT ON COLUMN jobs.state IS 'queued, running, complete, failed or cancelled; the last three are final';
COMMENT ON COLUMN jobs.phase IS 'What the job is doing, in a word';
COMMENT ON COLUMN jobs.progress IS 'How much of the phase is done (0 to 1)';
COMMENT ON COLUMN jobs.input IS 'What was asked for';
COMMENT ON COLUMN jobs.result IS 'What a complete job made';
COMMENT ON COLUMN jobs.problem IS 'Why a failed job failed';
COMMENT ON COLUMN jobs.cohort_id IS 'The cohort that the job makes, or trains on; it need not exist (yet, or any more)';
COMMENT ON COLUMN jobs.attempts IS 'How many processes have begun it; an orderly hand-over does not count';
COMMENT ON COLUMN jobs.cancel_requested IS 'Whether somebody asked a running job to stop';
COMMENT ON COLUMN jobs.owner IS 'The process that works on it';
COMMENT ON COLUMN jobs.heartbeat_at IS 'When its owner last said that it is alive, by the owner''s clock';
COMMENT ON COLUMN jobs.created_at IS 'When it was asked for';
COMMENT ON COLUMN jobs.started_at IS 'When it was first begun';
COMMENT ON COLUMN jobs.finished_at IS 'When it reached its final state';

-- Cohorts that are gone for every reader and whose customers are still to be
-- removed: their row in `cohorts` is deleted first, in the transaction that
-- writes this one.
CREATE TABLE dropped_cohorts (
    cohort_id  uuid PRIMARY KEY,
    dropped_at timestamptz NOT NULL
);

COMMENT ON TABLE dropped_cohorts IS 'Deleted cohorts whose partition of customers is still to be dropped, which waits for its readers';
COMMENT ON COLUMN dropped_cohorts.cohort_id IS 'The deleted cohort';
COMMENT ON COLUMN dropped_cohorts.dropped_at IS 'When it was deleted';

-- Rows of an import that were set aside.
CREATE TABLE rejects (
    cohort_id   uuid NOT NULL,
    number      bigint NOT NULL,
    line        bigint NOT NULL,
    column_name text,
    code        text NOT NULL,
    message     text NOT NULL,
    PRIMARY KEY (cohort_id, number)
);

COMMENT ON TABLE rejects IS 'Rows of an import that were set aside; no value of a row is kept';
COMMENT ON COLUMN rejects.cohort_id IS 'The cohort that the row was meant for';
COMMENT ON COLUMN rejects.number IS 'Counts the faults of an import, from 1';
COMMENT ON COLUMN rejects.line IS 'Where the row began in the file';
COMMENT ON COLUMN rejects.column_name IS 'The column at fault, null where it is the row as a whole';
COMMENT ON COLUMN rejects.code IS 'The fault, for programs';
COMMENT ON COLUMN rejects.message IS 'The fault, for people';

-- Files that were sent in, cut into pieces, until the job that reads them ends:
-- any replica may be the one that does.
CREATE TABLE uploads (
    id         uuid PRIMARY KEY,
    bytes      bigint NOT NULL,
    complete   boolean NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE upload_chunks (
    upload_id uuid NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    number    bigint NOT NULL,
    data      bytea NOT NULL,
    PRIMARY KEY (upload_id, number)
);

-- What is sent in is compressed already, or is read once and then deleted.
ALTER TABLE upload_chunks ALTER COLUMN data SET STORAGE EXTERNAL;

COMMENT ON TABLE uploads IS 'Files that were sent in and are not imported yet';
COMMENT ON COLUMN uploads.bytes IS 'How long the file is so far (bytes)';
COMMENT ON COLUMN uploads.complete IS 'Whether all of it has arrived';
COMMENT ON COLUMN uploads.created_at IS 'When the first of it arrived';
COMMENT ON TABLE upload_chunks IS 'The files, in pieces';
COMMENT ON COLUMN upload_chunks.number IS 'The place of the piece in its file, from 0';
COMMENT ON COLUMN upload_chunks.data IS 'The piece itself';

-- Keys of the HTTP interface; a key itself is never stored.
CREATE TABLE api_keys (
    id           uuid PRIMARY KEY,
    name         text NOT NULL,
    scope        text NOT NULL,
    hash         bytea NOT NULL UNIQUE,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);

COMMENT ON TABLE api_keys IS 'Keys of the HTTP interface';
COMMENT ON COLUMN api_keys.name IS 'What a person calls the key';
COMMENT ON COLUMN api_keys.scope IS 'What the key is good for: predict, read or admin';
COMMENT ON COLUMN api_keys.hash IS 'SHA-256 of the key, which can''t be had from it';
COMMENT ON COLUMN api_keys.created_at IS 'When it was made';
COMMENT ON COLUMN api_keys.expires_at IS 'When it ends by itself; null if never';
COMMENT ON COLUMN api_keys.revoked_at IS 'When it was revoked; null while it is good';
COMMENT ON COLUMN api_keys.last_used_at IS 'When it was last seen, written now and then';

-- What was done with admin keys.
CREATE TABLE audit_log (
    id         uuid PRIMARY KEY,
    at         timestamptz NOT NULL,
    key_id     uuid,
    key_name   text NOT NULL,
    action     text NOT NULL,
    object     text NOT NULL,
    request_id text NOT NULL
);

CREATE INDEX audit_log_by_age ON audit_log (at DESC, id DESC);

COMMENT ON TABLE audit_log IS 'What admin keys did';
COMMENT ON COLUMN audit_log.at IS 'When it was done';
COMMENT ON COLUMN audit_log.key_id IS 'The key; null where none was needed';
COMMENT ON COLUMN audit_log.key_name IS 'What the key was called then';
COMMENT ON COLUMN audit_log.action IS 'What was done, such as models.activate';
COMMENT ON COLUMN audit_log.object IS 'What it was done to, such as the version of a model set';
COMMENT ON COLUMN audit_log.request_id IS 'The request, as in the log of the service';

-- Calls with an Idempotency-Key, and what they were answered.
CREATE TABLE idempotency_keys (
    caller      text NOT NULL,
    key         text NOT NULL,
    route       text NOT NULL,
    fingerprint text NOT NULL,
    response    jsonb,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (caller, key)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

COMMENT ON TABLE idempotency_keys IS 'Calls with an Idempotency-Key of the last day';
COMMENT ON COLUMN idempotency_keys.caller IS 'The API key that called: others may use the same Idempotency-Key';
COMMENT ON COLUMN idempotency_keys.key IS 'The Idempotency-Key';
COMMENT ON COLUMN idempotency_keys.route IS 'What was called';
COMMENT ON COLUMN idempotency_keys.fingerprint IS 'A hash of what was sent';
COMMENT ON COLUMN idempotency_keys.response IS 'What was answered; null while the call is being worked on';
COMMENT ON COLUMN idempotency_keys.created_at IS 'When the first call came';

-- Every process that is connected learns of another active model set, of work to
-- do and of work to stop, and of a revoked key, as soon as it is committed. Whoever
-- misses it asks a moment later.
CREATE FUNCTION notify_engagecast() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('engagecast', TG_ARGV[0]);
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION notify_engagecast IS 'Tells the processes on the channel engagecast what has changed';

CREATE TRIGGER tell_of_models AFTER INSERT OR UPDATE ON active_model_set
    FOR EACH ROW EXECUTE FUNCTION notify_engagecast('models');
CREATE TRIGGER tell_of_new_jobs AFTER INSERT ON jobs
    FOR EACH STATEMENT EXECUTE FUNCTION notify_engagecast('jobs');
CREATE TRIGGER tell_of_changed_jobs AFTER UPDATE OF cancel_requested, state ON jobs
    FOR EACH ROW WHEN (NEW.state IN ('queued', 'running') AND (NEW.cancel_requested OR NEW.state = 'queued'))
    EXECUTE FUNCTION notify_engagecast('jobs');
CREATE TRIGGER tell_of_keys AFTER INSERT OR DELETE OR UPDATE OF revoked_at, expires_at, scope, hash ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION notify_engagecast('keys');

-- For analysts. Each view has complete cohorts only, and leaves out a deleted
-- one at once; each is fast with a condition on its cohort_id.
CREATE VIEW cohort_overview AS
SELECT c.id AS cohort_id,
       c.name,
       c.created_at,
       c.seed,
       c.customers,
       count(*) FILTER (WHERE u.account_type = 'Premium') AS premium_customers,
       count(*) FILTER (WHERE u.is_creator) AS creators,
       100 * avg(u.churn_30_day::int)::double precision AS churn_rate_pct,
       avg(u.engagement_score) AS mean_engagement_score,
       avg(u.tenure_months)::double precision AS mean_tenure_months,
       sum(u.total_revenue_month_usd) AS revenue_month_usd,
       avg(u.total_revenue_month_usd) AS arpu_month_usd,
       avg(u.lifetime_value_usd) AS mean_lifetime_value_usd
FROM cohorts c
LEFT JOIN customers u ON u.cohort_id = c.id
GROUP BY c.id;

COMMENT ON VIEW cohort_overview IS 'One row per complete cohort: how many customers, how many leave, what they bring';
COMMENT ON COLUMN cohort_overview.customers IS 'How many customers the cohort has';
COMMENT ON COLUMN cohort_overview.premium_customers IS 'How many of them pay for a tier';
COMMENT ON COLUMN cohort_overview.creators IS 'How many of them are in the creator programme';
COMMENT ON COLUMN cohort_overview.churn_rate_pct IS 'Share that left within 30 days after the snapshot (%)';
COMMENT ON COLUMN cohort_overview.mean_engagement_score IS 'Mean engagement score (0 to 1)';
COMMENT ON COLUMN cohort_overview.mean_tenure_months IS 'Mean time since sign-up (months)';
COMMENT ON COLUMN cohort_overview.revenue_month_usd IS 'Revenue of the last month (USD)';
COMMENT ON COLUMN cohort_overview.arpu_month_usd IS 'Revenue of the last month per customer (USD/month)';
COMMENT ON COLUMN cohort_overview.mean_lifetime_value_usd IS 'Mean revenue from a customer since sign-up (USD)';

CREATE VIEW churn_by_tenure AS
SELECT cohort_id,
       band AS tenure_band,
       count(*) AS customers,
       count(*) FILTER (WHERE churn_30_day) AS churned,
       100 * avg(churn_30_day::int)::double precision AS churn_rate_pct,
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

COMMENT ON VIEW churn_by_tenure IS 'Who leaves, by time since sign-up: one row per complete cohort and band of tenure';
COMMENT ON COLUMN churn_by_tenure.tenure_band IS 'Whole months since sign-up';
COMMENT ON COLUMN churn_by_tenure.customers IS 'Customers of the band';
COMMENT ON COLUMN churn_by_tenure.churned IS 'Those who left within 30 days after the snapshot';
COMMENT ON COLUMN churn_by_tenure.churn_rate_pct IS 'Their share of those for whom it is known (%)';
COMMENT ON COLUMN churn_by_tenure.revenue_month_of_churned_usd IS 'What those who left had brought in their last month (USD)';

CREATE VIEW creator_earnings AS
SELECT cohort_id,
       earnings_tenth,
       count(*) AS creators,
       min(earned) AS least_usd_month,
       avg(earned) AS mean_usd_month,
       max(earned) AS most_usd_month,
       100 * sum(earned) / nullif(sum(sum(earned)) OVER (PARTITION BY cohort_id), 0) AS share_of_earnings_pct,
       avg(avg_views_per_post)::double precision AS mean_views_per_post
FROM (
    SELECT u.cohort_id, u.avg_views_per_post, u.creator_earnings_month_usd AS earned,
           ntile(10) OVER (PARTITION BY u.cohort_id ORDER BY u.creator_earnings_month_usd DESC) AS earnings_tenth
    FROM customers u
    JOIN cohorts c ON c.id = u.cohort_id
    WHERE u.is_creator AND u.creator_earnings_month_usd IS NOT NULL
) AS ranked
GROUP BY cohort_id, earnings_tenth;

COMMENT ON VIEW creator_earnings IS 'What creators earn: one row per complete cohort and tenth of its creators, the best-earning tenth first';
COMMENT ON COLUMN creator_earnings.earnings_tenth IS '1 for the tenth that earns most, 10 for the one that earns least';
COMMENT ON COLUMN creator_earnings.creators IS 'How many creators are in the tenth';
COMMENT ON COLUMN creator_earnings.least_usd_month IS 'The smallest earnings in the tenth (USD/month)';
COMMENT ON COLUMN creator_earnings.mean_usd_month IS 'The mean earnings in the tenth (USD/month)';
COMMENT ON COLUMN creator_earnings.most_usd_month IS 'The largest earnings in the tenth (USD/month)';
COMMENT ON COLUMN creator_earnings.share_of_earnings_pct IS 'Share of the earnings of all creators of the cohort (%)';
COMMENT ON COLUMN creator_earnings.mean_views_per_post IS 'Mean views of their posts (views/post)';
