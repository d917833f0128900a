//! The settings of `engagecast serve` as a table, from what `--help` says of each:
//! its meaning and, after a comma, its range with the unit.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory, Parser};
use engagecast::cli::Cli;

/// The bounds of a number as they are written, and what they are counted in.
struct Range<'a> {
    min: &'a str,
    max: &'a str,
    unit: &'a str,
}

/// The settings that have a variable of the environment, in the order of `--help`.
fn settings() -> Vec<Arg> {
    let mut whole = Cli::command();
    whole.build();
    let serve: &Command = whole.find_subcommand("serve").unwrap();
    let all = serve.get_arguments();
    all.filter(|setting| setting.get_env().is_some())
        .cloned()
        .collect()
}

fn help(setting: &Arg) -> String {
    setting.get_help().unwrap().to_string()
}

/// The range, and the help without it.
fn take_apart(help: &str) -> (Option<Range<'_>>, String) {
    let end = help.find([':', ';']).unwrap_or(help.len());
    let (sentence, rest) = help.split_at(end);
    let found = sentence.rsplit_once(", ").and_then(|(before, range)| {
        let (min, range) = range.split_once(" to ")?;
        let (max, unit) = range.split_once(' ').unwrap_or((range, ""));
        let is_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        let range = Range { min, max, unit };
        (is_number(min) && is_number(max)).then(|| (range, format!("{before}{rest}")))
    });
    match found {
        Some((range, meaning)) => (Some(range), meaning),
        None => (None, help.to_owned()),
    }
}

/// What a setting that is no number may be.
fn form(setting: &Arg) -> String {
    let values = setting.get_possible_values();
    if values.is_empty() {
        let names = setting.get_value_names().unwrap();
        return names.join(" ").to_lowercase();
    }
    let values: Vec<_> = values
        .iter()
        .map(|v| format!("`{}`", v.get_name()))
        .collect();
    values.join(", ")
}

pub fn markdown() -> String {
    let mut page = String::from(
        "\n| setting | variable | default | range | unit | meaning |\n|---|---|---|---|---|---|\n",
    );
    for setting in settings() {
        let help = help(&setting);
        let (range, meaning) = take_apart(&help);
        let (range, unit) = match range {
            Some(Range { min, max, unit }) => (format!("{min} to {max}"), unit),
            None => (form(&setting), ""),
        };
        let defaults = setting.get_default_values().iter();
        let defaults: Vec<_> = defaults.map(|d| format!("`{}`", d.display())).collect();
        let _ = writeln!(
            page,
            "| `--{}` | `{}` | {} | {range} | {unit} | {meaning} |",
            setting.get_long().unwrap(),
            setting.get_env().unwrap().display(),
            defaults.join(", "),
        );
    }
    page
}

fn accepts(setting: &Arg, value: f64) -> bool {
    let flag = format!("--{}={value}", setting.get_long().unwrap());
    Cli::try_parse_from(["engagecast", "serve", &flag]).is_ok()
}

#[test]
fn a_setting_takes_the_range_that_is_said_of_it_and_no_more() {
    let mut tried = 0;
    for setting in settings() {
        let help = help(&setting);
        let Some(Range { min, max, .. }) = take_apart(&help).0 else {
            continue;
        };
        // The seed's upper bound is no exact f64: config.rs has a test of its own for it.
        if setting.get_id() == "seed" {
            continue;
        }
        let [min, max] = [min, max].map(|bound| bound.replace(',', "").parse::<f64>().unwrap());
        let step = if min.fract() == 0.0 { 1.0 } else { min / 2.0 };
        assert!(accepts(&setting, min), "{help}: {min}");
        assert!(accepts(&setting, max), "{help}: {max}");
        assert!(!accepts(&setting, min - step), "{help}: below");
        assert!(!accepts(&setting, max + 1.0), "{help}: above");
        tried += 1;
    }
    assert!(tried > 20);
}

#[test]
fn a_setting_whose_value_is_a_number_says_its_range() {
    for setting in settings() {
        let name = setting.get_value_names().unwrap()[0].to_string();
        if ["N", "BYTES", "SECONDS", "DAYS", "S"].contains(&&*name) {
            let help = help(&setting);
            assert!(take_apart(&help).0.is_some(), "{help}");
        }
    }
}
