//! The executive report, from the facts to the pages.

mod unknown;

use std::sync::LazyLock;

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use engagecast::cohort::Plan;
use engagecast::facts::Facts;
use engagecast::models::Target;
use engagecast::report::{self, About, Document, Settings, Verdict};
use engagecast::schema::column;
use lopdf::{Dictionary, Document as Pdf, Object};
use serde_json::Value;
use uuid::Uuid;

use crate::support::cohort::{self, Row};
use crate::support::trained;

const PLATFORM: usize = column("platform_primary");
const CREATOR: usize = column("is_creator");
const EARNINGS: usize = column("creator_earnings_month_usd");
const ACCOUNT: usize = column("account_type");
const TIER: usize = column("premium_tier");

fn facts_of(batches: impl IntoIterator<Item = RecordBatch>) -> Facts {
    let mut facts = Facts::default();
    batches.into_iter().for_each(|batch| facts.observe(&batch));
    facts
}

fn about(name: &str) -> About {
    About {
        cohort_id: Uuid::nil(),
        name: name.to_owned(),
        seed: Some(7),
        generator_version: "1".to_owned(),
        created_at: DateTime::<Utc>::from_timestamp(1_761_004_800, 0).unwrap(),
        model_version: None,
    }
}

/// Facts of customers as the generator draws them.
static DRAWN: LazyLock<Facts> =
    LazyLock::new(|| facts_of(Plan::new(3_000, 7).unwrap().generate(&|_| ()).unwrap()));

fn drawn_named(name: &str) -> Document {
    report::report(&DRAWN.published(), &[], &about(name), &Settings::default())
}

/// The report on a few customers, each changed before it is counted.
fn of_few(rows: usize, change: impl FnMut(usize, &mut Row)) -> Document {
    let facts = facts_of(cohort::cohort_with(rows, 5, change));
    report::report(&facts.published(), &[], &about("few"), &Settings::default())
}

fn pdf_of(document: &Document) -> Vec<u8> {
    report::pdf(document, "ident".to_owned()).unwrap()
}

/// All text of all pages, its white space made one blank.
fn text_of(pdf: &[u8]) -> String {
    let pdf = Pdf::load_mem(pdf).unwrap();
    let pages: Vec<u32> = pdf.get_pages().keys().copied().collect();
    let text = pdf.extract_text(&pages).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn left_out(document: &Document) -> Vec<&str> {
    document.left_out.iter().map(|l| l.id).collect()
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    let document = drawn_named("cohort");
    assert_eq!(pdf_of(&document), pdf_of(&document));
    let again = facts_of(Plan::new(3_000, 7).unwrap().generate(&|_| ()).unwrap());
    let again = report::report(
        &again.published(),
        &[],
        &about("cohort"),
        &Settings::default(),
    );
    assert_eq!(pdf_of(&again), pdf_of(&document));
}

#[test]
fn the_pages_say_every_published_statistic() {
    let document = drawn_named("cohort");
    // Cells of the table as they are written, which unit tests hold to the values.
    let json = serde_json::to_value(&document).unwrap();
    let tables = find(&json, "tables");
    let cells: Vec<&str> = tables["tables"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|t| t["rows"].as_array().unwrap())
        .map(|row| row[1].as_str().unwrap())
        .collect();
    let known = DRAWN
        .statistics()
        .iter()
        .filter(|s| s.value.is_some())
        .count();
    assert_eq!(cells.len(), known);
    let text = text_of(&pdf_of(&document));
    for cell in cells {
        assert!(text.contains(cell), "{cell} is not in the pages");
    }
}

fn find<'a>(json: &'a Value, kind: &str) -> &'a Value {
    let blocks = json["sections"].as_array().unwrap().iter();
    let mut blocks = blocks.flat_map(|s| s["blocks"].as_array().unwrap());
    blocks.find(|b| b["kind"] == kind).unwrap()
}

#[test]
fn numbers_are_those_of_the_facts() {
    let document = drawn_named("cohort");
    let facts = DRAWN.published();
    let text = text_of(&pdf_of(&document));
    let churn = format!("{:.1}%", facts.executive.churn_rate_pct.unwrap());
    let ltv = format!("${:.2}", facts.executive.avg_ltv_usd.unwrap());
    let premium = format!("{:.1}%", facts.executive.premium_pct.unwrap());
    for number in [churn, ltv, premium] {
        assert!(text.contains(&number), "{number}");
    }
}

