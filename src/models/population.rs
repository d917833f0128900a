//! Whom a target is for: one rule, asked of a customer who is to be predicted
//! and of the rows that training learns from.

use arrow_array::RecordBatch;

use crate::features::{BatchColumn, BatchError};
use crate::schema::column;

/// A customer whom a target is not for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct NotApplicable {
    /// The reason, for a person to read.
    pub why: &'static str,
}

/// A part of all customers.
pub(super) struct Population {
    /// Whom it holds, for the card.
    pub text: &'static str,
    /// None holds everybody.
    rule: Option<Rule>,
}

/// What tells who belongs: two columns and a test of their values, which may
/// be NaN where they are not known.
struct Rule {
    columns: [usize; 2],
    holds: fn([f64; 2]) -> bool,
    why: &'static str,
}

/// The place of `Social_Media` among the platforms.
const SOCIAL_MEDIA: f64 = 0.0;

impl Population {
    pub(super) const ALL: Self = Self {
        text: "all customers",
        rule: None,
    };

    pub(super) const POSTERS: Self = Self {
        text: "customers who posted or created reels in the last month",
        rule: Some(Rule {
            columns: [column("posts_last_30_days"), column("reels_created_week")],
            // Unknown (NaN) is not known to be zero.
            holds: |[posts, reels]| !(posts <= 0.0 && reels <= 0.0),
            why: "the customer has no posts and no reels, so there is nothing to view",
        }),
    };

    pub(super) const MATCHED_DATERS: Self = Self {
        text: "customers who use dating and have matches",
        rule: Some(Rule {
            columns: [column("platform_primary"), column("matches_per_day")],
            // What is unknown (NaN) shuts nobody out.
            holds: |[platform, matches]| {
                let none = matches <= 0.0;
                platform != SOCIAL_MEDIA && !none
            },
            why: "the customer does not use dating, or has no matches that could lead to a date",
        }),
    };

    /// Whether it holds a customer with these values.
    pub(super) fn holds(&self, value: impl Fn(usize) -> f64) -> Result<(), NotApplicable> {
        match &self.rule {
            Some(rule) if !(rule.holds)(rule.columns.map(value)) => {
                Err(NotApplicable { why: rule.why })
            }
            _ => Ok(()),
        }
    }

    /// The same for each row of a batch.
    pub(super) fn holds_in(
        &self,
        batch: &RecordBatch,
    ) -> Result<Vec<Result<(), NotApplicable>>, BatchError> {
        let Some(rule) = &self.rule else {
            return Ok(vec![Ok(()); batch.num_rows()]);
        };
        let [one, other] = rule.columns.map(|column| BatchColumn::of(batch, column));
        let (one, other) = (one?, other?);
        let held = |row| {
            if (rule.holds)([one.number(row), other.number(row)]) {
                Ok(())
            } else {
                Err(NotApplicable { why: rule.why })
            }
        };
        Ok((0..batch.num_rows()).map(held).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Target;
    use super::*;
    use crate::features::Profile;
    use crate::schema::{COLUMNS, Kind};

    #[test]
    fn the_platforms_stand_as_the_rule_takes_them() {
        let Kind::Category(names) = COLUMNS[column("platform_primary")].kind else {
            panic!("a category");
        };
        assert_eq!(names[0], "Social_Media");
    }

    #[test]
    fn what_is_not_known_shuts_nobody_out() {
        for &target in Target::ALL {
            assert_eq!(target.applies(&Profile::new()), Ok(()), "{target}");
        }
    }

    #[test]
    fn a_customer_without_posts_has_no_virality() {
        let mut profile = Profile::new();
        profile.set(column("posts_last_30_days"), 0.0);
        assert_eq!(Target::Virality.applies(&profile), Ok(()));
        profile.set(column("reels_created_week"), 0.0);
        assert!(Target::Virality.applies(&profile).is_err());
        profile.set(column("reels_created_week"), 1.0);
        assert_eq!(Target::Virality.applies(&profile), Ok(()));
    }

    #[test]
    fn dates_are_for_those_who_date_and_match() {
        let mut profile = Profile::new();
        profile.set(column("platform_primary"), SOCIAL_MEDIA);
        let refused = Target::DateConversion.applies(&profile);
        assert!(refused.unwrap_err().to_string().contains("dating"));
        profile.set(column("platform_primary"), 2.0);
        profile.set(column("matches_per_day"), 0.0);
        assert!(Target::DateConversion.applies(&profile).is_err());
        profile.set(column("matches_per_day"), 0.033);
        assert_eq!(Target::DateConversion.applies(&profile), Ok(()));
    }
}
