//! The findings that one expects of such a business, each tested on this cohort.
//!
//! A finding holds, does not hold, or can't be told, by a rule that its own
//! text states; the numbers that decide stand beside it.

mod business;
mod dating;

pub(super) use business::measure;

use super::document::{Finding, Verdict};
use super::story::Story;

/// What a test came to.
pub(super) struct Outcome {
    pub verdict: Verdict,
    pub text: String,
}

impl Outcome {
    pub fn judged(holds: bool, text: String) -> Self {
        Self {
            verdict: if holds {
                Verdict::Holds
            } else {
                Verdict::Fails
            },
            text,
        }
    }

    pub fn unknown(why: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unknown,
            text: why.into(),
        }
    }
}

/// Name, claim and test.
type Test = (&'static str, &'static str, fn(&Story) -> Outcome);

#[rustfmt::skip] // A table: one finding a line.
const TESTS: &[Test] = &[
    ("cross-platform", "Customers of both platforms are worth 30% more", business::cross_platform),
    ("creator-concentration", "A tenth of creators earn 60% of creator income", business::concentration),
    ("views-and-earnings", "Views and creator earnings are strongly related", business::views),
    ("funnel", "Between match and message the funnel loses most", dating::funnel),
    ("show-up", "Four of five dates take place: show-up needs no attention", dating::show_up),
    ("premium-drivers", "Engagement is what sets premium customers apart", business::premium),
    ("paid-features", "Super Likes and boosts pay off for their users", dating::paid_features),
    ("stories-to-premium", "Heavy story viewers are an untapped source of premium", business::stories),
    ("early-churn", "Churn is highest in the first 90 days", business::early_churn),
    ("at-risk", "An engagement score under 0.3 marks customers at risk", business::at_risk),
];

/// All findings, in the order of the sections.
pub(super) fn all(story: &Story) -> Vec<Finding> {
    let each = TESTS.iter().map(|(id, claim, test)| {
        let outcome = test(story);
        Finding {
            id,
            claim: (*claim).to_owned(),
            verdict: outcome.verdict,
            verdict_text: match outcome.verdict {
                Verdict::Holds => "Holds",
                Verdict::Fails => "Does not hold",
                Verdict::Unknown => "Can’t be told",
            },
            text: outcome.text,
        }
    });
    each.collect()
}