#[test]
fn the_pdf_has_bookmarks_a_language_and_a_title() {
    let pdf = Pdf::load_mem(&pdf_of(&drawn_named("cohort"))).unwrap();
    let catalog = pdf.catalog().unwrap();
    assert_eq!(catalog.get(b"Lang").unwrap().as_str().unwrap(), b"en");
    assert!(catalog.get(b"StructTreeRoot").is_ok());
    let outline = catalog.get(b"Outlines").unwrap();
    let outline = pdf.dereference(outline).unwrap().1.as_dict().unwrap();
    let mut bookmarks = 0;
    let mut next = outline.get(b"First").ok().cloned();
    while let Some(reference) = next {
        bookmarks += 1;
        let item = pdf.dereference(&reference).unwrap().1.as_dict().unwrap();
        next = item.get(b"Next").ok().cloned();
    }
    assert_eq!(bookmarks, 7, "one for each section");
    let pages = pdf.get_pages().len();
    assert!((6..=14).contains(&pages), "{pages} pages");
}

/// The structure elements of a PDF, by type.
fn elements(pdf: &Pdf) -> Vec<(String, Dictionary)> {
    let dictionaries = pdf.objects.values().filter_map(|o| o.as_dict().ok());
    dictionaries
        .filter_map(|d| {
            let kind = d.get(b"S").ok()?.as_name().ok()?;
            d.get(b"P").ok()?;
            Some((String::from_utf8_lossy(kind).into_owned(), d.clone()))
        })
        .collect()
}

#[test]
fn every_figure_has_alternative_text_and_every_table_a_header() {
    let document = drawn_named("cohort");
    let pdf = Pdf::load_mem(&pdf_of(&document)).unwrap();
    let elements = elements(&pdf);
    let with_alt =
        |d: &Dictionary| matches!(d.get(b"Alt"), Ok(Object::String(text, _)) if !text.is_empty());
    let figures = elements.iter().filter(|(kind, _)| kind == "Figure");
    let figures: Vec<_> = figures.collect();
    assert!(
        figures.len() >= document.exhibits().count(),
        "{}",
        figures.len()
    );
    assert!(figures.iter().all(|(_, d)| with_alt(d)));
    let count = |wanted: &str| elements.iter().filter(|(kind, _)| kind == wanted).count();
    assert!(count("Table") > 0);
    assert!(
        count("TH") >= 2 * count("Table"),
        "each has a header of two columns or more"
    );
}

#[test]
fn every_chart_is_an_image_with_a_title_and_a_description() {
    let document = drawn_named("<&> \"cohort\"");
    assert!(document.exhibits().count() >= 9);
    for exhibit in document.exhibits() {
        let svg = report::svg(exhibit, &document.language).unwrap();
        let svg = roxmltree::Document::parse(&svg).unwrap();
        let root = svg.root_element();
        assert_eq!(root.attribute("role"), Some("img"));
        let text = |tag: &str| {
            let found = root
                .children()
                .find(|n| n.has_tag_name(("http://www.w3.org/2000/svg", tag)));
            found.unwrap().text().unwrap().to_owned()
        };
        assert_eq!(text("title"), exhibit.title);
        assert_eq!(text("desc"), exhibit.alt);
    }
}

#[test]
fn no_name_can_break_or_enter_a_report() {
    let long = "x".repeat(10_000);
    let names = [
        "📈 数据 عملاء עברית",
        "#panic(\"\") $x^2$ *bold* _it_ @ref <label> // it",
        "\\u{0} \" ' ] } ) #import \"@preview/x:1.0.0\"",
        "line\nbreak\u{202e}\u{0}\u{7}",
        "",
        "\u{200b} \n",
        &long,
    ];
    for name in names {
        let document = drawn_named(name);
        let text = text_of(&pdf_of(&document));
        assert!(text.contains("Customer engagement report"));
        assert!(!text.contains("Source: ,"), "{name:?} is called something");
        if name.contains("*bold*") {
            assert!(
                text.contains("*bold* _it_ @ref <label> // it"),
                "it is text"
            );
        }
        for exhibit in document.exhibits().take(1) {
            report::svg(exhibit, "en").unwrap();
        }
    }
}

