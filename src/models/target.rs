//! What can be predicted: for each target its label, whom it is for, and which
//! columns its inputs may not hold.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::features::ColumnSet;
use crate::schema::{COLUMNS, Kind, Range, column};

/// Something that is predicted of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    Churn,
    Ltv,
    Engagement,
}

/// Everything there is to say about a target.
pub(super) struct Definition {
    pub name: &'static str,
    /// The column that is predicted.
    pub label: usize,
    pub outcome: Outcome,
    /// What the answer is, in one sentence.
    pub predicts: &'static str,
    /// Whom it is for.
    pub population: &'static str,
    /// What no input may be, and why.
    pub exclusions: &'static [Exclusion],
}

/// What sort of answer a target has, and so what loss it is trained with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    /// Yes or no: a probability, by log loss.
    Binary,
    /// A score bounded by 0 and 1, by squared error.
    Share { unit: &'static str },
    /// An amount from 0 up with a long tail: the Tweedie deviance, which
    /// takes errors relative to the size of the amount.
    Amount { unit: &'static str },
}

/// Columns that are kept from the inputs, and the one reason.
pub(super) struct Exclusion {
    pub columns: &'static [usize],
    pub reason: &'static str,
}

const CUSTOMER_ID: usize = column("customer_id");
const GENERATED_AT: usize = column("data_generated_at");
const SUBSCRIPTION: usize = column("monthly_subscription_usd");
const IAP: usize = column("iap_spending_month_usd");
const ADS: usize = column("ad_revenue_generated_month_usd");
const TOTAL_REVENUE: usize = column("total_revenue_month_usd");
const LTV: usize = column("lifetime_value_usd");
const TRANSACTIONS: usize = column("total_transactions_alltime");
const AVERAGE_TRANSACTION: usize = column("avg_transaction_value_usd");
const CHURN: usize = column("churn_30_day");
const CHURN_PROBABILITY: usize = column("churn_probability");
const ENGAGEMENT: usize = column("engagement_score");

const PAST_SCORE: Exclusion = Exclusion {
    columns: &[CHURN_PROBABILITY],
    reason: "the score of a past churn model, which has seen what this one is to find",
};
const FUTURE: Exclusion = Exclusion {
    columns: &[CHURN],
    reason: "known only 30 days after the snapshot",
};

static CHURN_DEFINITION: Definition = Definition {
    name: "churn",
    label: CHURN,
    outcome: Outcome::Binary,
    predicts: "the probability that the customer leaves within 30 days after the snapshot",
    population: "all customers",
    exclusions: &[PAST_SCORE],
};

static LTV_DEFINITION: Definition = Definition {
    name: "ltv",
    label: LTV,
    outcome: Outcome::Amount { unit: "USD" },
    predicts: "the customer's lifetime value: revenue since sign-up, in dollars",
    population: "all customers",
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
    label: ENGAGEMENT,
    outcome: Outcome::Share { unit: "score 0-1" },
    predicts: "the engagement score that the customer's activity amounts to, 0 to 1",
    population: "all customers",
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
            columns: &[
                SUBSCRIPTION,
                IAP,
                ADS,
                TOTAL_REVENUE,
                LTV,
                TRANSACTIONS,
                AVERAGE_TRANSACTION,
            ],
            reason: "what engaged customers spend is a consequence of their engagement",
        },
        Exclusion {
            columns: &[
                column("account_type"),
                column("premium_tier"),
                column("super_likes_used_week"),
                column("boosts_used_month"),
            ],
            reason: "engaged customers subscribe, so the subscription and its perks give the score away",
        },
        FUTURE,
        PAST_SCORE,
    ],
};

impl Target {
    pub const ALL: &'static [Self] = &[Self::Churn, Self::Ltv, Self::Engagement];

    pub(super) fn definition(self) -> &'static Definition {
        match self {
            Self::Churn => &CHURN_DEFINITION,
            Self::Ltv => &LTV_DEFINITION,
            Self::Engagement => &ENGAGEMENT_DEFINITION,
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

    /// The column that is predicted.
    #[must_use]
    pub fn label(self) -> usize {
        self.definition().label
    }

    /// The columns that the model may read.
    #[must_use]
    pub fn inputs(self) -> ColumnSet {
        let definition = self.definition();
        let never = [CUSTOMER_ID, GENERATED_AT, definition.label];
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
        COLUMNS[self.label].valid
    }
}

impl Outcome {
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Binary => "probability",
            Self::Share { unit } | Self::Amount { unit } => unit,
        }
    }
}

// Text that is no category can't be a label.
const _: () = assert!(matches!(COLUMNS[CHURN].kind, Kind::Flag));

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
            for column in [CUSTOMER_ID, GENERATED_AT, target.label(), CHURN_PROBABILITY] {
                assert!(!inputs.contains(column), "{target} reads {column}");
            }
        }
        assert_eq!(Target::Churn.inputs().iter().count(), 72 - 4);
        assert_eq!(Target::Ltv.inputs().iter().count(), 72 - 10);
        assert_eq!(Target::Engagement.inputs().iter().count(), 72 - 19);
        assert!(Target::Ltv.inputs().contains(SUBSCRIPTION));
    }
}
