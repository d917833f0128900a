-- Cohorts, their customers, and the model sets trained on them.
--
-- A row of `cohorts` is written in the same transaction as its customers, as
-- the last thing: a cohort that is listed is complete. The same holds for a
-- model set and its models.
--
-- Moments are RFC 3339 text in UTC, flags are 0 or 1, ids are text: a person can
-- read the file with the sqlite3 shell.

CREATE TABLE cohorts (
    id                TEXT PRIMARY KEY NOT NULL,
    name              TEXT NOT NULL,    -- what a person calls it; need not be unique
    seed              INTEGER,          -- of the random draws; null where the customers were imported
    customers         INTEGER NOT NULL CHECK (customers >= 0), -- how many there are
    generator_version TEXT NOT NULL,    -- the same version, spec and seed make the same rows
    spec              TEXT NOT NULL CHECK (json_valid(spec)),  -- what was asked for, as it was asked
    facts             TEXT NOT NULL CHECK (json_valid(facts)), -- aggregates, which reports are made of
    created_at        TEXT NOT NULL     -- when the cohort was begun
) STRICT;

-- The latest cohort is asked for at every start.
CREATE INDEX cohorts_by_age ON cohorts (created_at DESC, id DESC);

-- The customers of all cohorts; null is a gap in the data. The rowid keeps the
-- order in which a cohort was written. There is no foreign key to cohorts: it
-- would be checked row by row.
CREATE TABLE customers (
    cohort_id                       TEXT NOT NULL, -- The cohort that the row belongs to
    customer_id                     TEXT NOT NULL, -- The customer's identifier
    age                             INTEGER,       -- Age in whole years at the snapshot (years)
    gender                          TEXT,          -- Gender that the customer states
    location                        TEXT,          -- Metropolitan area the customer lives in
    tenure_months                   INTEGER,       -- Whole months since the customer signed up (months)
    account_type                    TEXT,          -- Premium if the customer has a paid tier, else Free
    stories_posted_week             INTEGER,       -- Stories posted in the last active week (stories/week)
    stories_viewed_day              REAL,          -- Stories viewed a day, mean of the last 30 active days (stories/day)
    story_completion_rate_pct       REAL,          -- Share of opened stories watched to their end (%)
    reels_created_week              INTEGER,       -- Short videos created in the last active week (reels/week)
    reels_watched_day               REAL,          -- Short videos watched a day, mean of the last 30 active days (reels/day)
    avg_reel_watch_time_sec         REAL,          -- Mean time spent on one short video (s)
    reel_completion_rate_pct        REAL,          -- Share of short videos watched to their end (%)
    video_watch_hours_week          REAL,          -- Hours of video of all forms watched in the last active week (h/week)
    engagement_rate_pct             REAL,          -- Likes, comments and shares received on a post, per follower (%)
    posts_last_30_days              INTEGER,       -- Feed posts in the last 30 active days, stories and reels not counted (posts/30 days)
    comments_posted_week            INTEGER,       -- Comments posted in the last active week (comments/week)
    likes_given_day                 REAL,          -- Likes given a day, mean of the last 30 active days (likes/day)
    shares_last_week                INTEGER,       -- Shares in the last seven calendar days (shares/week)
    followers_count                 INTEGER,       -- Accounts that follow the customer (accounts)
    following_count                 INTEGER,       -- Accounts that the customer follows (accounts)
    follower_following_ratio        REAL,          -- Followers divided by accounts followed (ratio)
    is_creator                      INTEGER,       -- Whether the customer is in the creator programme
    creator_earnings_month_usd      REAL,          -- What the customer earned as a creator in the last month; 0 for others (USD/month)
    avg_views_per_post              INTEGER,       -- Mean views of a post or reel; 0 without posts and reels (views/post)
    feed_time_minutes_day           REAL,          -- Minutes a day in the main feed, mean of the last 30 active days (min/day)
    discover_page_visits_week       INTEGER,       -- Visits to the discovery page in the last active week (visits/week)
    ads_clicked_week                INTEGER,       -- Ads clicked in the last active week (clicks/week)
    ad_conversion_rate_pct          REAL,          -- Long-run share of ad clicks that end in a purchase (%)
    live_streams_watched_week       INTEGER,       -- Live streams watched in the last active week (streams/week)
    live_stream_time_minutes_week   REAL,          -- Minutes of live streams watched in the last active week (min/week)
    profile_completion_pct          REAL,          -- Share of the dating profile that is filled in (%)
    photo_count                     INTEGER,       -- Photos on the dating profile (photos)
    profile_quality_score           REAL,          -- Quality of the dating profile as the app scores it (score 0-100)
    swipes_right_day                REAL,          -- Right swipes a day, mean of the last 30 active days (swipes/day)
    swipes_left_day                 REAL,          -- Left swipes a day, mean of the last 30 active days (swipes/day)
    swipe_right_rate_pct            REAL,          -- Right swipes as a share of all swipes (%)
    matches_per_day                 REAL,          -- New matches a day, mean of the last 30 active days (matches/day)
    match_rate_pct                  REAL,          -- Matches as a share of right swipes; 0 without right swipes (%)
    total_matches_alltime           INTEGER,       -- All matches since sign-up (matches)
    messages_sent_day               REAL,          -- Messages sent a day, mean of the last 30 active days (messages/day)
    messages_received_day           REAL,          -- Messages received a day, mean of the last 30 active days (messages/day)
    avg_conversation_length         REAL,          -- Mean messages of a conversation; 0 without messages (messages)
    response_rate_pct               REAL,          -- Share of the messages received that the customer answers (%)
    first_message_response_rate_pct REAL,          -- Share of the customer's opening messages that get an answer (%)
    dates_scheduled_month           INTEGER,       -- Dates agreed on in the last 30 active days (dates/month)
    date_show_up_rate_pct           REAL,          -- All-time share of agreed dates that took place (%)
    dates_completed_month           INTEGER,       -- Dates that took place in the last 30 active days (dates/month)
    match_to_date_conversion_pct    REAL,          -- Dates completed in the month per match of all time; 0 without matches (%)
    super_likes_used_week           INTEGER,       -- Super Likes used in the last active week (super likes/week)
    boosts_used_month               INTEGER,       -- Profile boosts used in the last 30 active days (boosts/month)
    super_like_match_rate_pct       REAL,          -- Share of Super Likes that match (%)
    users_blocked                   INTEGER,       -- Accounts the customer blocked since sign-up (accounts)
    users_reported                  INTEGER,       -- Accounts the customer reported since sign-up (accounts)
    match_satisfaction_score        REAL,          -- How satisfied the customer is with the matches, 1 to 5 (score 1-5)
    app_opens_day                   REAL,          -- Times a day the app is opened, mean of the last 30 active days (opens/day)
    session_duration_avg_min        REAL,          -- Mean length of a session (min)
    premium_tier                    TEXT,          -- Tier of the subscription, Free without one
    monthly_subscription_usd        REAL,          -- Price of the subscription (USD/month)
    iap_spending_month_usd          REAL,          -- In-app purchases in the last month (USD/month)
    ad_revenue_generated_month_usd  REAL,          -- Ad revenue the customer brought in the last month (USD/month)
    total_revenue_month_usd         REAL,          -- Subscription, in-app purchases and ad revenue of the last month (USD/month)
    lifetime_value_usd              REAL,          -- Revenue from the customer since sign-up (USD)
    total_transactions_alltime      INTEGER,       -- Payments since sign-up (transactions)
    avg_transaction_value_usd       REAL,          -- Mean payment since sign-up; 0 without payments (USD)
    engagement_score                REAL,          -- Composite of the customer's activity, 0 to 1 (score 0-1)
    sessions_last_7_days            INTEGER,       -- Sessions in the last seven calendar days (sessions/week)
    churn_probability               REAL,          -- Churn probability as a model of the past scored it (probability)
    churn_30_day                    INTEGER,       -- Whether the customer left within 30 days after the snapshot
    days_since_last_active          INTEGER,       -- Whole days since the customer was last active (days)
    platform_primary                TEXT,          -- Where the customer is mainly active
    data_generated_at               TEXT           -- The moment the customer was observed at
) STRICT;

