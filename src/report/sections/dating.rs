//! From swipe to date, conversation, profiles, what is bought, and safety.

use super::social::strength;
use super::{or_dash, subhead, table, text};
use crate::report::builder::Pages;
use crate::report::document::{Block, Section};
use crate::report::exhibits::step_name;
use crate::report::story::{ENOUGH, Story, band, platform, times};

pub fn section(pages: &mut Pages) -> Section {
    let story = pages.story;
    let mut blocks = pages.beside("dating-funnel", funnel_aside(story));
    blocks.extend(funnel_table(story));
    let told: Vec<Block> = conversation(story)
        .into_iter()
        .chain(conversation_table(story))
        .collect();
    if !told.is_empty() {
        blocks.push(subhead("Conversation quality"));
        blocks.extend(told);
    }
    blocks.extend(pages.beside("profile-quality", profile_aside(story)));
    let rest: Vec<Block> = bought(story).into_iter().chain(safety(story)).collect();
    if !rest.is_empty() {
        blocks.push(subhead("Super Likes, boosts and safety"));
        blocks.extend(rest);
    }
    Section {
        title: "Dating".into(),
        headline: headline(story),
        blocks,
    }
}

fn headline(story: &Story) -> String {
    let funnel = story.facts.funnel.iter().find(|f| f.platform.is_none());
    let loss = funnel.and_then(|f| {
        let id = f.largest_loss_after_match?;
        let step = f.steps.iter().find(|s| s.id == id)?;
        Some((id, step.loss_pct?))
    });
    let Some((id, loss)) = loss.filter(|_| !story.is_tiny()) else {
        return "How customers use the dating side".to_owned();
    };
    let loss = story.say.percent(loss, 0);
    match id {
        "conversations" => {
            format!("{loss} of matches become no conversation, the largest loss after the match")
        }
        "dates_scheduled" => {
            format!("{loss} of conversations lead to no date, the largest loss after the match")
        }
        _ => {
            format!("{loss} of agreed dates do not take place, the largest loss after the match")
        }
    }
}

fn funnel_aside(story: &Story) -> Vec<Option<String>> {
    let say = &story.say;
    let dating = &story.facts.dating;
    vec![
        dating
            .swipe_right_rate_pct
            .zip(dating.swipes_day)
            .map(|(rate, swipes)| {
                format!(
                    "Customers swipe {} times a day, {} to the right.",
                    say.rate(swipes),
                    story.pct(rate)
                )
            }),
        dating.match_rate_pct.map(|rate| {
            let by_gender = dating
                .women_to_men_match_rate
                .map_or_else(String::new, |ratio| {
                    format!("; women’s rate is {} men’s", times(say, ratio))
                });
            format!("{} of right swipes match{by_gender}.", say.percent(rate, 2))
        }),
        dating
            .show_up_rate_pct
            .map(|rate| format!("The average show-up rate is {}.", story.pct(rate))),
        dating.match_to_date_conversion_pct.map(|rate| {
            format!(
                "Of all matches since sign-up, {} led to a date this month.",
                say.percent(rate, 2)
            )
        }),
    ]
}

fn funnel_table(story: &Story) -> Option<Block> {
    let say = &story.say;
    let of_platforms = story
        .facts
        .funnel
        .iter()
        .filter_map(|f| Some((platform(f.platform.as_deref()?), f)));
    let rows = of_platforms
        .filter(|(_, f)| f.steps.len() == 5)
        .map(|(name, f)| {
            let mut row = vec![name.to_owned()];
            row.extend(f.steps.iter().map(|step| {
                // Old matches are written to as well, so there may be more than before.
                let conversion = step.conversion_pct.filter(|c| *c <= 100.0);
                let conversion =
                    conversion.map_or_else(String::new, |c| format!(" ({})", say.percent(c, 0)));
                format!("{}{conversion}", say.rate(step.per_customer_month))
            }));
            row
        });
    let rows: Vec<_> = rows.collect();
    let older = story.facts.funnel.iter().flat_map(|f| &f.steps);
    let older = older
        .filter_map(|step| step.conversion_pct)
        .any(|c| c > 100.0);
    let steps = [
        "swipes_right",
        "matches",
        "conversations",
        "dates_scheduled",
        "dates_completed",
    ];
    let mut columns = vec!["Primary platform"];
    columns.extend(steps.map(step_name));
    table(
        "The funnel by primary platform",
        &columns,
        rows,
        Some(format!(
            "Per customer and month; in brackets, of the step before{}.",
            if older {
                ", where older matches do not make it more"
            } else {
                ""
            }
        )),
    )
}

