//! From a document to the bytes of a PDF or an SVG.
//!
//! Invariant: the same document gives the same bytes, wherever and whenever.
//!
//! All of it runs on two threads of its own, one document at a time: Typst lays
//! out pages beside each other. It memoises what it lays out; what the last render
//! had no use for is dropped when the answer is on its way, so that memory stays
//! flat and nobody waits for it. Were it any threads, each would come to hold as
//! much freed memory as a render takes.

use std::sync::{LazyLock, Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use serde_json::json;
use typst::diag::SourceDiagnostic;
use typst::foundations::Smart;
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};
use typst_svg::SvgOptions;

use super::document::{Document, Exhibit};
use super::world::{Main, Sheet};

/// Evictions that something memoised outlives without being used: what the last
/// render used stays.
const REMEMBERED: usize = 2;

/// A document that can't be laid out: a fault of this crate's, never of the data's.
#[derive(Debug, Clone, thiserror::Error)]
#[error("can't lay out the {what}: {why}")]
pub struct RenderError {
    what: &'static str,
    why: String,
}

impl RenderError {
    fn new(what: &'static str, faults: &[SourceDiagnostic]) -> Self {
        let why: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
        Self {
            what,
            why: why.join("; "),
        }
    }

    fn no_thread(what: &'static str, why: &impl ToString) -> Self {
        Self {
            what,
            why: why.to_string(),
        }
    }
}

/// What evaluates the template is half of a first render, and no thread helps it:
/// more than two gain little.
const THREADS: usize = 2;

static PRESS: LazyLock<Result<ThreadPool, ThreadPoolBuildError>> = LazyLock::new(|| {
    let pool = ThreadPoolBuilder::new().num_threads(THREADS);
    pool.thread_name(|_| "report".to_owned()).build()
});

/// A thread that waits for a page would else begin another document, and come
/// back to the page when that is done.
static TURN: Mutex<()> = Mutex::new(());

/// Runs on the threads of reports, in turn, and drops there what is no longer
/// worth remembering.
fn in_turn<T: Send>(
    what: &'static str,
    work: impl FnOnce() -> Result<T, RenderError> + Send,
) -> Result<T, RenderError> {
    let press = PRESS.as_ref();
    let press = press.map_err(|error| RenderError::no_thread(what, error))?;
    // What one document's fault left behind is none of the next one's business.
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let done = press.install(work);
    drop(turn);
    press.spawn(|| comemo::evict(REMEMBERED));
    done
}

/// The report as PDF/UA-1 and PDF/A-2a.
///
/// # Errors
/// Where Typst finds fault with the template.
///
/// # Panics
/// Never: the two standards go together.
pub fn pdf(document: &Document, ident: String) -> Result<Vec<u8>, RenderError> {
    let standards = PdfStandards::new(&[PdfStandard::Ua_1, PdfStandard::A_2a])
        .expect("the two standards go together");
    let options = PdfOptions {
        ident: Smart::Custom(ident),
        creator: Smart::Custom(Some("Engagecast".to_owned())),
        timestamp: None,
        standards,
        ..PdfOptions::default()
    };
    let data = json!(document);
    in_turn("report", || {
        let pages = compile("report", Main::Report, data)?;
        typst_pdf::pdf(&pages, &options).map_err(|faults| RenderError::new("report", &faults))
    })
}

/// One exhibit's chart, with its title and description for those who don't see it.
///
/// # Errors
/// Where Typst finds fault with the template.
pub fn svg(exhibit: &Exhibit, language: &str) -> Result<String, RenderError> {
    let data = json!({"exhibit": exhibit, "language": language});
    let drawn = in_turn("chart", || {
        let pages = compile("chart", Main::Chart, data)?;
        Ok(typst_svg::svg(&pages.pages()[0], &SvgOptions::default()))
    })?;
    Ok(accessible(&drawn, exhibit, language))
}

fn compile(
    what: &'static str,
    main: Main,
    data: serde_json::Value,
) -> Result<PagedDocument, RenderError> {
    let sheet = Sheet::new(main, data);
    let compiled = typst::compile::<PagedDocument>(&sheet);
    compiled
        .output
        .map_err(|faults| RenderError::new(what, &faults))
}

