//! What can be predicted: for each target its label, whom it is for, and which
//! columns its inputs may not hold.
//!
//! Inputs are as of the snapshot, labels may come after it: what is known only
//! later is an input of no target.

use std::fmt;

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};

use super::population::{NotApplicable, Population};
use crate::features::{BatchError, ColumnSet, Profile};
use crate::schema::{COLUMNS, Kind, Range, column};

/// Something that is predicted of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    Churn,
    Ltv,
    Engagement,
    MatchQuality,
    Virality,
    PremiumConversion,
    DateConversion,
    Creator,
}

/// Everything there is to say about a target.
pub(super) struct Definition {
    pub name: &'static str,
    pub label: Label,
    pub outcome: Outcome,
    /// What the answer is, in one sentence.
    pub predicts: &'static str,
    pub population: Population,
    /// What no input may be, and why.
    pub exclusions: &'static [Exclusion],
}

/// What is predicted: a column, as it stands or as a question about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label {
    pub column: usize,
    /// Where given: whether the column is at least this. Categories count
    /// from 0 in the order of the schema.
    pub at_least: Option<f64>,
    /// The label in words, for the card.
    pub text: &'static str,
}

/// What sort of answer a target has, and so what loss it is trained with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    /// Yes or no: a probability, by log loss.
    Binary,
    /// A score between two bounds, by squared error.
    Score {
        unit: &'static str,
        least: f64,
        most: f64,
    },
    /// An amount of money from 0 up with a long tail, whose mean is wanted:
    /// the Tweedie deviance, which takes errors relative to the size.
    Amount { unit: &'static str },
    /// A count with a long tail, whose typical size is wanted: the squared
    /// error of the logarithm of one more.
    Count { unit: &'static str },
}

/// Columns that are kept from the inputs, and the one reason.
pub(super) struct Exclusion {
    pub columns: &'static [usize],
    pub reason: &'static str,
}

const fn is(name: &str) -> Label {
    Label {
        column: column(name),
        at_least: None,
        text: "",
    }
}

const CUSTOMER_ID: usize = column("customer_id");
const GENERATED_AT: usize = column("data_generated_at");
const ACCOUNT_TYPE: usize = column("account_type");
const PREMIUM_TIER: usize = column("premium_tier");
const SUBSCRIPTION: usize = column("monthly_subscription_usd");
const IAP: usize = column("iap_spending_month_usd");
const ADS: usize = column("ad_revenue_generated_month_usd");
const TOTAL_REVENUE: usize = column("total_revenue_month_usd");
const LTV: usize = column("lifetime_value_usd");
const TRANSACTIONS: usize = column("total_transactions_alltime");
const AVERAGE_TRANSACTION: usize = column("avg_transaction_value_usd");
const CHURN: usize = column("churn_30_day");
const CHURN_PROBABILITY: usize = column("churn_probability");
const SUPER_LIKES: usize = column("super_likes_used_week");
const BOOSTS: usize = column("boosts_used_month");
const CREATOR: usize = column("is_creator");
const CREATOR_EARNINGS: usize = column("creator_earnings_month_usd");
const VIEWS: usize = column("avg_views_per_post");
const DATES: usize = column("dates_completed_month");

/// What customers spend, and the columns made of it.
const SPENDING: &[usize] = &[
    SUBSCRIPTION,
    IAP,
    ADS,
    TOTAL_REVENUE,
    LTV,
    TRANSACTIONS,
    AVERAGE_TRANSACTION,
];

const PAST_SCORE: Exclusion = Exclusion {
    columns: &[CHURN_PROBABILITY],
    reason: "the score of a past churn model, which has seen what is known only later",
};
const FUTURE: Exclusion = Exclusion {
    columns: &[CHURN],
    reason: "known only 30 days after the snapshot",
};

static CHURN_DEFINITION: Definition = Definition {
    name: "churn",
    label: is("churn_30_day"),
    outcome: Outcome::Binary,
    predicts: "the probability that the customer leaves within 30 days after the snapshot",
    population: Population::ALL,
    exclusions: &[PAST_SCORE],
};

static LTV_DEFINITION: Definition = Definition {
    name: "ltv",
    label: is("lifetime_value_usd"),
    outcome: Outcome::Amount { unit: "USD" },
    predicts: "the customer's lifetime value: revenue since sign-up, in dollars",
    population: Population::ALL,
    exclusions: &[
        Exclusion {
            columns: &[IAP, ADS, TOTAL_REVENUE],
            reason: "revenue of the last month, which is part of the lifetime value",
        },
        Exclusion {
            columns: &[TRANSACTIONS, AVERAGE_TRANSACTION],
            reason: "their product is nearly all of the lifetime value",
        },
        FUTURE,
        PAST_SCORE,
    ],
};

static ENGAGEMENT_DEFINITION: Definition = Definition {
    name: "engagement",
    label: is("engagement_score"),
    outcome: Outcome::Score {
        unit: "score 0-1",
        least: 0.0,
        most: 1.0,
    },
    predicts: "the engagement score that the customer's activity amounts to, 0 to 1",
    population: Population::ALL,
    exclusions: &[
        Exclusion {
            columns: &[
                column("sessions_last_7_days"),
                column("days_since_last_active"),
                column("shares_last_week"),
            ],
            reason: "follows from the engagement score",
        },
        Exclusion {
            columns: SPENDING,
            reason: "what engaged customers spend is a consequence of their engagement",
        },
        Exclusion {
            columns: &[ACCOUNT_TYPE, PREMIUM_TIER, SUPER_LIKES, BOOSTS],
            reason: "engaged customers subscribe, so the subscription and its perks give the score away",
        },
        FUTURE,
        PAST_SCORE,
    ],
};

static MATCH_QUALITY_DEFINITION: Definition = Definition {
    name: "match-quality",
    label: is("match_satisfaction_score"),
    outcome: Outcome::Score {
        unit: "score 1-5",
        least: 1.0,
        most: 5.0,
    },
    predicts: "how satisfied the customer is with the matches, 1 to 5",
    population: Population::ALL,
    exclusions: &[FUTURE, PAST_SCORE],
};

static VIRALITY_DEFINITION: Definition = Definition {
    name: "virality",
    label: is("avg_views_per_post"),
    outcome: Outcome::Count { unit: "views/post" },
    predicts: "how many views a post of the customer typically has",
    population: Population::POSTERS,
    exclusions: &[
        Exclusion {
            columns: &[CREATOR_EARNINGS],
            reason: "is paid for views",
        },
        FUTURE,
        PAST_SCORE,
    ],
};

static PREMIUM_CONVERSION_DEFINITION: Definition = Definition {
    name: "premium-conversion",
    label: Label {
        at_least: Some(1.0),
        text: "account_type is Premium",
        ..is("account_type")
    },
    outcome: Outcome::Binary,
    predicts: "the probability that a customer who behaves like this one pays for a subscription",
    population: Population::ALL,
    exclusions: &[
        Exclusion {
            columns: &[PREMIUM_TIER],
            reason: "says the account type in other words",
        },
        Exclusion {
            columns: SPENDING,
            reason: "holds the price of the subscription, or follows from it",
        },
        Exclusion {
            columns: &[SUPER_LIKES, BOOSTS],
            reason: "perks of the subscription",
        },
        FUTURE,
        PAST_SCORE,
    ],
};

static DATE_CONVERSION_DEFINITION: Definition = Definition {
    name: "date-conversion",
    label: Label {
        at_least: Some(1.0),
        text: "dates_completed_month is at least 1",
        ..is("dates_completed_month")
    },
    outcome: Outcome::Binary,
    predicts: "the probability that the customer's matches lead to at least one date a month",
    population: Population::MATCHED_DATERS,
    exclusions: &[
        Exclusion {
            columns: &[column("dates_scheduled_month")],
            reason: "a date that was completed was scheduled first",
        },
        Exclusion {
            columns: &[column("match_to_date_conversion_pct")],
            reason: "computed from the completed dates",
        },
        FUTURE,
        PAST_SCORE,
    ],
};

static CREATOR_DEFINITION: Definition = Definition {
    name: "creator",
    label: is("is_creator"),
    outcome: Outcome::Binary,
    predicts: "the probability that the customer is, or is about to become, a creator",
    population: Population::ALL,
    exclusions: &[
        Exclusion {
            columns: &[CREATOR_EARNINGS],
            reason: "only creators are paid",
        },
        Exclusion {
            columns: &[VIEWS],
            reason: "creators are shown more, so that views follow from being one",
        },
        FUTURE,
        PAST_SCORE,
    ],
};

impl Target {
    pub const ALL: &'static [Self] = &[
        Self::Churn,
        Self::Ltv,
        Self::Engagement,
        Self::MatchQuality,
        Self::Virality,
        Self::PremiumConversion,
        Self::DateConversion,
        Self::Creator,
    ];

    pub(super) fn definition(self) -> &'static Definition {
        match self {
            Self::Churn => &CHURN_DEFINITION,
            Self::Ltv => &LTV_DEFINITION,
            Self::Engagement => &ENGAGEMENT_DEFINITION,
            Self::MatchQuality => &MATCH_QUALITY_DEFINITION,
            Self::Virality => &VIRALITY_DEFINITION,
            Self::PremiumConversion => &PREMIUM_CONVERSION_DEFINITION,
            Self::DateConversion => &DATE_CONVERSION_DEFINITION,
            Self::Creator => &CREATOR_DEFINITION,
        }
    }

    /// The name in paths and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.definition().name
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|t| t.name() == name)
    }

    /// Whether the answer is a probability and a tier, not an amount.
    #[must_use]
    pub fn is_binary(self) -> bool {
        self.definition().outcome == Outcome::Binary
    }

    /// The column that is predicted, or that the label is a question about.
    #[must_use]
    pub fn label(self) -> usize {
        self.definition().label.column
    }

    /// What the label is, for a customer whose label column holds this; NaN
    /// where that is none.
    #[must_use]
    pub fn label_of(self, value: f64) -> f64 {
        self.definition().label.of(value)
    }

    /// Whether the target is for this customer. What is not known of a customer
    /// shuts nobody out.
    ///
    /// # Errors
    /// With the reason, if not.
    pub fn applies(self, profile: &Profile) -> Result<(), NotApplicable> {
        let population = &self.definition().population;
        population.holds(|column| profile.value(column))
    }

    /// [`Self::applies`] for each row of a batch.
    ///
    /// # Errors
    /// If the batch does not follow the schema.
    pub fn applies_in(
        self,
        batch: &RecordBatch,
    ) -> Result<Vec<Result<(), NotApplicable>>, BatchError> {
        self.definition().population.holds_in(batch)
    }

    /// The columns that the model may read.
    #[must_use]
    pub fn inputs(self) -> ColumnSet {
        let definition = self.definition();
        let never = [CUSTOMER_ID, GENERATED_AT, definition.label.column];
        let excluded: ColumnSet = definition
            .exclusions
            .iter()
            .flat_map(|e| e.columns.iter().copied())
            .chain(never)
            .collect();
        (0..COLUMNS.len())
            .filter(|&c| !excluded.contains(c))
            .collect()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Definition {
    /// What the label can be; a row whose label is outside has none.
    pub(super) fn label_range(&self) -> Range {
        match self.outcome {
            Outcome::Binary => Range { min: 0.0, max: 1.0 },
            _ => COLUMNS[self.label.column].valid,
        }
    }
}

impl Label {
    fn of(&self, value: f64) -> f64 {
        match self.at_least {
            Some(_) if value.is_nan() => f64::NAN,
            Some(least) => f64::from(u8::from(value >= least)),
            None => value,
        }
    }

    /// The label in words: its column, unless it is a question about it.
    pub(super) fn text(&self) -> &'static str {
        if self.text.is_empty() {
            COLUMNS[self.column].name
        } else {
            self.text
        }
    }
}