#[test]
fn a_cohort_of_one_has_a_report() {
    let document = of_few(1, |_, _| ());
    let text = text_of(&pdf_of(&document));
    assert!(text.contains("1 customer "), "{text}");
    assert!(!text.contains("NaN") && !text.contains("inf"));
    assert!(left_out(&document).contains(&"churn-by-tenure"));
    let headlines = headlines(&document);
    assert!(headlines.starts_with("What is known of 1 customer"));
    assert!(
        !headlines.contains("leave") && !headlines.contains("loss"),
        "one is no share: {headlines}"
    );
    for finding in ["funnel", "show-up"] {
        assert_eq!(verdict(&json_of(&document), finding), "unknown");
    }
}

#[test]
fn a_cohort_of_nobody_has_a_report() {
    let facts = Facts::default().published();
    let document = report::report(&facts, &[], &about("empty"), &Settings::default());
    let text = text_of(&pdf_of(&document));
    assert!(text.contains("0 customers"));
    assert_eq!(document.exhibits().count(), 0);
    assert_eq!(left_out(&document).len(), report::chart_ids().count());
}

#[test]
fn a_cohort_of_one_platform_says_nothing_of_the_other() {
    let document = of_few(400, |_, row| row[PLATFORM] = Some(0.0));
    let json = serde_json::to_string(&document).unwrap();
    assert!(!json.contains("Both platforms"), "nobody uses both");
    assert!(verdict(&json, "cross-platform") == "unknown");
    pdf_of(&document);
}

fn verdict(json: &str, id: &str) -> String {
    let json: Value = serde_json::from_str(json).unwrap();
    let findings = find(&json, "findings");
    let items = findings["items"].as_array().unwrap();
    let found = items.iter().find(|f| f["id"] == id).unwrap();
    found["verdict"].as_str().unwrap().to_owned()
}

#[test]
fn a_cohort_without_creators_or_premium_says_so() {
    let document = of_few(400, |_, row| {
        row[CREATOR] = Some(0.0);
        row[EARNINGS] = Some(0.0);
        row[ACCOUNT] = Some(0.0);
        row[TIER] = Some(0.0);
    });
    let left_out = left_out(&document);
    assert!(left_out.contains(&"creator-earnings") && left_out.contains(&"views-and-earnings"));
    let text = text_of(&pdf_of(&document));
    assert!(text.contains("There is no creator in this cohort"));
    assert!(
        text.contains("not valued"),
        "the premium initiative has nothing to go by"
    );
}

#[test]
fn exhibits_without_their_columns_are_left_out_and_listed() {
    let document = of_few(400, |_, row| {
        row[PLATFORM] = None;
        row[column("churn_30_day")] = None;
        row[column("total_revenue_month_usd")] = None;
    });
    let left_out = left_out(&document);
    for id in [
        "platform-activity",
        "churn-by-tenure",
        "revenue-mix",
        "revenue-by-engagement",
    ] {
        assert!(left_out.contains(&id), "{id}: {left_out:?}");
    }
    let text = text_of(&pdf_of(&document));
    assert!(text.contains("no customer has a value in platform_primary"));
    assert!(document.exhibits().all(|e| !left_out.contains(&e.id)));
}

#[test]
fn a_source_is_the_largest_only_where_all_are_known() {
    let document = of_few(400, |i, row| {
        row[column("video_watch_hours_week")] = Some([1.0, 5.0][i % 2]);
        row[column("monthly_subscription_usd")] = None;
        row[column("ad_revenue_generated_month_usd")] = None;
        let all = row[column("total_revenue_month_usd")];
        row[column("iap_spending_month_usd")] = all.map(|all| all / 3.0);
        row[column("engagement_score")] = None;
    });
    let json = json_of(&document);
    assert!(json.contains("In-app purchases bring "));
    assert!(!json.contains("largest source") && !json.contains("dominates"));
    let video = initiative(&document, "video");
    assert!(part(&video, "Effect").contains("revenue from ads is not known"));
    assert!(
        part(&video, "Experiment").contains("kept revenue a month per customer offered"),
        "there is no engagement to look at"
    );
}

#[test]
fn more_conversations_than_matches_are_no_share_of_them() {
    let document = of_few(400, |_, row| {
        row[column("swipes_right_day")] = Some(20.0);
        row[column("matches_per_day")] = Some(0.1);
        row[column("messages_sent_day")] = Some(10.0);
        row[column("messages_received_day")] = Some(10.0);
        row[column("avg_conversation_length")] = Some(10.0);
    });
    let funnel = document.exhibits().find(|e| e.id == "dating-funnel");
    let drawn = serde_json::to_string(funnel.unwrap()).unwrap();
    assert!(
        drawn.contains("more, since older ones go on as well"),
        "{drawn}"
    );
    assert!(!drawn.contains("2000.0%") && !drawn.contains("2,000.0%"));
}