-- For one customer, in a cohort or through all of them.
CREATE UNIQUE INDEX customers_by_id ON customers (customer_id, cohort_id);

-- For a cohort in the order it was written: every index ends with the rowid.
CREATE INDEX customers_by_cohort ON customers (cohort_id);

-- Models that were trained together and are served together.
CREATE TABLE model_sets (
    version    TEXT PRIMARY KEY NOT NULL,
    cohort_id  TEXT,              -- what they were trained on; it may be dropped, the models stay
    created_at TEXT NOT NULL      -- when they were trained
) STRICT;

-- One trained model per target of a model set.
CREATE TABLE models (
    version  TEXT NOT NULL REFERENCES model_sets (version) ON DELETE CASCADE,
    target   TEXT NOT NULL,       -- what the model predicts, such as churn
    artifact BLOB NOT NULL,       -- the model itself, as the program reads it back
    card     TEXT NOT NULL CHECK (json_valid(card)), -- where it comes from and how well it does
    PRIMARY KEY (version, target)
) STRICT;

-- The model set that predictions are made with. One row at most: activating
-- another one changes that row, so that there is never a moment with two active
-- sets or with none.
CREATE TABLE active_model_set (
    only_row     INTEGER PRIMARY KEY CHECK (only_row = 1),
    version      TEXT NOT NULL REFERENCES model_sets (version),
    activated_at TEXT NOT NULL
) STRICT;
