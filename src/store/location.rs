//! Where a store is, and the reading of a database URL.
//!
//! A URL holds a password, so it is read with care: a password with an
//! unescaped `#`, `?` or `/` in it would otherwise be taken apart silently, and
//! its pieces would turn up as a port or a database name in a message.

use std::fmt;
use std::path::{Path, PathBuf};

use sqlx::postgres::PgConnectOptions;

use super::StoreError;

/// Where a store is.
#[derive(Clone)]
pub enum Location {
    /// A SQLite file in this folder, which is created where it is missing.
    Sqlite { folder: PathBuf },
    /// A Postgres database; the URL is secret.
    Postgres { url: String },
}

impl Location {
    /// Where a URL says, else a file in the folder. An empty URL is how a
    /// container says that there is none.
    #[must_use]
    pub fn of(url: Option<&str>, folder: &Path) -> Self {
        match url.filter(|url| !url.is_empty()) {
            Some(url) => Self::Postgres { url: url.into() },
            None => Self::Sqlite {
                folder: folder.to_owned(),
            },
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { folder } => write!(f, "Sqlite({})", folder.display()),
            Self::Postgres { .. } => f.write_str("Postgres(…)"),
        }
    }
}

/// Parameters that the driver knows; it would log any other with its value.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Reads a database URL.
pub(super) fn parse(url: &str) -> Result<PgConnectOptions, StoreError> {
    let malformed = |reason| StoreError::MalformedUrl { reason };
    let rest = ["postgres://", "postgresql://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme))
        .ok_or(malformed("it doesn't begin with postgres://"))?;
    if rest.contains('#') {
        return Err(malformed("a '#' in it must be written %23"));
    }
    let after_host = rest.find(['/', '?']).map_or("", |end| &rest[end..]);
    if after_host.contains('@') {
        return Err(malformed(
            "an '@' follows the host; in a user or password '/', '?' and '@' must be written %2F, %3F and %40",
        ));
    }
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let known = known_parameters(query);
    format!("{address}?{known}")
        .parse()
        .map_err(|_| malformed("the host, the port or a parameter can't be read"))
}

/// The parameters that the driver understands; others, which hosted databases
/// add for other drivers, change nothing here.
fn known_parameters(query: &str) -> String {
    let is_known = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        PARAMETERS.contains(&name) || name.starts_with("options[")
    };
    query
        .split('&')
        .filter(is_known)
        .collect::<Vec<_>>()
        .join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_host_port_user_and_database() {
        let options = parse("postgres://ada:s%23cret@db.example:6000/shop").unwrap();
        assert_eq!(options.get_host(), "db.example");
        assert_eq!(options.get_port(), 6000);
        assert_eq!(options.get_username(), "ada");
        assert_eq!(options.get_database(), Some("shop"));
    }

    #[test]
    fn reads_the_folder_of_a_unix_socket() {
        let options = parse("postgres://ada@localhost:5432/shop?host=/run/postgres").unwrap();
        assert_eq!(
            options.get_socket().map(PathBuf::as_path),
            Some(std::path::Path::new("/run/postgres"))
        );
    }

    #[test]
    fn leaves_out_parameters_meant_for_other_drivers() {
        let url = "postgres://ada@db.example/shop?channel_binding=require&port=6000&x=y";
        assert_eq!(parse(url).unwrap().get_port(), 6000);
    }

    #[test]
    fn says_what_is_malformed_without_repeating_any_of_it() {
        for url in [
            "mysql://ada:hunter2@db/shop",
            "hunter2",
            "",
            "postgres://ada:12#hunter2@db/shop",
            "postgres://ada:12/hunter2@db/shop",
            "postgres://ada:12?hunter2@db/shop",
            "postgres://ada:hunter2@db:port/shop",
            "postgres://ada:hunter2@db/shop?port=many",
            "postgres://ada:hunter2@[::1/shop",
        ] {
            let error = parse(url).unwrap_err().to_string();
            assert!(error.contains("malformed"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
            assert_eq!(error.lines().count(), 1);
        }
    }

    #[test]
    fn debug_output_has_no_url() {
        let location = Location::Postgres {
            url: "postgres://ada:hunter2@db/shop".into(),
        };
        assert!(!format!("{location:?}").contains("ada"));
    }
}
