//! The summary, the social and the dating side, and the funnel.

use super::super::fixed::MILLIONTHS;
use super::super::statistics::{swipes, women_to_men};
use super::parts::Group;
use super::sections::{
    Conversation, Dating, Executive, Funnel, PaidFeature, Safety, Share, Social, Step,
};
use super::view::{View, percent_of, ratio};

const REVENUE: &str = "total_revenue_month_usd";

/// Days of the month that the funnel is of.
const MONTH: f64 = 30.0;

impl View<'_> {
    pub fn executive(&self) -> Executive {
        let at_risk = self.groups(&["engagement_score"]).first();
        let platforms = self.groups(&["platform_primary"]).iter();
        Executive {
            customers: self.tallies.customers,
            monthly_revenue_usd: self.sum(REVENUE),
            arpu_usd: self.mean(REVENUE),
            avg_ltv_usd: self.mean("lifetime_value_usd"),
            avg_engagement_score: self.mean("engagement_score"),
            churn_rate_pct: self.percent("churn_30_day"),
            premium_pct: self.premium_pct(),
            creator_pct: self.percent("is_creator"),
            at_risk_pct: at_risk.map(|g| g.share_pct),
            platforms: platforms
                .map(|g| Share {
                    name: g.labels[0].clone(),
                    customers: g.customers,
                    share_pct: g.share_pct,
                })
                .collect(),
        }
    }

    pub fn premium_pct(&self) -> Option<f64> {
        self.tallies.premium.mean(1.0).map(|share| 100.0 * share)
    }

    pub fn social(&self) -> Social {
        let standings = self.groups(&["creator_standing"]);
        let posting = match standings {
            [creators, posting, _] => Some(creators.share_pct + posting.share_pct),
            _ => None,
        };
        Social {
            stories_posted_week: self.mean("stories_posted_week"),
            stories_viewed_day: self.mean("stories_viewed_day"),
            story_completion_rate_pct: self.mean("story_completion_rate_pct"),
            reels_created_week: self.mean("reels_created_week"),
            reels_watched_day: self.mean("reels_watched_day"),
            avg_reel_watch_time_sec: self.mean("avg_reel_watch_time_sec"),
            reel_completion_rate_pct: self.mean("reel_completion_rate_pct"),
            video_watch_hours_week: self.mean("video_watch_hours_week"),
            engagement_rate_pct: self.mean("engagement_rate_pct"),
            posts_last_30_days: self.mean("posts_last_30_days"),
            followers: self.mean("followers_count"),
            feed_minutes_day: self.mean("feed_time_minutes_day"),
            ads_clicked_week: self.mean("ads_clicked_week"),
            ad_conversion_rate_pct: self.mean("ad_conversion_rate_pct"),
            live_stream_minutes_week: self.mean("live_stream_time_minutes_week"),
            posting_pct: posting,
            video_engagement_correlation: self
                .correlation("video_watch_hours_week", "engagement_score"),
        }
    }

    pub fn dating(&self) -> Dating {
        let women = self.group("gender", "Female");
        let men = self.group("gender", "Male");
        let match_rate = |g: Option<&Group>| g.and_then(|g| g.mean("match_rate_pct"));
        Dating {
            swipes_day: swipes(self.tallies),
            swipe_right_rate_pct: self.mean("swipe_right_rate_pct"),
            matches_day: self.mean("matches_per_day"),
            match_rate_pct: self.mean("match_rate_pct"),
            match_rate_women_pct: match_rate(women),
            match_rate_men_pct: match_rate(men),
            women_to_men_match_rate: women_to_men(self.tallies),
            conversation: self.conversation(),
            dates_scheduled_month: self.mean("dates_scheduled_month"),
            dates_completed_month: self.mean("dates_completed_month"),
            show_up_rate_pct: self.mean("date_show_up_rate_pct"),
            dates_kept_pct: percent_of(
                self.mean("dates_completed_month"),
                self.mean("dates_scheduled_month"),
            ),
            match_to_date_conversion_pct: self.mean("match_to_date_conversion_pct"),
            profile_quality: self.mean("profile_quality_score"),
            profile_completion_pct: self.mean("profile_completion_pct"),
            profile_quality_matches_correlation: self
                .correlation("profile_quality_score", "matches_per_day"),
            profile_quality_satisfaction_correlation: self
                .correlation("profile_quality_score", "match_satisfaction_score"),
            match_satisfaction: self.mean("match_satisfaction_score"),
            super_likes: self.paid_feature("super_likes_used_week"),
            boosts: self.paid_feature("boosts_used_month"),
            super_like_match_rate_pct: self.mean("super_like_match_rate_pct"),
            safety: self.safety(),
        }
    }

    fn conversation(&self) -> Conversation {
        let without = self.groups(&["avg_conversation_length"]).first();
        Conversation {
            messages_sent_day: self.mean("messages_sent_day"),
            messages_received_day: self.mean("messages_received_day"),
            length_messages: self.mean("avg_conversation_length"),
            without_pct: without.map(|g| g.share_pct),
            response_rate_pct: self.mean("response_rate_pct"),
            first_message_response_rate_pct: self.mean("first_message_response_rate_pct"),
            response_satisfaction_correlation: self
                .correlation("response_rate_pct", "match_satisfaction_score"),
            length_satisfaction_correlation: self
                .correlation("avg_conversation_length", "match_satisfaction_score"),
        }
    }

    fn paid_feature(&self, column: &'static str) -> PaidFeature {
        let [others, users] = self.groups(&[column]) else {
            return PaidFeature {
                uses: None,
                users: 0,
                users_pct: None,
                match_rate_users_pct: None,
                match_rate_others_pct: None,
                matches_day_users: None,
                matches_day_others: None,
                premium_users_pct: None,
                premium_others_pct: None,
                arpu_users_usd: None,
                arpu_others_usd: None,
            };
        };
        PaidFeature {
            uses: self.mean(column),
            users: users.customers,
            users_pct: Some(users.share_pct),
            match_rate_users_pct: users.mean("match_rate_pct"),
            match_rate_others_pct: others.mean("match_rate_pct"),
            matches_day_users: users.mean("matches_per_day"),
            matches_day_others: others.mean("matches_per_day"),
            premium_users_pct: users.percent("premium"),
            premium_others_pct: others.percent("premium"),
            arpu_users_usd: users.mean(REVENUE),
            arpu_others_usd: others.mean(REVENUE),
        }
    }

    fn safety(&self) -> Safety {
        let known = |t: &super::super::fixed::Moments| (t.count > 0).then(|| t.mean(1.0));
        let ever = |nobody| Some(100.0 - 100.0 * known(nobody)??);
        Safety {
            blocked_per_customer: self.mean("users_blocked"),
            reported_per_customer: self.mean("users_reported"),
            who_blocked_pct: ever(&self.tallies.blocked_nobody),
            who_reported_pct: ever(&self.tallies.reported_nobody),
            reported_of_blocked_pct: percent_of(
                self.mean("users_reported"),
                self.mean("users_blocked"),
            ),
        }
    }

    pub fn funnels(&self) -> Vec<Funnel> {
        let day = |column| self.mean(column).map(|m| MONTH * m);
        let talks = &self.tallies.conversations;
        let all = [
            ("swipes_right", day("swipes_right_day")),
            ("matches", day("matches_per_day")),
            (
                "conversations",
                ratio(
                    Some(MONTH * talks.x.total(MILLIONTHS)),
                    Some(talks.y.total(MILLIONTHS)),
                ),
            ),
            ("dates_scheduled", self.mean("dates_scheduled_month")),
            ("dates_completed", self.mean("dates_completed_month")),
        ];
        let platforms = self.groups(&["platform_primary"]).iter();
        let mut funnels = vec![funnel(None, all)];
        funnels.extend(
            platforms
                .filter(|g| g.customers > 0)
                .map(|g| funnel(Some(g.labels[0].clone()), of_group(g))),
        );
        funnels.retain(|f| !f.steps.is_empty());
        funnels
    }
}

