-- Cohorts, their customers, and the model sets trained on them.
--
-- A row of `cohorts` is written in the same transaction as its customers, as
-- the last thing: a cohort that is listed is complete. The same holds for a
-- model set and its models.

CREATE TABLE cohorts (
    id                uuid PRIMARY KEY,
    name              text NOT NULL,
    seed              bigint,
    customers         bigint NOT NULL CHECK (customers >= 0),
    generator_version text NOT NULL,
    spec              jsonb NOT NULL,
    facts             jsonb NOT NULL,
    created_at        timestamptz NOT NULL
);

-- The latest cohort is asked for at every start.
CREATE INDEX cohorts_by_age ON cohorts (created_at DESC, id DESC);

COMMENT ON TABLE cohorts IS 'Complete cohorts, one row each; the customers of a cohort are a partition of the table customers';
COMMENT ON COLUMN cohorts.name IS 'What a person calls the cohort; need not be unique';
COMMENT ON COLUMN cohorts.seed IS 'Seed of the random draws; null where the customers were imported';
COMMENT ON COLUMN cohorts.customers IS 'How many customers the cohort has';
COMMENT ON COLUMN cohorts.generator_version IS 'Version of the program that made the rows: the same version, spec and seed make the same rows';
COMMENT ON COLUMN cohorts.spec IS 'What was asked for, as it was asked';
COMMENT ON COLUMN cohorts.facts IS 'Aggregates of all customers, which reports are made of';
COMMENT ON COLUMN cohorts.created_at IS 'When the cohort was begun';

-- One partition per cohort, created, filled and attached by the transaction
-- that writes the cohort, so that dropping a cohort is dropping a table.
-- There is no foreign key to cohorts: it would be checked row by row.
CREATE TABLE customers (
    cohort_id                       uuid NOT NULL,
    customer_id                     text NOT NULL,
    age                             integer,
    gender                          text,
    location                        text,
    tenure_months                   integer,
    account_type                    text,
    stories_posted_week             integer,
    stories_viewed_day              double precision,
    story_completion_rate_pct       double precision,
    reels_created_week              integer,
    reels_watched_day               double precision,
    avg_reel_watch_time_sec         double precision,
    reel_completion_rate_pct        double precision,
    video_watch_hours_week          double precision,
    engagement_rate_pct             double precision,
    posts_last_30_days              integer,
    comments_posted_week            integer,
    likes_given_day                 double precision,
    shares_last_week                integer,
    followers_count                 bigint,
    following_count                 bigint,
    follower_following_ratio        double precision,
    is_creator                      boolean,
    creator_earnings_month_usd      double precision,
    avg_views_per_post              bigint,
    feed_time_minutes_day           double precision,
    discover_page_visits_week       integer,
    ads_clicked_week                integer,
    ad_conversion_rate_pct          double precision,
    live_streams_watched_week       integer,
    live_stream_time_minutes_week   double precision,
    profile_completion_pct          double precision,
    photo_count                     integer,
    profile_quality_score           double precision,
    swipes_right_day                double precision,
    swipes_left_day                 double precision,
    swipe_right_rate_pct            double precision,
    matches_per_day                 double precision,
    match_rate_pct                  double precision,
    total_matches_alltime           integer,
    messages_sent_day               double precision,
    messages_received_day           double precision,
    avg_conversation_length         double precision,
    response_rate_pct               double precision,
    first_message_response_rate_pct double precision,
    dates_scheduled_month           integer,
    date_show_up_rate_pct           double precision,
    dates_completed_month           integer,
    match_to_date_conversion_pct    double precision,
    super_likes_used_week           integer,
    boosts_used_month               integer,
    super_like_match_rate_pct       double precision,
    users_blocked                   integer,
    users_reported                  integer,
    match_satisfaction_score        double precision,
    app_opens_day                   double precision,
    session_duration_avg_min        double precision,
    premium_tier                    text,
    monthly_subscription_usd        double precision,
    iap_spending_month_usd          double precision,
    ad_revenue_generated_month_usd  double precision,
    total_revenue_month_usd         double precision,
    lifetime_value_usd              double precision,
    total_transactions_alltime      integer,
    avg_transaction_value_usd       double precision,
    engagement_score                double precision,
    sessions_last_7_days            integer,
    churn_probability               double precision,
    churn_30_day                    boolean,
    days_since_last_active          integer,
    platform_primary                text,
    data_generated_at               timestamptz,
    -- customer_id first: within a partition the cohort is always the same, and
    -- a customer can be followed through all cohorts.
    PRIMARY KEY (customer_id, cohort_id)
) PARTITION BY LIST (cohort_id);

