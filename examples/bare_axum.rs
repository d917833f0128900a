//! A bare axum handler, for comparison with `POST /predict/churn`: it parses the
//! same body into 65 `Option`s and answers as many bytes, and does nothing else.
//!
//! `cargo run --release --example bare_axum -- 127.0.0.1:8081 309`: where to
//! listen, and how many bytes to answer. See `bench/http/README.md`.

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is parsed, and that is all")]
struct Customer {
    age: Option<i64>,
    gender: Option<String>,
    location: Option<String>,
    tenure_months: Option<i64>,
    account_type: Option<String>,
    stories_posted_week: Option<i64>,
    stories_viewed_day: Option<f64>,
    story_completion_rate_pct: Option<f64>,
    reels_created_week: Option<i64>,
    reels_watched_day: Option<f64>,
    avg_reel_watch_time_sec: Option<f64>,
    reel_completion_rate_pct: Option<f64>,
    video_watch_hours_week: Option<f64>,
    engagement_rate_pct: Option<f64>,
    posts_last_30_days: Option<i64>,
    comments_posted_week: Option<i64>,
    likes_given_day: Option<f64>,
    shares_last_week: Option<i64>,
    followers_count: Option<i64>,
    following_count: Option<i64>,
    follower_following_ratio: Option<f64>,
    is_creator: Option<bool>,
    creator_earnings_month_usd: Option<f64>,
    avg_views_per_post: Option<i64>,
    feed_time_minutes_day: Option<f64>,
    discover_page_visits_week: Option<i64>,
    ads_clicked_week: Option<i64>,
    ad_conversion_rate_pct: Option<f64>,
    live_streams_watched_week: Option<i64>,
    live_stream_time_minutes_week: Option<f64>,
    profile_completion_pct: Option<f64>,
    photo_count: Option<i64>,
    profile_quality_score: Option<f64>,
    swipes_right_day: Option<f64>,
    swipes_left_day: Option<f64>,
    swipe_right_rate_pct: Option<f64>,
    matches_per_day: Option<f64>,
    match_rate_pct: Option<f64>,
    total_matches_alltime: Option<i64>,
    messages_sent_day: Option<f64>,
    messages_received_day: Option<f64>,
    avg_conversation_length: Option<f64>,
    response_rate_pct: Option<f64>,
    first_message_response_rate_pct: Option<f64>,
    dates_scheduled_month: Option<i64>,
    date_show_up_rate_pct: Option<f64>,
    dates_completed_month: Option<i64>,
    match_to_date_conversion_pct: Option<f64>,
    super_likes_used_week: Option<i64>,
    boosts_used_month: Option<i64>,
    super_like_match_rate_pct: Option<f64>,
    users_blocked: Option<i64>,
    users_reported: Option<i64>,
    match_satisfaction_score: Option<f64>,
    app_opens_day: Option<f64>,
    session_duration_avg_min: Option<f64>,
    premium_tier: Option<String>,
    monthly_subscription_usd: Option<f64>,
    iap_spending_month_usd: Option<f64>,
    ad_revenue_generated_month_usd: Option<f64>,
    total_revenue_month_usd: Option<f64>,
    engagement_score: Option<f64>,
    sessions_last_7_days: Option<i64>,
    days_since_last_active: Option<i64>,
    platform_primary: Option<String>,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or("127.0.0.1:8081".into());
    let bytes = args.next().and_then(|n| n.parse().ok()).unwrap_or(300);
    let answer = Bytes::from(vec![b'x'; bytes]);
    let predict = async move |Json(customer): Json<Customer>| {
        std::hint::black_box(customer);
        ([(CONTENT_TYPE, "application/json")], answer)
    };
    let listener = tokio::net::TcpListener::bind(address).await?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    axum::serve(
        listener,
        Router::new().route("/predict/churn", post(predict)),
    )
    .await
}
