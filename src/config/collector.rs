//! A collector of traces as settings name it: its address, the headers it asks
//! for, and pairs of names and values.
//!
//! Invariant: an error says what is expected and never what was given, which may
//! hold a password.

/// An address that spans are posted to.
pub struct Collector {
    /// Host and port.
    pub authority: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
}

impl Collector {
    pub(super) fn new(address: &str, headers: &str) -> Result<Self, String> {
        let (authority, path) =
            address_of(address).map_err(|why| format!("--otlp-endpoint {why}"))?;
        Ok(Self {
            authority,
            path,
            headers: headers_of(headers).map_err(|why| format!("--otlp-headers {why}"))?,
        })
    }
}

/// Names and values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, String)>);

/// Host and port of a collector, and its path for spans.
fn address_of(text: &str) -> Result<(String, String), &'static str> {
    const WANTED: &str = "must be like http://127.0.0.1:4318";
    const NO_TLS: &str = "must be like http://127.0.0.1:4318; for a collector behind TLS run one \
                          beside the service, which passes spans on";
    let rest = text.trim().strip_prefix("http://").ok_or(NO_TLS)?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '@' | '?' | '#' | '\\' | '"');
    if authority.is_empty() || authority.starts_with(':') || !rest.chars().all(plain) {
        return Err(WANTED);
    }
    let (_, port) = authority.rsplit_once(':').unwrap_or((authority, "none"));
    let authority = match port.parse::<u16>() {
        Ok(_) => authority.to_owned(),
        Err(_) if authority.ends_with(']') || !authority.contains(':') => format!("{authority}:80"),
        Err(_) => return Err(WANTED),
    };
    let path = match path.trim_end_matches('/') {
        "" => "/v1/traces".into(),
        path => format!("/{path}/v1/traces"),
    };
    Ok((authority, path))
}

pub fn pairs(text: &str) -> Result<Pairs, String> {
    let pairs = pairs_of(text).map(Pairs);
    pairs.ok_or_else(|| "must be like name=value,other=value".into())
}

/// Names and values, percent-encoded where they hold a comma or a space.
fn pairs_of(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = text.split(',').map(str::trim).filter(|p| !p.is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (decoded(name.trim())?, decoded(value.trim())?);
        (!name.is_empty()).then_some((name, value))
    });
    pairs.collect()
}

/// The same, where they can be headers.
fn headers_of(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let value = |c: char| c == ' ' || c.is_ascii_graphic();
    let fine = |(n, v): &(String, String)| n.chars().all(name) && v.chars().all(value);
    let pairs = pairs_of(text).filter(|pairs| pairs.iter().all(fine));
    pairs.ok_or("must be like name=value,other=value, with names and values that a header may have")
}

/// A text in which `%20` and the like stand for what they encode.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_an_address_without_a_secret() {
        for (text, authority, path) in [
            ("http://127.0.0.1:4318", "127.0.0.1:4318", "/v1/traces"),
            ("http://otel:4318/", "otel:4318", "/v1/traces"),
            ("http://otel/otlp", "otel:80", "/otlp/v1/traces"),
            ("http://[::1]:4318", "[::1]:4318", "/v1/traces"),
            ("http://[::1]", "[::1]:80", "/v1/traces"),
        ] {
            assert_eq!(address_of(text), Ok((authority.into(), path.into())));
        }
        for text in [
            "",
            "collector:4318",
            "https://collector",
            "http://",
            "http://:1",
            "http://me:hunter2@collector",
            "http://a:hunter2",
            "http://a?hunter2",
        ] {
            assert!(
                address_of(text).unwrap_err().contains("must be like"),
                "{text}"
            );
        }
    }

    #[test]
    fn pairs_are_decoded_and_headers_are_headers() {
        let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let two = vec![of("a", "1,2"), of("b.c", "=x y")];
        assert_eq!(pairs_of("a=1%2C2, b.c==x%20y,"), Some(two));
        for text in ["a", "=1", "a=%2", "a=%zz", "a=%ff"] {
            assert_eq!(pairs_of(text), None, "{text}");
        }
        assert!(headers_of("authorization=Bearer%20abc").is_ok());
        assert_eq!(headers_of(""), Ok(Vec::new()));
        for text in ["a b=1", "a=1%0d%0ab: 2", "\u{e9}=1", "a=\u{e9}"] {
            assert!(headers_of(text).is_err(), "{text}");
        }
    }
}