fn conversation(story: &Story) -> Option<Block> {
    let say = &story.say;
    let c = &story.facts.dating.conversation;
    text([
        c.messages_sent_day.zip(c.messages_received_day).map(|(sent, received)| {
            format!("Customers send {} messages a day and receive {}.", say.rate(sent), say.rate(received))
        }),
        c.length_messages.map(|length| format!("A conversation has {} messages on average.", say.rate(length))),
        c.without_pct.map(|share| format!("{} of customers write with nobody.", story.pct(share))),
        c.response_rate_pct.zip(c.first_message_response_rate_pct).map(|(all, first)| {
            format!(
                "{} of messages are answered, {}{} of first ones.",
                story.pct(all),
                if first < all { "but only " } else { "and " },
                story.pct(first)
            )
        }),
        c.response_satisfaction_correlation.zip(c.length_satisfaction_correlation).map(|(response, length)| {
            format!(
                "Satisfaction with matches is {} related to being answered (correlation {}) and {} to the length of conversations ({}).",
                strength(response),
                say.number(response, 2),
                strength(length),
                say.number(length, 2)
            )
        }),
    ])
}

fn conversation_table(story: &Story) -> Option<Block> {
    let say = &story.say;
    let groups = story.groups(&["first_message_response_rate_pct"]);
    let rows = groups.iter().filter(|g| g.customers >= ENOUGH).map(|g| {
        let mean = |id| or_dash(g.mean(id).map(|v| say.rate(v)));
        vec![
            band(&g.labels[0], &say.percent_sign()),
            say.count(g.customers),
            mean("matches_per_day"),
            mean("messages_day"),
            mean("dates_scheduled_month"),
            mean("dates_completed_month"),
            mean("match_satisfaction_score"),
            or_dash(g.percent("churn_30_day").map(|v| story.pct(v))),
        ]
    });
    table(
        "Daters by how often their first messages are answered",
        &["First messages answered", "Customers", "Matches a day", "Messages a day", "Dates agreed", "Dates kept", "Satisfaction", "Churn"],
        rows.collect(),
        Some("Customers whose primary platform is dating or both, with a match this month; dates per month.".into()),
    )
}

fn profile_aside(story: &Story) -> Vec<Option<String>> {
    let say = &story.say;
    let dating = &story.facts.dating;
    vec![
        dating.profile_quality.map(|score| {
            let complete = dating.profile_completion_pct.map_or_else(String::new, |p| {
                format!("; profiles are {} complete", say.percent(p, 0))
            });
            format!(
                "The average profile scores {} of 100{complete}.",
                say.rate(score)
            )
        }),
        dating.profile_quality_matches_correlation.map(|r| {
            format!(
                "Quality and matches are {} related (correlation {}).",
                strength(r),
                say.number(r, 2)
            )
        }),
        dating.match_satisfaction.map(|score| {
            let r = dating.profile_quality_satisfaction_correlation;
            let related = r.map_or_else(String::new, |r| {
                format!(
                    "; it is {} related to quality ({})",
                    strength(r),
                    say.number(r, 2)
                )
            });
            format!(
                "Satisfaction with matches is {} of 5{related}.",
                say.rate(score)
            )
        }),
    ]
}

fn bought(story: &Story) -> Option<Block> {
    let say = &story.say;
    let dating = &story.facts.dating;
    let feature = |name: &str, per: &str, f: &crate::facts::published::PaidFeature| {
        let users = f.users_pct.filter(|_| f.users > 0)?;
        let matches = f.matches_day_users.zip(f.matches_day_others);
        let compared = matches.map_or_else(String::new, |(with, without)| {
            format!(
                " Users have {} matches a day, others {}.",
                say.number(with, 2),
                say.number(without, 2)
            )
        });
        Some(format!(
            "{} of customers use {name}, the average customer {} {per}.{compared}",
            story.pct(users),
            say.rate(f.uses?)
        ))
    };
    text([
        feature("Super Likes", "a week", &dating.super_likes),
        dating
            .super_like_match_rate_pct
            .map(|rate| format!("{} of Super Likes match.", story.pct(rate))),
        feature("boosts", "a month", &dating.boosts),
    ])
}

fn safety(story: &Story) -> Option<Block> {
    let say = &story.say;
    let safety = &story.facts.dating.safety;
    text([
        safety.who_blocked_pct.zip(safety.who_reported_pct).map(|(blocked, reported)| {
            format!(
                "{} of customers have blocked somebody since sign-up, {} have reported somebody.",
                story.pct(blocked),
                story.pct(reported)
            )
        }),
        safety.reported_of_blocked_pct.map(|share| {
            format!("There are {} reports for every 100 blocks.", say.number(share, 0))
        }),
    ])
}
