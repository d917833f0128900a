//! Stories and reels, and the creator economy.

use super::{or_dash, subhead, table, text};
use crate::report::builder::Pages;
use crate::report::document::{Block, Section};
use crate::report::exhibits;
use crate::report::story::{ENOUGH, Story};

pub fn section(pages: &mut Pages) -> Section {
    let story = pages.story;
    let mut blocks = pages.beside("platform-activity", aside(story));
    let told: Vec<Block> = stories(story).into_iter().chain(creation(story)).collect();
    if !told.is_empty() {
        blocks.push(subhead("Stories and reels"));
        blocks.extend(told);
    }
    let mut economy: Vec<Block> = creators(story).into_iter().collect();
    economy.extend(pages.pair(["creator-earnings", "views-and-earnings"]));
    economy.extend(standings(story));
    if !economy.is_empty() {
        blocks.push(subhead("The creator economy"));
        blocks.extend(economy);
    }
    Section {
        title: "Social media".into(),
        headline: headline(story),
        blocks,
    }
}

fn headline(story: &Story) -> String {
    match (
        story.facts.creators.share_pct,
        exhibits::concentration(story),
    ) {
        (Some(share), Some(concentration)) if share > 0.0 => concentration,
        (Some(share), None) if share > 0.0 => {
            format!("{} of customers are creators", story.pct(share))
        }
        (Some(_), _) => "There is no creator in this cohort".to_owned(),
        (None, _) => "How customers use the social side".to_owned(),
    }
}

fn aside(story: &Story) -> Vec<Option<String>> {
    let groups = story.groups(&["platform_primary"]);
    let find = |label: &str| {
        groups
            .iter()
            .find(|g| g.labels[0] == label && g.customers > 0)
    };
    let say = &story.say;
    let engaged = find("Both")
        .zip(find("Social_Media"))
        .and_then(|(both, social)| {
            Some(format!(
                "Customers of both platforms score {} in engagement, those of social media {}{}.",
                say.number(both.mean("engagement_score")?, 3),
                say.number(social.mean("engagement_score")?, 3),
                find("Dating")
                    .and_then(|g| g.mean("engagement_score"))
                    .map_or_else(String::new, |v| format!(
                        ", those of dating {}",
                        say.number(v, 3)
                    ))
            ))
        });
    let feed = story.facts.social.feed_minutes_day.map(|minutes| {
        format!(
            "The feed holds the average customer for {} minutes a day.",
            say.rate(minutes)
        )
    });
    let ads = story
        .facts
        .social
        .ads_clicked_week
        .zip(story.facts.social.ad_conversion_rate_pct);
    let ads = ads.map(|(clicks, conversion)| {
        format!(
            "Customers click {} ads a week; {} of clicks become purchases.",
            say.rate(clicks),
            story.pct(conversion)
        )
    });
    vec![engaged, feed, ads]
}

fn stories(story: &Story) -> Option<Block> {
    let say = &story.say;
    let social = &story.facts.social;
    text([
        social
            .stories_posted_week
            .zip(social.stories_viewed_day)
            .map(|(posted, viewed)| {
                format!(
                    "The average customer posts {} stories a week and views {} a day.",
                    say.rate(posted),
                    say.rate(viewed)
                )
            }),
        social
            .story_completion_rate_pct
            .map(|rate| format!("{} of stories are seen to their end.", story.pct(rate))),
        social
            .reels_created_week
            .zip(social.reels_watched_day)
            .map(|(created, watched)| {
                format!(
                    "Customers make {} reels a week and watch {} a day.",
                    say.rate(created),
                    say.rate(watched)
                )
            }),
        social
            .avg_reel_watch_time_sec
            .zip(social.reel_completion_rate_pct)
            .map(|(seconds, rate)| {
                format!(
                    "A reel is watched for {} seconds on average, {} of reels to their end.",
                    say.rate(seconds),
                    story.pct(rate)
                )
            }),
        social
            .video_watch_hours_week
            .map(|hours| format!("All video together takes {} hours a week.", say.rate(hours))),
        social.video_engagement_correlation.map(|r| {
            let strength = strength(r);
            format!(
                "Hours of video and engagement are {strength} related (correlation {}).",
                say.number(r, 2)
            )
        }),
    ])
}

/// How a correlation is called.
pub(super) fn strength(r: f64) -> &'static str {
    match r.abs() {
        size if size >= 0.5 => "strongly",
        size if size >= 0.3 => "moderately",
        size if size >= 0.1 => "weakly",
        _ => "hardly",
    }
}

fn creation(story: &Story) -> Option<Block> {
    let say = &story.say;
    let social = &story.facts.social;
    text([
        social
            .posting_pct
            .map(|share| format!("{} of customers post or make reels.", story.pct(share))),
        social
            .posts_last_30_days
            .map(|posts| format!("A customer makes {} posts a month.", say.rate(posts))),
        social
            .engagement_rate_pct
            .zip(social.followers)
            .map(|(rate, followers)| {
                format!(
                    "Posts engage {} of followers, and a customer has {} of these.",
                    story.pct(rate),
                    say.number(followers, 0)
                )
            }),
        social
            .live_stream_minutes_week
            .map(|minutes| format!("Live streams take {} minutes a week.", say.rate(minutes))),
    ])
}

fn creators(story: &Story) -> Option<Block> {
    let say = &story.say;
    let creators = &story.facts.creators;
    let count = creators.customers.filter(|count| *count > 0)?;
    let quantile = |at| exhibits::quantile(&creators.earnings, at);
    text([
        creators.share_pct.map(|share| {
            format!(
                "{} {} ({}).",
                story.customers(count),
                if count == 1 {
                    "is a creator"
                } else {
                    "are creators"
                },
                story.pct(share)
            )
        }),
        creators
            .earnings_month_usd
            .zip(creators.total_earnings_month_usd)
            .map(|(each, all)| {
                format!(
                    "Creators earn {} a month each, {} together.",
                    say.money(each),
                    say.money_short(all)
                )
            }),
        quantile(50.0)
            .zip(quantile(95.0))
            .filter(|_| count >= ENOUGH)
            .map(|(median, high)| {
                format!(
                    "The median is {}; one in twenty earns more than {}.",
                    say.money(median),
                    say.money(high)
                )
            }),
        creators
            .content_share_pct
            .zip(creators.views_share_pct)
            .map(|(content, views)| {
                format!(
                    "Creators make {} of all posts and reels and draw {} of views, one average post of each customer counted.",
                    say.percent(content, 0),
                    say.percent(views, 0)
                )
            }),
    ])
}

fn standings(story: &Story) -> Option<Block> {
    let say = &story.say;
    let standings = &story.facts.creators.standings;
    let rows = standings.iter().filter(|s| s.customers > 0).map(|s| {
        let mut name = s.name.clone();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        vec![
            name,
            say.count(s.customers),
            story.pct(s.share_pct),
            or_dash(s.posts_and_reels.map(|v| say.rate(v))),
            or_dash(s.views_per_post.map(|v| say.number(v, 0))),
            or_dash(s.engagement_score.map(|v| say.number(v, 3))),
            or_dash(s.arpu_usd.map(|v| say.money(v))),
            or_dash(s.churn_pct.map(|v| story.pct(v))),
        ]
    });
    table(
        "Creators and other customers",
        &[
            "Customer",
            "Number",
            "Share",
            "Posts and reels",
            "Views a post",
            "Engagement",
            "ARPU",
            "Churn",
        ],
        rows.collect(),
        None,
    )
}
