//! `engagecast keys`: makes, lists and revokes the keys that callers need, and
//! tells what was done with them.
//!
//! It works on the database itself, so it needs neither a key nor a service
//! that runs. Invariant: a key is printed once, when it is made, and goes to
//! standard output alone.

use std::fmt::Write as _;
use std::io;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use uuid::Uuid;

use super::print;
use super::store::open;
use crate::config::{LogArgs, StoreArgs};
use crate::jobs::{BadToken, KeyScope, NewKey, Token, create_key};
use crate::store::{ApiKey, AuditEntry, Store, StoreError};

/// Characters of a key's name.
const NAME: std::ops::RangeInclusive<usize> = 1..=100;

#[derive(Debug, clap::Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    pub command: KeysCommand,
}

#[derive(Debug, clap::Subcommand)]
pub enum KeysCommand {
    /// Make a key and print it, this once
    Create(CreateArgs),
    /// List all keys: what they are good for, and when they were last used
    List(Reach),
    /// List what was done with admin keys, and what others were refused, the latest first
    Audit(AuditArgs),
    /// Revoke a key, on every replica within two seconds
    Revoke(RevokeArgs),
}

/// Where the keys are.
#[derive(Debug, clap::Args)]
pub struct Reach {
    #[command(flatten)]
    pub store: StoreArgs,

    #[command(flatten)]
    pub log: LogArgs,
}

#[derive(Debug, clap::Args)]
pub struct CreateArgs {
    /// What it is good for: predict, read or admin, each of which includes those before it
    #[arg(long)]
    pub scope: KeyScope,

    /// What to call it, 1 to 100 characters: it stands in the log and in the audit log
    #[arg(long, value_parser = name)]
    pub name: String,

    /// Requests a second that it may make, 1 to 1000000; without it the default of the service
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate_limit: Option<u32>,

    /// Days after which it ends by itself, 1 to 36500; without it it does not
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub expires_in: Option<u32>,

    #[command(flatten)]
    pub reach: Reach,
}

#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    /// How many deeds, 1 to 100000
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub last: u32,

    #[command(flatten)]
    pub reach: Reach,
}

#[derive(Debug, clap::Args)]
pub struct RevokeArgs {
    /// Its id, as `engagecast keys list` prints it
    pub id: Uuid,

    #[command(flatten)]
    pub reach: Reach,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum KeysCommandError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Token(#[from] BadToken),
    #[error("there is no key {0}: `engagecast keys list` lists those that there are")]
    NoKey(Uuid),
    #[error("can't print: {0}")]
    Print(#[from] io::Error),
}

impl KeysArgs {
    #[must_use]
    pub fn log(&self) -> &LogArgs {
        &self.reach().log
    }

    fn reach(&self) -> &Reach {
        match &self.command {
            KeysCommand::Create(args) => &args.reach,
            KeysCommand::List(reach) => reach,
            KeysCommand::Audit(args) => &args.reach,
            KeysCommand::Revoke(args) => &args.reach,
        }
    }
}

fn name(text: &str) -> Result<String, String> {
    let fits = NAME.contains(&text.chars().count());
    if fits && !text.chars().any(char::is_control) && text.trim() == text {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 100 characters, with no white space around them and no control characters".into())
    }
}

/// Runs `engagecast keys`.
///
/// # Errors
/// Where the database can't be used, or there is no such key.
pub async fn keys(args: &KeysArgs) -> Result<(), KeysCommandError> {
    let store = open(&args.reach().store).await?;
    let now = Utc::now();
    let done = match &args.command {
        KeysCommand::Create(args) => create(&store, args, now).await,
        KeysCommand::List(_) => list(&store, now).await,
        KeysCommand::Audit(args) => audit(&store, args.last).await,
        KeysCommand::Revoke(args) => revoke(&store, args.id, now).await,
    };
    store.close().await;
    done
}

async fn create(
    store: &Store,
    args: &CreateArgs,
    now: DateTime<Utc>,
) -> Result<(), KeysCommandError> {
    let token = Token::fresh()?;
    let new = NewKey {
        name: args.name.clone(),
        scope: args.scope,
        expires_at: (args.expires_in).map(|days| now + TimeDelta::days(days.into())),
        rate_limit: args.rate_limit,
    };
    let id = create_key(store, &token, new, now).await?;
    note(store, "keys.create", id, now).await?;
    eprintln!(
        "The key {id} of {}, shown this once:",
        place(&args.reach.store)
    );
    Ok(print(&format!("{}\n", token.reveal()))?)
}

/// Where the key is good, since a service on another database does not know it.
fn place(args: &StoreArgs) -> String {
    match args.database_url {
        Some(_) => "the database of DATABASE_URL".into(),
        None => format!("the data folder {}", args.data_dir.display()),
    }
}

async fn revoke(store: &Store, id: Uuid, now: DateTime<Utc>) -> Result<(), KeysCommandError> {
    if !store.revoke_key(id, now).await? {
        return Err(KeysCommandError::NoKey(id));
    }
    note(store, "keys.revoke", id, now).await?;
    Ok(print(&format!("The key {id} is revoked.\n"))?)
}

/// Writes in the audit log what was done here.
async fn note(store: &Store, action: &str, id: Uuid, now: DateTime<Utc>) -> Result<(), StoreError> {
    let entry = AuditEntry {
        id: Uuid::now_v7(),
        at: now,
        key_id: None,
        key_name: "command line".into(),
        action: action.into(),
        object: id.to_string(),
        request_id: String::new(),
        status: None,
    };
    store.append_audit(&entry).await
}

async fn list(store: &Store, now: DateTime<Utc>) -> Result<(), KeysCommandError> {
    let heads = [
        "id",
        "scope",
        "state",
        "a second",
        "created",
        "last used",
        "name",
    ];
    let mut rows = vec![heads.map(str::to_owned)];
    for key in store.keys().await? {
        rows.push([
            key.id.to_string(),
            key.scope.clone(),
            state(&key, now),
            key.rate_limit.map_or("default".into(), |n| n.to_string()),
            moment(key.created_at),
            key.last_used_at.map_or("never".into(), moment),
            key.name,
        ]);
    }
    Ok(print(&table(&rows))?)
}

async fn audit(store: &Store, last: u32) -> Result<(), KeysCommandError> {
    let heads = ["at", "status", "action", "object", "request", "key"];
    let mut rows = vec![heads.map(str::to_owned)];
    for deed in store.audit(None, last).await? {
        let or_dash = |text: String| if text.is_empty() { "-".into() } else { text };
        rows.push([
            moment(deed.at),
            deed.status.map_or("-".into(), |status| status.to_string()),
            deed.action,
            deed.object,
            or_dash(deed.request_id),
            or_dash(deed.key_name),
        ]);
    }
    Ok(print(&table(&rows))?)
}

fn state(key: &ApiKey, now: DateTime<Utc>) -> String {
    match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {}", moment(at)),
        (None, Some(at)) if at <= now => format!("expired {}", moment(at)),
        (None, Some(at)) => format!("good until {}", moment(at)),
        (None, None) => "good".into(),
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Columns as wide as what is in them; the last as it is.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row[..N - 1].iter().enumerate() {
            let _ = write!(text, "{cell:<0$}  ", width(column));
        }
        let _ = writeln!(text, "{}", row[N - 1]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_some_characters() {
        assert!(name("the shop's backend").is_ok());
        for bad in ["", " ops", "ops\n", "o\u{1b}ps", &"x".repeat(101)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["id", "name"], ["1234", "a b"]].map(|row| row.map(String::from));
        assert_eq!(table(&rows), "id    name\n1234  a b\n");
    }
}