#[test]
fn customers_who_were_not_observed_at_a_known_time_are_said_to_be_stored() {
    let observed = of_few(40, |_, _| ()).description;
    assert!(observed.contains("observed on "), "{observed}");
    let stored = of_few(40, |_, row| row[column("data_generated_at")] = None);
    assert!(stored.cohort.line.contains("stored on October 21, 2025"));
}

#[test]
fn the_wording_follows_the_data() {
    // Churn is highest in the oldest here, and the young stay.
    let old = |row: &Row| row[column("tenure_months")].unwrap() >= 24.0;
    let document = of_few(2_000, |i, row| {
        row[column("churn_30_day")] = Some(f64::from(u8::from(old(row) && i % 4 != 0)));
    });
    let json = serde_json::to_string(&document).unwrap();
    assert_eq!(verdict(&json, "early-churn"), "fails");
    assert!(json.contains("Churn is highest at 24+ months"));
    assert!(!json.contains("The first three months are"));
}

fn headlines(document: &Document) -> String {
    let sections = serde_json::to_value(document).unwrap()["sections"].clone();
    let sections = sections.as_array().unwrap().iter();
    let all: Vec<&str> = sections.map(|s| s["headline"].as_str().unwrap()).collect();
    all.join(" | ")
}

fn json_of(document: &Document) -> String {
    serde_json::to_string(document).unwrap()
}

#[test]
fn churn_that_does_not_depend_on_tenure_is_said_not_to() {
    // Every other customer of each tenure leaves.
    let mut leaves = [false; 5];
    let document = of_few(4_000, |_, row| {
        let tenure = row[column("tenure_months")].unwrap();
        let band = [3.0, 6.0, 12.0, 24.0]
            .iter()
            .filter(|from| tenure >= **from);
        let leaves = &mut leaves[band.count()];
        *leaves = !*leaves;
        row[column("churn_30_day")] = Some(f64::from(u8::from(*leaves)));
    });
    let json = json_of(&document);
    assert_eq!(verdict(&json, "early-churn"), "fails");
    assert!(
        headlines(&document)
            .contains("50% of customers leave within 30 days, whatever their tenure")
    );
    assert!(json.contains("Churn hardly depends on tenure"));
    assert!(!json.contains("riskiest"));
}

#[test]
fn the_largest_loss_is_where_it_is() {
    // Whoever matches writes, and half of what is agreed is kept: no conversation
    // is lost, most dates are.
    let document = of_few(1_000, |_, row| {
        row[column("swipes_right_day")] = Some(20.0);
        row[column("matches_per_day")] = Some(2.0);
        row[column("messages_sent_day")] = Some(10.0);
        row[column("messages_received_day")] = Some(10.0);
        row[column("avg_conversation_length")] = Some(10.0);
        row[column("dates_scheduled_month")] = Some(12.0);
        row[column("dates_completed_month")] = Some(1.0);
    });
    let json = json_of(&document);
    assert_eq!(verdict(&json, "funnel"), "fails");
    assert!(
        headlines(&document).contains("92% of agreed dates do not take place, the largest loss"),
        "{}",
        headlines(&document)
    );
    assert!(json.contains("the largest loss is before the date takes place: 91.7%"));
}

#[test]
fn a_lift_below_one_is_no_lift() {
    let document = of_few(2_000, |i, row| {
        row[PLATFORM] = Some(if i % 2 == 0 { 2.0 } else { 0.0 });
        let varied = f64::from(u8::from(i % 4 < 2));
        row[column("lifetime_value_usd")] = Some(if i % 2 == 0 { 60.0 } else { 100.0 } + varied);
        row[column("total_revenue_month_usd")] = Some(if i % 2 == 0 { 6.0 } else { 10.0 });
    });
    let json = json_of(&document);
    assert_eq!(verdict(&json, "cross-platform"), "fails");
    assert!(json.contains("0.60 times as much"), "{json}");
    let bundle = initiative(&document, "bundle");
    assert_eq!(bundle["priority"], "P3", "{bundle}");
    assert!(
        bundle["range"].as_str().unwrap().starts_with('−'),
        "{bundle}"
    );
}

