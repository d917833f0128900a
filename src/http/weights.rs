//! What a client says that it takes, with weights: the form that `Accept` and
//! `Accept-Encoding` have in common.
//!
//! Invariant: a weight that is none counts as a refusal, since what its client
//! wants can't be known.

use axum::http::{HeaderMap, HeaderName};

/// The weight of what has none.
pub const FULL: u16 = 1000;

/// What all headers of this name list, in order: each name with its weight in
/// thousandths, and 0 where it is refused.
pub fn listed(headers: &HeaderMap, header: HeaderName) -> impl Iterator<Item = (&str, u16)> {
    let values = headers.get_all(header).into_iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().filter(|name| !name.is_empty())?;
            let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
            Some((name, weight.map_or(FULL, thousandths)))
        })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the thousandths of a weight"
)]
fn thousandths(weight: &str) -> u16 {
    match weight.parse::<f64>() {
        Ok(weight) if weight.is_finite() => {
            (weight.clamp(0.0, 1.0) * f64::from(FULL)).round() as u16
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::ACCEPT;

    use super::*;

    #[test]
    fn names_are_listed_with_their_weights() {
        let mut headers = HeaderMap::new();
        for value in [
            "text/csv;q=0.5, */*; Q=0.001,,",
            "a;b=c;q=0, d;q=2, e;q=much",
        ] {
            headers.append(ACCEPT, HeaderValue::from_static(value));
        }
        let listed: Vec<_> = listed(&headers, ACCEPT).collect();
        let wanted = [
            ("text/csv", 500),
            ("*/*", 1),
            ("a", 0),
            ("d", 1000),
            ("e", 0),
        ];
        assert_eq!(listed, wanted);
    }
}