impl Outcome {
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Binary => "probability",
            Self::Score { unit, .. } | Self::Amount { unit } | Self::Count { unit } => unit,
        }
    }
}

// Labels are numbers: a flag, or a category by its place in the schema's list.
const _: () = assert!(matches!(COLUMNS[CHURN].kind, Kind::Flag));
const _: () = assert!(matches!(COLUMNS[CREATOR].kind, Kind::Flag));
const _: () = assert!(matches!(COLUMNS[DATES].kind, Kind::Integer));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_target() {
        for &target in Target::ALL {
            assert_eq!(Target::from_name(target.name()), Some(target));
        }
        assert_eq!(Target::from_name("Churn"), None);
    }

    #[test]
    fn no_target_reads_its_label_the_identifier_or_what_leaks() {
        for &target in Target::ALL {
            let inputs = target.inputs();
            for column in [
                CUSTOMER_ID,
                GENERATED_AT,
                target.label(),
                CHURN,
                CHURN_PROBABILITY,
            ] {
                assert!(!inputs.contains(column), "{target} reads {column}");
            }
        }
        for (target, left_out) in [
            (Target::Churn, 4),
            (Target::Ltv, 10),
            (Target::Engagement, 19),
            (Target::MatchQuality, 5),
            (Target::Virality, 6),
            (Target::PremiumConversion, 15),
            (Target::DateConversion, 7),
            (Target::Creator, 7),
        ] {
            assert_eq!(target.inputs().iter().count(), 72 - left_out, "{target}");
        }
        assert!(Target::Ltv.inputs().contains(SUBSCRIPTION));
    }

    #[test]
    fn a_label_may_be_a_question_about_a_column() {
        let premium = |value: f64| Target::PremiumConversion.label_of(value);
        assert_eq!(premium(0.0).to_bits(), 0.0_f64.to_bits());
        assert_eq!(premium(1.0).to_bits(), 1.0_f64.to_bits());
        assert!(premium(f64::NAN).is_nan());
        let dates = |value: f64| Target::DateConversion.label_of(value);
        assert_eq!(dates(7.0).to_bits(), 1.0_f64.to_bits());
        let quality = Target::MatchQuality.label_of(3.5);
        assert_eq!(quality.to_bits(), 3.5_f64.to_bits());
    }
}