COMMENT ON TABLE customers IS 'The customers of all cohorts, one row per customer and cohort; null is a gap in the data';
COMMENT ON COLUMN customers.cohort_id IS 'The cohort that the row belongs to';
COMMENT ON COLUMN customers.customer_id IS 'The customer''s identifier';
COMMENT ON COLUMN customers.age IS 'Age in whole years at the snapshot (years)';
COMMENT ON COLUMN customers.gender IS 'Gender that the customer states';
COMMENT ON COLUMN customers.location IS 'Metropolitan area the customer lives in';
COMMENT ON COLUMN customers.tenure_months IS 'Whole months since the customer signed up (months)';
COMMENT ON COLUMN customers.account_type IS 'Premium if the customer has a paid tier, else Free';
COMMENT ON COLUMN customers.stories_posted_week IS 'Stories posted in the last active week (stories/week)';
COMMENT ON COLUMN customers.stories_viewed_day IS 'Stories viewed a day, mean of the last 30 active days (stories/day)';
COMMENT ON COLUMN customers.story_completion_rate_pct IS 'Share of opened stories watched to their end (%)';
COMMENT ON COLUMN customers.reels_created_week IS 'Short videos created in the last active week (reels/week)';
COMMENT ON COLUMN customers.reels_watched_day IS 'Short videos watched a day, mean of the last 30 active days (reels/day)';
COMMENT ON COLUMN customers.avg_reel_watch_time_sec IS 'Mean time spent on one short video (s)';
COMMENT ON COLUMN customers.reel_completion_rate_pct IS 'Share of short videos watched to their end (%)';
COMMENT ON COLUMN customers.video_watch_hours_week IS 'Hours of video of all forms watched in the last active week (h/week)';
COMMENT ON COLUMN customers.engagement_rate_pct IS 'Likes, comments and shares received on a post, per follower (%)';
COMMENT ON COLUMN customers.posts_last_30_days IS 'Feed posts in the last 30 active days, stories and reels not counted (posts/30 days)';
COMMENT ON COLUMN customers.comments_posted_week IS 'Comments posted in the last active week (comments/week)';
COMMENT ON COLUMN customers.likes_given_day IS 'Likes given a day, mean of the last 30 active days (likes/day)';
COMMENT ON COLUMN customers.shares_last_week IS 'Shares in the last seven calendar days (shares/week)';
COMMENT ON COLUMN customers.followers_count IS 'Accounts that follow the customer (accounts)';
COMMENT ON COLUMN customers.following_count IS 'Accounts that the customer follows (accounts)';
COMMENT ON COLUMN customers.follower_following_ratio IS 'Followers divided by accounts followed (ratio)';
COMMENT ON COLUMN customers.is_creator IS 'Whether the customer is in the creator programme';
COMMENT ON COLUMN customers.creator_earnings_month_usd IS 'What the customer earned as a creator in the last month; 0 for others (USD/month)';
COMMENT ON COLUMN customers.avg_views_per_post IS 'Mean views of a post or reel; 0 without posts and reels (views/post)';
COMMENT ON COLUMN customers.feed_time_minutes_day IS 'Minutes a day in the main feed, mean of the last 30 active days (min/day)';
COMMENT ON COLUMN customers.discover_page_visits_week IS 'Visits to the discovery page in the last active week (visits/week)';
COMMENT ON COLUMN customers.ads_clicked_week IS 'Ads clicked in the last active week (clicks/week)';
COMMENT ON COLUMN customers.ad_conversion_rate_pct IS 'Long-run share of ad clicks that end in a purchase (%)';
COMMENT ON COLUMN customers.live_streams_watched_week IS 'Live streams watched in the last active week (streams/week)';
COMMENT ON COLUMN customers.live_stream_time_minutes_week IS 'Minutes of live streams watched in the last active week (min/week)';
COMMENT ON COLUMN customers.profile_completion_pct IS 'Share of the dating profile that is filled in (%)';
COMMENT ON COLUMN customers.photo_count IS 'Photos on the dating profile (photos)';
COMMENT ON COLUMN customers.profile_quality_score IS 'Quality of the dating profile as the app scores it (score 0-100)';
COMMENT ON COLUMN customers.swipes_right_day IS 'Right swipes a day, mean of the last 30 active days (swipes/day)';
COMMENT ON COLUMN customers.swipes_left_day IS 'Left swipes a day, mean of the last 30 active days (swipes/day)';
COMMENT ON COLUMN customers.swipe_right_rate_pct IS 'Right swipes as a share of all swipes (%)';
COMMENT ON COLUMN customers.matches_per_day IS 'New matches a day, mean of the last 30 active days (matches/day)';
COMMENT ON COLUMN customers.match_rate_pct IS 'Matches as a share of right swipes; 0 without right swipes (%)';
COMMENT ON COLUMN customers.total_matches_alltime IS 'All matches since sign-up (matches)';
COMMENT ON COLUMN customers.messages_sent_day IS 'Messages sent a day, mean of the last 30 active days (messages/day)';
COMMENT ON COLUMN customers.messages_received_day IS 'Messages received a day, mean of the last 30 active days (messages/day)';
COMMENT ON COLUMN customers.avg_conversation_length IS 'Mean messages of a conversation; 0 without messages (messages)';
COMMENT ON COLUMN customers.response_rate_pct IS 'Share of the messages received that the customer answers (%)';
COMMENT ON COLUMN customers.first_message_response_rate_pct IS 'Share of the customer''s opening messages that get an answer (%)';
COMMENT ON COLUMN customers.dates_scheduled_month IS 'Dates agreed on in the last 30 active days (dates/month)';
COMMENT ON COLUMN customers.date_show_up_rate_pct IS 'All-time share of agreed dates that took place (%)';
COMMENT ON COLUMN customers.dates_completed_month IS 'Dates that took place in the last 30 active days (dates/month)';
COMMENT ON COLUMN customers.match_to_date_conversion_pct IS 'Dates completed in the month per match of all time; 0 without matches (%)';
COMMENT ON COLUMN customers.super_likes_used_week IS 'Super Likes used in the last active week (super likes/week)';
COMMENT ON COLUMN customers.boosts_used_month IS 'Profile boosts used in the last 30 active days (boosts/month)';
COMMENT ON COLUMN customers.super_like_match_rate_pct IS 'Share of Super Likes that match (%)';
COMMENT ON COLUMN customers.users_blocked IS 'Accounts the customer blocked since sign-up (accounts)';
COMMENT ON COLUMN customers.users_reported IS 'Accounts the customer reported since sign-up (accounts)';
COMMENT ON COLUMN customers.match_satisfaction_score IS 'How satisfied the customer is with the matches, 1 to 5 (score 1-5)';
COMMENT ON COLUMN customers.app_opens_day IS 'Times a day the app is opened, mean of the last 30 active days (opens/day)';
COMMENT ON COLUMN customers.session_duration_avg_min IS 'Mean length of a session (min)';
COMMENT ON COLUMN customers.premium_tier IS 'Tier of the subscription, Free without one';
COMMENT ON COLUMN customers.monthly_subscription_usd IS 'Price of the subscription (USD/month)';
COMMENT ON COLUMN customers.iap_spending_month_usd IS 'In-app purchases in the last month (USD/month)';
COMMENT ON COLUMN customers.ad_revenue_generated_month_usd IS 'Ad revenue the customer brought in the last month (USD/month)';
COMMENT ON COLUMN customers.total_revenue_month_usd IS 'Subscription, in-app purchases and ad revenue of the last month (USD/month)';
COMMENT ON COLUMN customers.lifetime_value_usd IS 'Revenue from the customer since sign-up (USD)';
COMMENT ON COLUMN customers.total_transactions_alltime IS 'Payments since sign-up (transactions)';
COMMENT ON COLUMN customers.avg_transaction_value_usd IS 'Mean payment since sign-up; 0 without payments (USD)';
COMMENT ON COLUMN customers.engagement_score IS 'Composite of the customer''s activity, 0 to 1 (score 0-1)';
COMMENT ON COLUMN customers.sessions_last_7_days IS 'Sessions in the last seven calendar days (sessions/week)';
COMMENT ON COLUMN customers.churn_probability IS 'Churn probability as a model of the past scored it (probability)';
COMMENT ON COLUMN customers.churn_30_day IS 'Whether the customer left within 30 days after the snapshot';
COMMENT ON COLUMN customers.days_since_last_active IS 'Whole days since the customer was last active (days)';
COMMENT ON COLUMN customers.platform_primary IS 'Where the customer is mainly active';
COMMENT ON COLUMN customers.data_generated_at IS 'The moment the customer was observed at';