type Steps = [(&'static str, Option<f64>); 5];

fn of_group(group: &Group) -> Steps {
    let day = |id| group.mean(id).map(|m| MONTH * m);
    // Of the customers who have both; a group's sums can't tell who they are
    // where some have one alone.
    let of_messages = group.figure("messages_day");
    let of_lengths = group.figure("avg_conversation_length");
    let same = of_messages.map(|f| f.count) == of_lengths.map(|f| f.count);
    let talks = ratio(day("messages_day"), of_lengths.map(|f| f.mean));
    [
        ("swipes_right", day("swipes_right_day")),
        ("matches", day("matches_per_day")),
        ("conversations", talks.filter(|_| same)),
        ("dates_scheduled", group.mean("dates_scheduled_month")),
        ("dates_completed", group.mean("dates_completed_month")),
    ]
}

fn funnel(platform: Option<String>, of: Steps) -> Funnel {
    let mut steps: Vec<Step> = Vec::new();
    let mut before = None;
    for (id, value) in of {
        if let Some(per_customer_month) = value {
            let conversion_pct = percent_of(value, before);
            steps.push(Step {
                id,
                per_customer_month,
                conversion_pct,
                loss_pct: conversion_pct.map(|c| 100.0 - c),
            });
        }
        before = value;
    }
    let mut funnel = Funnel {
        platform,
        steps,
        largest_loss: None,
        largest_loss_after_match: None,
    };
    // The earlier of equals.
    let largest = |losses: Vec<(&'static str, f64)>| {
        let losses = losses.into_iter();
        losses.reduce(|most, next| if next.1 > most.1 { next } else { most })
    };
    funnel.largest_loss = largest(funnel.losses()).map(|(id, _)| id);
    // Where more go on than came, nothing is lost.
    let after_match = funnel.losses_after_match().and_then(largest);
    funnel.largest_loss_after_match = after_match.filter(|l| l.1 > 0.0).map(|(id, _)| id);
    funnel
}

impl Funnel {
    /// What is lost before each step, in percent of those who reach the one before
    /// it, where that is known.
    #[must_use]
    pub fn losses(&self) -> Vec<(&'static str, f64)> {
        let steps = self.steps.iter();
        steps.filter_map(|s| Some((s.id, s.loss_pct?))).collect()
    }

    /// The same after the match: before the conversation, and before at least one
    /// of the steps that follow it. None where either is not known: then nothing
    /// says where most is lost.
    #[must_use]
    pub fn losses_after_match(&self) -> Option<Vec<(&'static str, f64)>> {
        let mut losses = self.losses();
        losses.retain(|(id, _)| !matches!(*id, "swipes_right" | "matches"));
        let first = losses.first().is_some_and(|(id, _)| *id == "conversations");
        (first && losses.len() > 1).then_some(losses)
    }
}
