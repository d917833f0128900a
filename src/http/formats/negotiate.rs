//! Which format a request's body is in, and which one its answer is to have.
//!
//! Invariant: a refusal names all that would have been taken.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};

use super::Format;
use crate::http::problem::{Kind, Problem};
use crate::http::{coding, weights};

/// The format of the body, by its `Content-Type`.
pub fn of_body(headers: &HeaderMap, possible: &[Format]) -> Result<Format, Problem> {
    coding::none(headers)?;
    let declared = headers.get(CONTENT_TYPE).and_then(|value| {
        let text = value.to_str().ok()?.split(';').next()?;
        Format::from_essence(&text.trim().to_ascii_lowercase())
    });
    declared
        .filter(|format| possible.contains(format))
        .ok_or_else(|| {
            Problem::new(
                Kind::UnsupportedMediaType,
                format!(
                    "Declare the body's format with the header content-type: {}.",
                    listed(possible)
                ),
            )
        })
}

/// The format of the answer, by `Accept`; `default` where it leaves the choice.
pub fn of_answer(
    headers: &HeaderMap,
    possible: &[Format],
    default: Format,
) -> Result<Format, Problem> {
    let ranges = weights::listed(headers, ACCEPT);
    let ranges: Vec<_> = ranges.map(Range::of).collect();
    if ranges.is_empty() {
        return Ok(default);
    }
    // The first of the best is taken: the default, then what the client names first.
    let named = ranges.iter().filter_map(|range| match range.kind {
        Pattern::Exactly(format) => Some(format),
        _ => None,
    });
    let candidates = std::iter::once(default)
        .chain(named)
        .chain(possible.iter().copied())
        .filter(|format| possible.contains(format));
    let mut best: Option<(Format, u16)> = None;
    for format in candidates {
        let quality = quality(&ranges, format);
        if quality > best.map_or(0, |(_, quality)| quality) {
            best = Some((format, quality));
        }
    }
    best.map(|(format, _)| format).ok_or_else(|| {
        Problem::new(
            Kind::NotAcceptable,
            format!(
                "The answer can be had as {}; say so with the header accept.",
                listed(possible)
            ),
        )
    })
}

/// One media range of an `Accept` header, with its weight in thousandths.
struct Range {
    kind: Pattern,
    quality: u16,
}

enum Pattern {
    All,
    /// `application/*`, or another.
    Type(String),
    Exactly(Format),
    /// Of no use here, but it means that the client was particular.
    Unknown,
}

impl Range {
    fn of((name, quality): (&str, u16)) -> Self {
        let name = name.to_ascii_lowercase();
        let kind = match name.strip_suffix("/*") {
            Some("*") => Pattern::All,
            Some(class) => Pattern::Type(class.to_owned()),
            None => Format::from_essence(&name).map_or(Pattern::Unknown, Pattern::Exactly),
        };
        Self { kind, quality }
    }

    /// How closely it names the format; none where it doesn't.
    fn closeness(&self, format: Format) -> Option<u8> {
        match &self.kind {
            Pattern::All => Some(0),
            Pattern::Type(class) => {
                let mut halves = format.essence().split('/');
                (halves.next() == Some(class)).then_some(1)
            }
            Pattern::Exactly(named) => (*named == format).then_some(2),
            Pattern::Unknown => None,
        }
    }
}

/// The weight of the range that names the format most closely.
fn quality(ranges: &[Range], format: Format) -> u16 {
    ranges
        .iter()
        .filter_map(|range| Some((range.closeness(format)?, range.quality)))
        .max()
        .map_or(0, |(_, quality)| quality)
}

fn listed(formats: &[Format]) -> String {
    let names: Vec<_> = formats.iter().map(|format| format.essence()).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::CONTENT_ENCODING;

    use super::*;

    fn answer(accept: &'static str) -> Option<Format> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        of_answer(&headers, &Format::ALL, Format::Json).ok()
    }

    #[test]
    fn the_answer_has_the_format_that_is_liked_best() {
        for (accept, format) in [
            ("*/*", Format::Json),
            ("", Format::Json),
            ("text/csv", Format::Csv),
            ("Text/CSV; charset=utf-8", Format::Csv),
            ("text/*", Format::Csv),
            ("text/csv, */*;q=0.1", Format::Csv),
            (
                "application/json;q=0.5, application/x-ndjson",
                Format::Ndjson,
            ),
            ("text/csv, application/vnd.apache.parquet", Format::Csv),
            ("text/html, application/*;q=0.8", Format::Json),
            ("*/*;q=0.2, application/json;q=0", Format::Ndjson),
        ] {
            assert_eq!(answer(accept), Some(format), "{accept}");
        }
    }

    #[test]
    fn what_cant_be_had_is_refused_with_what_can() {
        for accept in ["text/html", "image/*", "*/*;q=0", "text/csv;q=much"] {
            assert_eq!(answer(accept), None, "{accept}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/html"));
        let refusal = of_answer(&headers, &Format::ALL, Format::Json).unwrap_err();
        assert_eq!(refusal.status(), 406);
    }

    #[test]
    fn a_body_must_say_what_it_is() {
        let of = |kind: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            of_body(&headers, &[Format::Json, Format::Csv]).ok()
        };
        assert_eq!(of("Text/CSV;charset=utf-8"), Some(Format::Csv));
        assert_eq!(of("application/vnd.customer+json"), Some(Format::Json));
        assert_eq!(of("application/x-ndjson"), None);
        assert!(of_body(&HeaderMap::new(), &Format::ALL).is_err());
    }

    #[test]
    fn a_compressed_body_is_refused_rather_than_misread() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv"));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(of_body(&headers, &Format::ALL).is_err());
    }
}