/// Typst's SVG has outlines and no text: says what it shows.
fn accessible(svg: &str, exhibit: &Exhibit, language: &str) -> String {
    let Some((head, rest)) = svg.split_once('>') else {
        return svg.to_owned();
    };
    let (title, description) = (escaped(&exhibit.title), escaped(&exhibit.alt));
    format!(
        "{head} role=\"img\" aria-labelledby=\"chart-title chart-description\" lang=\"{}\">\
         <title id=\"chart-title\">{title}</title>\
         <desc id=\"chart-description\">{description}</desc>{rest}",
        escaped(language)
    )
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // What XML can't hold at all.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::Plan;
    use crate::facts::Facts;
    use crate::report::{About, Settings, report};
    use typst::layout::{Abs, Frame, FrameItem, Point};

    /// Where the footer begins, from the lower edge of a page.
    const FOOTER: f64 = 54.0;

    /// The lowest text or line of a frame, the footer's left out.
    fn lowest(frame: &Frame, at: Point, footer: Abs) -> Abs {
        let items = frame.items().map(|(offset, item)| {
            let here = at + *offset;
            match item {
                FrameItem::Group(group) => lowest(&group.frame, here, footer),
                FrameItem::Text(_) | FrameItem::Shape(..) if here.y < footer => here.y,
                _ => Abs::zero(),
            }
        });
        items.fold(Abs::zero(), Abs::max)
    }

    /// All texts of a frame: from where, to where, and how far down.
    fn texts(frame: &Frame, at: Point, found: &mut Vec<(Abs, Abs, Abs)>) {
        for (offset, item) in frame.items() {
            let here = at + *offset;
            match item {
                FrameItem::Group(group) => texts(&group.frame, here, found),
                FrameItem::Text(text) => found.push((here.x, here.x + text.width(), here.y)),
                _ => {}
            }
        }
    }

    /// The pages of a report on drawn customers.
    fn pages(customers: u64, name: &str) -> PagedDocument {
        let mut facts = Facts::default();
        let plan = Plan::new(customers, 7).unwrap();
        plan.generate(&|_| ())
            .unwrap()
            .for_each(|batch| facts.observe(&batch));
        let about = About {
            cohort_id: uuid::Uuid::nil(),
            name: name.into(),
            seed: Some(7),
            generator_version: "1".into(),
            created_at: chrono::DateTime::default(),
            model_version: None,
        };
        let document = report(&facts.published(), &[], &about, &Settings::default());
        compile("report", Main::Report, json!(document)).unwrap()
    }

    /// How far down each page is written on, 0 to 1.
    fn filled(customers: u64) -> Vec<f64> {
        let pages = pages(customers, "cohort");
        let fill = |page: &typst_layout::Page| {
            let footer = page.frame.height() - Abs::pt(FOOTER);
            lowest(&page.frame, Point::zero(), footer) / footer
        };
        pages.pages().iter().map(fill).collect()
    }

    #[test]
    fn no_name_is_too_wide_for_its_line() {
        const SIDE: f64 = 56.0;
        for sign in ["W", "数"] {
            let pages = pages(1_000, &sign.repeat(10_000));
            for page in pages.pages() {
                let mut found = Vec::new();
                texts(&page.frame, Point::zero(), &mut found);
                let edge = page.frame.width() - Abs::pt(SIDE);
                assert!(found.iter().all(|(_, to, _)| *to <= edge), "{sign}");
                // In the head of a page, one text ends before the next begins.
                found.retain(|(_, _, down)| *down < Abs::pt(50.0));
                found.sort_by_key(|text| text.0);
                let apart = |pair: &[(Abs, Abs, Abs)]| pair[0].1 <= pair[1].0 + Abs::pt(0.1);
                assert!(found.windows(2).all(apart), "{sign}: {found:?}");
            }
        }
    }

    #[test]
    fn no_page_but_the_last_is_left_half_empty() {
        for customers in [1_000, 5_000] {
            let filled = filled(customers);
            let (last, others) = filled.split_last().unwrap();
            assert!(others.iter().all(|part| *part > 0.88), "{filled:?}");
            assert!(*last > 0.3, "{filled:?}");
        }
    }
}
