//! The one document that the template lays out and `/reports/{cohort}.json`
//! shows: sections made of blocks, all text and positions ready to be drawn.
//!
//! Invariant: a text is a text; nothing in it is ever read as markup.

use serde::Serialize;

/// The whole report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    pub title: String,
    pub author: String,
    pub description: String,
    pub keywords: Vec<String>,
    pub date: Date,
    /// Of the text, BCP 47.
    pub language: String,
    pub paper: String,
    pub kicker: String,
    pub footer: String,
    pub cohort: Heading,
    pub sections: Vec<Section>,
    /// Exhibits that this cohort has no columns for.
    pub left_out: Vec<LeftOut>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Date {
    pub year: i32,
    pub month: u32,
    pub day: u32,
}

/// What the report is of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Heading {
    pub short_name: String,
    pub line: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// What it is about.
    pub title: String,
    /// What it concludes.
    pub headline: String,
    pub blocks: Vec<Block>,
}

/// A part of a page.
#[expect(
    clippy::large_enum_variant,
    reason = "a report has some dozens of them"
)]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Block {
    Lead {
        text: String,
    },
    Text {
        paragraphs: Vec<String>,
    },
    Subhead {
        text: String,
    },
    List {
        items: Vec<String>,
    },
    /// A list in small print.
    Notes {
        items: Vec<String>,
    },
    Kpis {
        items: Vec<Kpi>,
    },
    Exhibit {
        exhibit: Exhibit,
        aside: Vec<String>,
    },
    Pair {
        exhibits: Vec<Exhibit>,
    },
    Table(Table),
    /// Side by side.
    Tables {
        tables: Vec<Table>,
    },
    SoWhat {
        texts: Vec<String>,
    },
    Findings {
        items: Vec<Finding>,
    },
    Decision {
        title: String,
        items: Vec<Decision>,
        note: String,
    },
    Initiative(Initiative),
}

/// A number for the eye.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kpi {
    pub label: String,
    pub value: String,
    pub note: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    pub title: String,
    pub columns: Vec<TableColumn>,
    pub rows: Vec<Vec<String>>,
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableColumn {
    pub name: String,
    pub numeric: bool,
}

/// How an expected finding came out in this cohort.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    pub id: &'static str,
    pub claim: String,
    /// What decides.
    pub rule: &'static str,
    pub verdict: Verdict,
    pub verdict_text: &'static str,
    /// The numbers that say so.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Holds,
    Fails,
    Unknown,
}

/// One line of the box on the summary page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    pub priority: String,
    pub title: String,
    pub text: String,
    pub value: String,
    pub unit: String,
}

/// A recommended initiative, as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Initiative {
    pub id: &'static str,
    pub priority: String,
    pub title: String,
    pub range: String,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    pub name: &'static str,
    pub text: String,
}

/// A chart with what a reader needs to understand it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exhibit {
    /// Its name in `/reports/{cohort}/charts/{chart}.svg`.
    pub id: &'static str,
    /// `Exhibit 3`; its number is its place in this report.
    pub label: String,
    pub title: String,
    /// What the chart shows, for those who don't see it.
    pub alt: String,
    pub source: String,
    pub chart: Chart,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    pub id: &'static str,
    pub title: String,
    pub why: String,
}

/// A chart: positions are parts of an axis, from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Chart {
    Columns {
        axis: Axis,
        groups: Vec<Group>,
        reference: Option<Mark>,
        axis_below: Option<String>,
    },
    Rows {
        axis: Axis,
        rows: Vec<Row>,
    },
    Multiples {
        legend: Vec<Key>,
        panels: Vec<Panel>,
    },
    Funnel {
        steps: Vec<Step>,
    },
    Donut {
        center: Center,
        parts: Vec<Slice>,
    },
    Heat {
        columns: Vec<HeatColumn>,
        columns_label: String,
        rows: Vec<HeatRow>,
    },
    Histogram {
        x: Axis,
        y: Axis,
        bars: Vec<Bin>,
        marks: Vec<Mark>,
    },
    Scatter {
        x: Axis,
        y: Axis,
        diagonal: bool,
        dots: Vec<Dot>,
        /// Radius of the largest dot, in points.
        largest: f64,
        /// How much of a dot can be seen through, 0 to 1.
        fade: f64,
        line: Vec<Point>,
        notes: Vec<Key>,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Axis {
    pub label: String,
    pub ticks: Vec<Mark>,
}

/// A text at a place of an axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    pub at: f64,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    Navy,
    Amber,
    Teal,
    Plum,
    Grey,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Key {
    pub text: String,
    pub tone: Tone,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    pub at: f64,
    pub text: String,
    pub tone: Tone,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    pub name: String,
    pub note: Option<String>,
    pub bars: Vec<Bar>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    pub name: String,
    pub note: Option<String>,
    pub at: f64,
    pub text: String,
    pub tone: Tone,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Panel {
    pub name: String,
    pub unit: String,
    pub bars: Vec<Bar>,
}

#[expect(
    clippy::struct_field_names,
    reason = "the conversion into a step is called so in the field"
)]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    pub name: String,
    pub text: String,
    pub at: f64,
    /// What of the step before goes on.
    pub step: Option<String>,
    pub largest: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Center {
    pub text: String,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    pub name: String,
    pub share: f64,
    pub text: String,
    pub tone: Tone,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeatColumn {
    pub name: String,
    pub note: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeatRow {
    pub name: String,
    pub cells: Vec<Cell>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// How dark, 0 to 1; none where nobody is in it.
    pub shade: Option<f64>,
    pub text: String,
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bin {
    pub from: f64,
    pub to: f64,
    pub at: f64,
    pub tone: Tone,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dot {
    pub x: f64,
    pub y: f64,
    pub size: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

impl Document {
    /// All exhibits, in the order of the pages.
    pub fn exhibits(&self) -> impl Iterator<Item = &Exhibit> {
        let blocks = self.sections.iter().flat_map(|section| &section.blocks);
        blocks.flat_map(|block| match block {
            Block::Exhibit { exhibit, .. } => std::slice::from_ref(exhibit),
            Block::Pair { exhibits } => exhibits,
            _ => &[],
        })
    }
}
