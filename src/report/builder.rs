//! Puts the document together: sections in order, exhibits numbered as they
//! come, those that can't be drawn listed with the reason.

use chrono::Datelike;

use super::document::{Block, Date, Document, Exhibit, Heading, LeftOut, Section};
use super::exhibits::{KINDS, Kind};
use super::figures::plain;
use super::sections;
use super::story::{LONGEST_IN_HEAD, Story};

/// What sections are built with.
pub(super) struct Pages<'a> {
    pub story: &'a Story<'a>,
    numbered: usize,
    left_out: Vec<LeftOut>,
}

impl Pages<'_> {
    /// The exhibit, with the next number; none, and listed, where the cohort
    /// has not what it takes.
    pub fn exhibit(&mut self, id: &str) -> Option<Exhibit> {
        let kind = KINDS.iter().find(|kind| kind.id == id)?;
        let Some(drawn) = (kind.draw)(self.story) else {
            self.left_out.push(LeftOut {
                id: kind.id,
                title: kind.about.to_owned(),
                why: why(self.story, kind),
            });
            return None;
        };
        self.numbered += 1;
        Some(Exhibit {
            id: kind.id,
            label: format!("Exhibit {}", self.numbered),
            title: drawn.title,
            alt: drawn.alt,
            source: drawn.source,
            chart: drawn.chart,
        })
    }

    /// An exhibit with what follows from it beside it.
    pub fn beside(&mut self, id: &str, aside: Vec<Option<String>>) -> Vec<Block> {
        let aside: Vec<String> = aside.into_iter().flatten().collect();
        match self.exhibit(id) {
            Some(exhibit) => vec![Block::Exhibit { exhibit, aside }],
            None if aside.is_empty() => Vec::new(),
            None => vec![Block::Text { paragraphs: aside }],
        }
    }

    /// Exhibits side by side, as many of two as can be drawn.
    pub fn pair(&mut self, ids: [&str; 2]) -> Option<Block> {
        let exhibits: Vec<_> = ids.iter().filter_map(|id| self.exhibit(id)).collect();
        (!exhibits.is_empty()).then_some(Block::Pair { exhibits })
    }

    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }
}

/// Why an exhibit can't be drawn.
fn why(story: &Story, kind: &Kind) -> String {
    let missing: Vec<&str> = kind
        .needs
        .iter()
        .copied()
        .filter(|c| !story.has(c))
        .collect();
    match missing.as_slice() {
        [] => kind.otherwise.to_owned(),
        [one] => format!("no customer has a value in {one}"),
        several => format!("no customer has values in {}", several.join(", ")),
    }
}

pub(super) fn document(story: &Story) -> Document {
    let mut pages = Pages {
        story,
        numbered: 0,
        left_out: Vec::new(),
    };
    let sections: Vec<Section> = sections::ALL
        .iter()
        .map(|section| section(&mut pages))
        .filter(|section| !section.blocks.is_empty())
        .collect();
    let day = story.day();
    let customers = story.customers(story.facts.customers);
    let written = story.seen_on();
    Document {
        title: "Customer engagement report".into(),
        author: "Engagecast".into(),
        description: format!("{}: {customers}, {written}", story.name),
        keywords: ["engagement", "churn", "lifetime value", "revenue"]
            .map(str::to_owned)
            .to_vec(),
        date: Date {
            year: day.year(),
            month: day.month(),
            day: day.day(),
        },
        language: "en".into(),
        paper: story.say.locale.paper.into(),
        kicker: "Executive report".into(),
        footer: format!(
            "Engagecast {} · {} · effects are associations until tested",
            env!("CARGO_PKG_VERSION"),
            story.say.day(day)
        ),
        cohort: Heading {
            short_name: plain(&story.name, LONGEST_IN_HEAD),
            line: heading(story, &customers, &written),
        },
        sections,
        left_out: pages.left_out,
    }
}

fn heading(story: &Story, customers: &str, seen: &str) -> String {
    let origin = match story.about.seed {
        Some(_) => "synthetic customers",
        None => "imported customers",
    };
    format!("{} · {customers} · {seen} · {origin}", story.name)
}