#[test]
fn premium_without_a_cause_is_given_none() {
    let mut engaged = 0.0;
    let document = of_few(2_000, |i, row| {
        row[ACCOUNT] = Some(f64::from(u8::from(i % 4 == 0)));
        // The same scores in the same order for premium and free.
        if i % 4 == 0 {
            engaged = row[column("engagement_score")].unwrap();
        }
        row[column("engagement_score")] = Some(engaged);
    });
    let json = json_of(&document);
    assert_eq!(verdict(&json, "premium-drivers"), "fails");
    assert!(json.contains("engagement explains 0% of who is premium"));
}

#[test]
fn one_of_something_is_singular() {
    let document = drawn_named("cohort");
    let tally = find(&serde_json::to_value(&document).unwrap(), "so_what")["texts"][0].clone();
    let tally = tally.as_str().unwrap();
    assert!(
        tally.contains("hold") && !tally.contains("1 do not"),
        "{tally}"
    );
    let one = json_of(&of_few(1, |_, _| ()));
    assert!(
        !one.contains("1 customers") && !one.contains(" 1 do "),
        "{one}"
    );
}

/// An initiative as it is shown.
fn initiative(document: &Document, id: &str) -> Value {
    let json = serde_json::to_value(document).unwrap();
    let sections = json["sections"].as_array().unwrap().iter();
    let mut blocks = sections.flat_map(|s| s["blocks"].as_array().unwrap());
    let found = blocks.find(|b| b["kind"] == "initiative" && b["id"] == id);
    found.unwrap().clone()
}

fn part<'a>(initiative: &'a Value, name: &str) -> &'a str {
    let parts = initiative["parts"].as_array().unwrap();
    let part = parts.iter().find(|p| p["name"] == name).unwrap();
    part["text"].as_str().unwrap()
}

/// Rows of the table of initiatives: name, then cells.
fn overview(document: &Document) -> Vec<Vec<String>> {
    let json = serde_json::to_value(document).unwrap();
    let sections = json["sections"].as_array().unwrap().iter();
    let mut blocks = sections.flat_map(|s| s["blocks"].as_array().unwrap());
    let table = blocks.find(|b| {
        b["title"]
            .as_str()
            .is_some_and(|t| t.starts_with("Six initiatives"))
    });
    serde_json::from_value(table.unwrap()["rows"].clone()).unwrap()
}

/// `$1.3k` as a number.
fn dollars(text: &str) -> f64 {
    let digits: String = text
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    let size: f64 = digits.parse().unwrap();
    let unit = match text.chars().last() {
        Some('k') => 1e3,
        Some('M') => 1e6,
        _ => 1.0,
    };
    if text.starts_with('−') {
        -size * unit
    } else {
        size * unit
    }
}

#[test]
fn initiatives_stand_in_the_order_of_their_base_within_their_range() {
    let document = drawn_named("cohort");
    let rows = overview(&document);
    assert_eq!(rows.len(), 6);
    let priorities: Vec<&str> = rows.iter().map(|row| &row[0][..2]).collect();
    assert_eq!(priorities, ["P1", "P1", "P2", "P2", "P3", "P3"]);
    let bases: Vec<f64> = rows.iter().map(|row| dollars(&row[4])).collect();
    assert!(bases.is_sorted_by(|a, b| a >= b), "{bases:?}");
    for row in &rows {
        let (low, base, high) = (dollars(&row[3]), dollars(&row[4]), dollars(&row[5]));
        assert!(low < base && base < high, "{row:?}");
    }
    for id in report::LEVERS.map(|lever| lever.id) {
        let shown = initiative(&document, id);
        for name in ["Evidence", "Lever", "Effect", "Falsified if", "Experiment"] {
            assert!(part(&shown, name).len() > 40, "{id}: {name}");
        }
    }
}

#[test]
fn kept_revenue_is_that_of_the_customers_who_stay() {
    // On either side half of the customers leave, and these bring least.
    let document = of_few(2_000, |i, row| {
        let stays = i % 2 == 0;
        row[PLATFORM] = Some([0.0, 2.0][i / 2 % 2]);
        row[column("churn_30_day")] = Some(f64::from(u8::from(!stays)));
        row[column("total_revenue_month_usd")] = Some(if stays { 20.0 } else { 4.0 });
    });
    let bundle = initiative(&document, "bundle");
    let evidence = part(&bundle, "Evidence");
    assert!(
        evidence
            .contains("Kept revenue is $10.00 a month for a customer of both platforms, $10.00"),
        "{evidence}"
    );
    let json = json_of(&document);
    assert!(
        json.contains(
            "Customers who leave within 30 days bring $4.00k of the $24.0k a month, 17%."
        ),
        "{json}"
    );
}

