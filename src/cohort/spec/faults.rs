//! What is wrong with a spec.

use std::fmt;

/// One thing that is wrong: where, what was expected, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecFault {
    /// The path of what is at fault, such as `targets.churn_rate_pct`.
    pub field: String,
    pub message: String,
}

/// All that is wrong with a spec, at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecFaults(pub Vec<SpecFault>);

impl std::error::Error for SpecFaults {}

impl fmt::Display for SpecFaults {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            let before = if i == 0 { "" } else { "; " };
            write!(f, "{before}{fault}")?;
        }
        Ok(())
    }
}

impl fmt::Display for SpecFault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.field.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl SpecFaults {
    pub(super) fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(SpecFault {
            field: field.into(),
            message: message.into(),
        });
    }

    /// A name that there is not, with the nearest that there is.
    pub(super) fn unknown<'a>(
        &mut self,
        field: &str,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'a str>,
    ) {
        let near = known
            .map(|k| (strsim::jaro_winkler(k, name), k))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let hint = near.map_or(String::new(), |(_, k)| format!("; did you mean {k}?"));
        self.add(field, format!("no {what} has this name{hint}"));
    }
}
