//! The command line: which command to run; those that do not serve have a file
//! each.
//!
//! `serve` is the default, so its settings may follow the program's name
//! directly.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::{Parser, Subcommand};

use crate::config::Config;

mod generate;
mod health;
mod import;
mod keys;
mod mapping;
mod report;
mod score;
mod store;
mod train;
mod whole_file;

pub use generate::{GenerateArgs, GenerateError, generate};
pub use health::{HealthArgs, HealthError, health};
pub use import::{ImportArgs, ImportCommandError, import};
pub use keys::{KeysArgs, KeysCommandError, keys};
pub use report::{ReportCommandArgs, ReportError, report};
pub use score::{ScoreArgs, ScoreError, score};
pub use train::{TrainArgs, TrainCommandError, train};

/// Predicts churn, lifetime value and engagement for customers of social-media
/// and dating apps.
///
/// Without a command it serves: `engagecast --listen 0.0.0.0:8080` is
/// `engagecast serve --listen 0.0.0.0:8080`.
#[derive(Debug, Parser)]
#[command(name = "engagecast", version, subcommand_required = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer predictions over HTTP; the first start generates customers and trains on them
    Serve(Box<Config>),
    /// Write synthetic customers to a file, or check their statistics
    Generate(GenerateArgs),
    /// Store customers of your own from a CSV or Parquet file
    Import(Box<ImportArgs>),
    /// Train models on customers of your own from a CSV or Parquet file, and print their cards
    Train(Box<TrainArgs>),
    /// Ask a running service whether it lives
    Health(HealthArgs),
    /// Predict for the customers of a file
    Score(ScoreArgs),
    /// Write the executive report of a stored cohort
    Report(Box<ReportCommandArgs>),
    /// Make, list and revoke the keys that callers need
    Keys(KeysArgs),
    /// Print the OpenAPI document of the HTTP interface
    Openapi,
}

impl Cli {
    /// Reads the command line; prints and exits on `--help` and on bad usage.
    pub fn from_args(args: impl IntoIterator<Item = OsString>) -> Self {
        Self::parse_from(with_default_command(args.into_iter().collect()))
    }
}

/// Puts `serve` where a command is missing. A flag of clap's own (help and
/// version) is left alone, and so is a word, which clap then judges.
fn with_default_command(mut args: Vec<OsString>) -> Vec<OsString> {
    let first = args.get(1).and_then(|arg| arg.to_str());
    let serve = match first {
        None => true,
        Some("-h" | "--help" | "-V" | "--version") => false,
        Some(arg) => arg.starts_with('-'),
    };
    if serve {
        args.insert(1.min(args.len()), "serve".into());
    }
    args
}

/// Prints to whoever reads; one who has read enough and left is no failure.
///
/// # Errors
/// Where standard output can't be written.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        let args = std::iter::once("engagecast").chain(line.split_whitespace());
        let args = with_default_command(args.map(OsString::from).collect());
        Cli::try_parse_from(args).map(|cli| cli.command)
    }

    #[test]
    fn the_declaration_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serves_when_no_command_is_given() {
        assert!(matches!(parse(""), Ok(Command::Serve(_))));
        let Ok(Command::Serve(config)) = parse("--listen 127.0.0.1:0") else {
            panic!("a flag of serve, without its name, serves");
        };
        assert_eq!(config.at.listen.port(), 0);
        assert!(matches!(parse("openapi"), Ok(Command::Openapi)));
    }

    #[test]
    fn a_negative_number_is_refused_with_the_accepted_range() {
        for (line, range) in [
            ("generate --check --seed -1", "must be from 0 to"),
            ("generate --check --customers -5", "must be from 1 to"),
            ("serve --customers=-5", "must be from 1 to"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains(range), "{error}");
        }
    }

    #[test]
    fn anonymous_callers_are_allowed_by_a_word_or_a_value() {
        for (line, said) in [
            ("serve", None),
            ("serve --allow-anonymous", Some(true)),
            ("serve --allow-anonymous --jobs 0", Some(true)),
            ("serve --allow-anonymous=false", Some(false)),
        ] {
            let Ok(Command::Serve(config)) = parse(line) else {
                panic!("{line}");
            };
            assert_eq!(config.access.allow_anonymous, said, "{line}");
        }
    }

    #[test]
    fn generating_needs_a_file_or_a_check() {
        assert!(parse("generate --customers 10").is_err());
        assert!(parse("generate --customers 10 --check").is_ok());
        assert!(parse("generate --customers 10 --out c.csv").is_ok());
    }
}