#[test]
fn where_nobody_is_known_to_leave_all_revenue_counts_as_kept_and_is_said_to() {
    let document = of_few(2_000, |_, row| row[column("churn_30_day")] = None);
    let json = json_of(&document);
    assert!(json.contains("all of the month’s revenue, since it is not known who leaves"));
    assert!(!json.contains("Customers who leave within 30 days bring"));
}

#[test]
fn a_small_cohort_has_wider_ranges_than_a_large_one() {
    let width = |rows: u64| {
        let facts = facts_of(Plan::new(rows, 7).unwrap().generate(&|_| ()).unwrap());
        let mut settings = Settings::default();
        settings.set("customers", "1000000").unwrap();
        let document = report::report(&facts.published(), &[], &about("c"), &settings);
        let rows = overview(&document);
        let row = rows
            .iter()
            .find(|r| r[0].ends_with("Improve match quality"))
            .unwrap();
        dollars(&row[5]) - dollars(&row[3])
    };
    assert!(width(1_000) > 1.5 * width(20_000));
}

#[test]
fn a_test_for_which_there_are_too_few_customers_says_so() {
    let small = drawn_named("cohort");
    let experiment = initiative(&small, "creators");
    let experiment = part(&experiment, "Experiment");
    assert!(
        experiment.contains("There are") && experiment.contains("who would show $"),
        "{experiment}"
    );
    let mut settings = Settings::default();
    settings.set("customers", "1000000000").unwrap();
    let large = report::report(&DRAWN.published(), &[], &about("c"), &settings);
    let enough = initiative(&large, "creators");
    assert!(!part(&enough, "Experiment").contains("There are"));
}

#[test]
fn the_models_cards_are_shown() {
    let cards = [trained::model(Target::Churn).card()];
    let document = report::report(
        &DRAWN.published(),
        &cards,
        &about("c"),
        &Settings::default(),
    );
    let shown: Vec<_> = document.exhibits().map(|e| e.id).collect();
    assert!(shown.contains(&"churn-lift") && shown.contains(&"churn-calibration"));
    assert!(left_out(&document).contains(&"ltv-calibration"));
    let lift = document.exhibits().find(|e| e.id == "churn-lift").unwrap();
    let learnt_from = &cards[0].source.cohort_name;
    assert!(
        lift.source.starts_with(&format!("Source: {learnt_from}, ")),
        "they are not the customers of the report: {}",
        lift.source
    );
    pdf_of(&document);
}

#[test]
fn an_assumption_that_doubles_doubles_the_effect() {
    let moved = |change: &str| {
        let mut settings = Settings::default();
        settings.set("bundle", change).unwrap();
        let document = report::report(&DRAWN.published(), &[], &about("c"), &settings);
        let rows = overview(&document);
        let row = rows
            .iter()
            .find(|r| r[0].ends_with("Bundle both platforms"));
        row.unwrap()[2].replace(',', "").parse::<f64>().unwrap()
    };
    let (once, twice) = (moved("5"), moved("10"));
    assert!((twice / once - 2.0).abs() < 0.02, "{once} {twice}");
}

#[test]
fn a_locale_changes_how_numbers_look() {
    let mut settings = Settings::default();
    settings.set("locale", "de-DE").unwrap();
    settings.set("currency", "EUR").unwrap();
    let document = report::report(&DRAWN.published(), &[], &about("c"), &settings);
    let text = text_of(&pdf_of(&document));
    assert!(text.contains("3.000"), "3,000 customers");
    assert!(text.contains('€') && !text.contains('$'));
}

#[test]
fn a_finding_that_cannot_be_told_is_no_failure() {
    let document = of_few(10, |_, _| ());
    let json = serde_json::to_value(&document).unwrap();
    let findings = find(&json, "findings")["items"].as_array().unwrap();
    let unknown = serde_json::to_value(Verdict::Unknown).unwrap();
    assert!(findings.iter().filter(|f| f["verdict"] == unknown).count() >= 5);
}
