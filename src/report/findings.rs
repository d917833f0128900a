//! The findings that one expects of such a business, each tested on this cohort.
//!
//! A finding holds, does not hold, or can't be told, by the rule that stands with
//! it and is printed; the numbers that decide stand beside it.

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

struct Test {
    id: &'static str,
    claim: &'static str,
    /// What decides, as it is printed; beyond chance is at 95%.
    rule: &'static str,
    run: fn(&Story) -> Outcome,
}

#[rustfmt::skip] // A table: a finding a paragraph.
const TESTS: &[Test] = &[
    Test { id: "cross-platform", claim: "Customers of both platforms are worth 30% more", run: business::cross_platform,
           rule: "holds where the 95% interval of the ratio meets 1.25 to 1.35" },
    Test { id: "creator-concentration", claim: "A tenth of creators earn 60% of creator income", run: business::concentration,
           rule: "holds from 54% to 66%" },
    Test { id: "creator-engagement", claim: "Few creators drive much of the engagement", run: business::creators,
           rule: "holds where they make twice the posts and reels of an average customer and are engaged beyond chance more than the others who post" },
    Test { id: "views-and-earnings", claim: "Views and creator earnings are strongly related", run: business::views,
           rule: "holds from a correlation of 0.5" },
    Test { id: "funnel", claim: "Between match and message the funnel loses most", run: dating::funnel,
           rule: "holds where no later step loses a larger share" },
    Test { id: "prompts", claim: "Prompts turn 15 to 20% more matches into conversations", run: dating::prompts,
           rule: "can’t be told without an experiment that shows prompts to some" },
    Test { id: "show-up", claim: "Four of five dates take place: show-up needs no attention", run: dating::show_up,
           rule: "holds from an average show-up rate of 78%" },
    Test { id: "premium-drivers", claim: "Engagement is what sets premium customers apart", run: business::premium,
           rule: "holds where they differ most in engagement, beyond chance and by at least 0.2 standard deviations" },
    Test { id: "paid-features", claim: "Super Likes and boosts pay off for their users", run: dating::paid_features,
           rule: "holds where users match more often than others beyond chance, within each account type that has enough of both" },
    Test { id: "stories-to-premium", claim: "Heavy story viewers are an untapped source of premium", run: business::stories,
           rule: "holds where they are premium more often beyond chance, also at equal engagement, and most of them are not yet" },
    Test { id: "early-churn", claim: "Churn is highest in the first 90 days", run: business::early_churn,
           rule: "holds where no later tenure has a higher one and the difference is beyond chance" },
    Test { id: "at-risk", claim: "An engagement score under 0.3 marks customers at risk", run: business::at_risk,
           rule: "holds where their churn is higher than that of the others beyond chance" },
];

/// All findings, in the order of the sections.
pub(super) fn all(story: &Story) -> Vec<Finding> {
    let each = TESTS.iter().map(|test| {
        let outcome = (test.run)(story);
        Finding {
            id: test.id,
            claim: test.claim.to_owned(),
            rule: test.rule,
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

/// Claim and rule of each, for those who ask how it was judged.
pub(super) fn rules() -> impl Iterator<Item = (&'static str, &'static str)> {
    TESTS.iter().map(|test| (test.claim, test.rule))
}
