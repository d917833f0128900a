//! Column names at the speed of a request: which column a field name means, and
//! which one it nearly means.

use crate::schema::{COLUMN_COUNT, COLUMNS};

// Four slots a column keep the probes short; a power of two keeps them cheap.
const SLOTS: usize = 256;
const EMPTY: u8 = u8::MAX;
const _: () = assert!(COLUMN_COUNT * 2 < SLOTS && COLUMN_COUNT < EMPTY as usize);

/// Open addressing over the names, built at compile time.
static TABLE: [u8; SLOTS] = table();

const fn table() -> [u8; SLOTS] {
    let mut slots = [EMPTY; SLOTS];
    let mut column = 0_u8;
    while (column as usize) < COLUMN_COUNT {
        let mut slot = slot(COLUMNS[column as usize].name.as_bytes());
        while slots[slot] != EMPTY {
            slot = (slot + 1) % SLOTS;
        }
        slots[slot] = column;
        column += 1;
    }
    slots
}

/// A few bytes tell the names apart well enough; the comparison decides.
const fn slot(name: &[u8]) -> usize {
    let n = name.len();
    if n == 0 {
        return 0;
    }
    let sampled = name[0] as usize
        + 31 * name[n / 4] as usize
        + 61 * name[n / 2] as usize
        + 89 * name[n * 3 / 4] as usize
        + 7 * n;
    (sampled ^ (sampled >> 8)) % SLOTS
}

/// The column of this name. `likely` is looked at first: clients send their
/// fields in the same order each time, mostly that of the table.
pub(super) fn find(name: &str, likely: usize) -> Option<usize> {
    if COLUMNS.get(likely).is_some_and(|c| c.name == name) {
        return Some(likely);
    }
    let mut at = slot(name.as_bytes());
    loop {
        let column = TABLE[at];
        if column == EMPTY {
            return None;
        }
        let column = usize::from(column);
        if COLUMNS[column].name == name {
            return Some(column);
        }
        at = (at + 1) % SLOTS;
    }
}

/// The column that a misspelt name most likely means, if one is near enough.
///
/// A name is near by its letters (Jaro-Winkler, which forgives a typing error
/// and favours a shared beginning), or by being the column's name cut short.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static str> {
    const NEAR: f64 = 0.88;
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_lowercase();
    let nearness = |column: &'static str| {
        let cut_short = name.len() >= 3
            && column
                .strip_prefix(name.as_str())
                .is_some_and(|rest| rest.starts_with('_'));
        if cut_short {
            1.0
        } else {
            strsim::jaro_winkler(&name, column)
        }
    };
    COLUMNS
        .iter()
        .map(|c| (nearness(c.name), c.name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|&(nearness, _)| nearness >= NEAR)
        .map(|(_, column)| column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_column_whatever_was_expected() {
        for (i, column) in COLUMNS.iter().enumerate() {
            assert_eq!(find(column.name, i), Some(i));
            assert_eq!(find(column.name, COLUMN_COUNT), Some(i));
        }
        assert_eq!(find("", 0), None);
        assert_eq!(find("agee", 0), None);
        assert_eq!(find("churn", 3), None);
    }

    #[test]
    fn a_name_is_found_within_a_few_probes() {
        let probes = |name: &str| {
            let (start, mut at) = (slot(name.as_bytes()), slot(name.as_bytes()));
            while COLUMNS[usize::from(TABLE[at])].name != name {
                at = (at + 1) % SLOTS;
            }
            (at + SLOTS - start) % SLOTS + 1
        };
        let all: usize = COLUMNS.iter().map(|c| probes(c.name)).sum();
        assert!(all < 2 * COLUMN_COUNT, "{all} probes for all names");
    }

    #[test]
    fn a_misspelt_name_suggests_the_column_meant() {
        for (sent, meant) in [
            ("photo_cuont", "photo_count"),
            ("Age", "age"),
            ("days_since_active", "days_since_last_active"),
            ("followers", "followers_count"),
            ("locaton", "location"),
            ("tenure", "tenure_months"),
            ("premium_teir", "premium_tier"),
        ] {
            assert_eq!(nearest(sent), Some(meant), "{sent}");
        }
        assert_eq!(nearest("favourite_colour"), None);
        assert_eq!(nearest(""), None);
    }
}
