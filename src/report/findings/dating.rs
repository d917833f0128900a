//! Findings on the dating side.

use super::Outcome;
use crate::facts::published::{Group, PaidFeature};
use crate::report::exhibits::step_name;
use crate::report::story::{ENOUGH, Story, uncertainty};

const TOO_FEW: &str = "Too few customers to tell.";

pub fn funnel(story: &Story) -> Outcome {
    let Some(funnel) = story.facts.funnel.iter().find(|f| f.platform.is_none()) else {
        return Outcome::unknown("It takes swipes, matches, messages and dates.");
    };
    if funnel.losses_after_match().is_none() {
        return Outcome::unknown("It takes matches, messages and dates.");
    }
    if story.is_tiny() {
        return Outcome::unknown(TOO_FEW);
    }
    let Some(after) = funnel.largest_loss_after_match else {
        return Outcome::unknown(
            "No step after the match loses any, since older matches go on as well.",
        );
    };
    let loss = |id: &str| funnel.steps.iter().find(|s| s.id == id)?.loss_pct;
    let mut text = format!(
        "After the match the largest loss is before {}: {}.",
        what_follows(after),
        loss(after).map_or_else(|| "–".to_owned(), |loss| story.pct(loss))
    );
    if let Some((largest, lost)) = funnel.largest_loss.and_then(|id| Some((id, loss(id)?)))
        && largest != after
    {
        text += format!(
            " Over the whole funnel it is before {}: {}.",
            what_follows(largest),
            story.pct(lost)
        )
        .as_str();
    }
    Outcome::judged(after == "conversations", text)
}

/// What nobody in a cohort was shown can't be found in it.
pub fn prompts(story: &Story) -> Outcome {
    let funnel = story.facts.funnel.iter().find(|f| f.platform.is_none());
    let now = funnel.and_then(|f| {
        f.steps
            .iter()
            .find(|s| s.id == "conversations")?
            .conversion_pct
    });
    let Some(now) = now else {
        return Outcome::unknown("It takes matches, messages and an experiment.");
    };
    let (least, most) = (1.15 * now, 1.20 * now);
    if most > 100.0 {
        return Outcome::unknown("It takes an experiment.");
    }
    Outcome::unknown(format!(
        "It takes an experiment. {} of matches become conversations now; it would be {} to {}.",
        story.pct(now),
        story.pct(least),
        story.pct(most)
    ))
}

fn what_follows(step: &str) -> String {
    match step {
        "matches" => "the match".to_owned(),
        "conversations" => "the conversation".to_owned(),
        "dates_scheduled" => "a date is agreed".to_owned(),
        "dates_completed" => "the date takes place".to_owned(),
        other => step_name(other).to_lowercase(),
    }
}

pub fn show_up(story: &Story) -> Outcome {
    let dating = &story.facts.dating;
    let Some(rate) = dating.show_up_rate_pct else {
        return Outcome::unknown("It takes show-up rates.");
    };
    if story.is_tiny() {
        return Outcome::unknown(TOO_FEW);
    }
    let kept = dating.dates_kept_pct.map_or_else(String::new, |kept| {
        format!(
            " Of this month’s scheduled dates {} took place.",
            story.pct(kept)
        )
    });
    let text = format!("The average show-up rate is {}.{kept}", story.pct(rate));
    Outcome::judged(rate >= 78.0, text)
}

pub fn paid_features(story: &Story) -> Outcome {
    let dating = &story.facts.dating;
    let features = [
        ("Super Like", "super_likes_used_week", &dating.super_likes),
        ("Boost", "boosts_used_month", &dating.boosts),
    ];
    let told: Vec<(bool, String)> = features
        .into_iter()
        .filter_map(|(name, column, feature)| compare(story, name, column, feature))
        .collect();
    if told.len() < 2 {
        return Outcome::unknown(
            "It takes customers with and without Super Likes and boosts, and their match rates.",
        );
    }
    let texts: Vec<&str> = told.iter().map(|(_, text)| text.as_str()).collect();
    Outcome::judged(told.iter().all(|(better, _)| *better), texts.join(" "))
}

/// Whether users of a feature match better than others of the same account
/// type: free with free, premium with premium.
fn compare(
    story: &Story,
    name: &str,
    column: &str,
    feature: &PaidFeature,
) -> Option<(bool, String)> {
    let by = story.facts.breakdown(&[column, "account_type"])?;
    let half = by.groups.len() / 2;
    let (others, users) = by.groups.split_at(half);
    let better = |(other, user): (&Group, &Group)| {
        let (other, user) = (
            other.figure("match_rate_pct")?,
            user.figure("match_rate_pct")?,
        );
        let margin = uncertainty(&user, &other)?;
        Some(user.mean - other.mean > margin)
    };
    let verdicts: Vec<bool> = others.iter().zip(users).filter_map(better).collect();
    let rates = feature
        .match_rate_users_pct
        .zip(feature.match_rate_others_pct);
    let (of_users, of_others) = rates.filter(|_| feature.users >= ENOUGH)?;
    if verdicts.is_empty() {
        return None;
    }
    let holds = verdicts.iter().all(|better| *better);
    let alike = if holds {
        "more often within each account type too"
    } else {
        "not more often within each account type"
    };
    let text = format!(
        "{name} users match on {} of their right swipes, others on {}; {alike}.",
        story.say.percent(of_users, 2),
        story.say.percent(of_others, 2)
    );
    Some((holds, text))
}