CREATE TABLE model_sets (
    version    text PRIMARY KEY,
    cohort_id  uuid,
    created_at timestamptz NOT NULL
);

COMMENT ON TABLE model_sets IS 'Models that were trained together and are served together';
COMMENT ON COLUMN model_sets.cohort_id IS 'The cohort they were trained on; it may be dropped, the models stay';
COMMENT ON COLUMN model_sets.created_at IS 'When they were trained';

CREATE TABLE models (
    version  text NOT NULL REFERENCES model_sets (version) ON DELETE CASCADE,
    target   text NOT NULL,
    artifact bytea NOT NULL,
    card     jsonb NOT NULL,
    PRIMARY KEY (version, target)
);

-- An artifact is compressed already where that pays.
ALTER TABLE models ALTER COLUMN artifact SET STORAGE EXTERNAL;

COMMENT ON TABLE models IS 'One trained model per target of a model set';
COMMENT ON COLUMN models.target IS 'What the model predicts, such as churn';
COMMENT ON COLUMN models.artifact IS 'The model itself, as the program reads it back';
COMMENT ON COLUMN models.card IS 'The model card: where it comes from and how well it does';

-- One row at most: activating another model set changes that row, so that there
-- is never a moment with two active sets or with none.
CREATE TABLE active_model_set (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version      text NOT NULL REFERENCES model_sets (version),
    activated_at timestamptz NOT NULL
);

COMMENT ON TABLE active_model_set IS 'The model set that predictions are made with; one row, or none before the first training';
