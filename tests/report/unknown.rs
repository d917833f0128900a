//! What is said of a cohort that knows only some of it: nothing that its numbers
//! don't bear out.

use super::*;

/// What decided a finding.
fn told(document: &Document, id: &str) -> String {
    let json = serde_json::to_value(document).unwrap();
    let items = find(&json, "findings")["items"].as_array().unwrap();
    let found = items.iter().find(|f| f["id"] == id).unwrap();
    found["text"].as_str().unwrap().to_owned()
}

#[test]
fn what_sets_premium_apart_cannot_be_told_without_engagement() {
    let unscored = of_few(400, |_, row| row[column("engagement_score")] = None);
    assert_eq!(verdict(&json_of(&unscored), "premium-drivers"), "unknown");
    // Nothing but what premium unlocks.
    let mut facts = DRAWN.published();
    let drivers = &mut facts.revenue.premium_drivers;
    drivers.retain(|d| ["super_likes_used_week", "boosts_used_month"].contains(&d.column));
    assert_eq!(drivers.len(), 2);
    let document = report::report(&facts, &[], &about("perks"), &Settings::default());
    let text = told(&document, "premium-drivers");
    assert_eq!(verdict(&json_of(&document), "premium-drivers"), "unknown");
    assert!(text.contains("It takes the engagement scores"), "{text}");
}

#[test]
fn a_measure_of_a_few_is_not_what_sets_premium_apart() {
    let document = of_few(2_000, |i, row| {
        row[ACCOUNT] = Some(f64::from(u8::from(i % 2 == 0)));
        row[column("engagement_score")] = Some([0.7, 0.3, 0.8, 0.4][i % 4]);
        // Known of twenty: all of it on one side.
        let swipes = Some([90.0, 0.0, 91.0, 1.0][i % 4]).filter(|_| i < 20);
        row[column("swipes_right_day")] = swipes;
        row[column("swipes_left_day")] = swipes;
    });
    let text = told(&document, "premium-drivers");
    assert!(text.contains("differ most in engagement score"), "{text}");
    assert_eq!(verdict(&json_of(&document), "premium-drivers"), "holds");
}

/// Matches that come to two conversations of three, and what comes of these.
fn funnel(scheduled: Option<f64>, completed: Option<f64>) -> Document {
    of_few(400, |_, row| {
        row[column("swipes_right_day")] = Some(20.0);
        row[column("matches_per_day")] = Some(3.0);
        row[column("messages_sent_day")] = Some(10.0);
        row[column("messages_received_day")] = Some(10.0);
        row[column("avg_conversation_length")] = Some(10.0);
        row[column("dates_scheduled_month")] = scheduled;
        row[column("dates_completed_month")] = completed;
    })
}

#[test]
fn a_loss_is_the_largest_where_there_is_another_to_compare() {
    let alone = funnel(None, None);
    assert_eq!(verdict(&json_of(&alone), "funnel"), "unknown");
    assert!(!json_of(&alone).contains("the largest loss"));
    let compared = funnel(Some(50.0), None);
    assert_eq!(verdict(&json_of(&compared), "funnel"), "holds");
    assert!(headlines(&compared).contains("33% of matches become no conversation, the largest"));
}

#[test]
fn dates_without_messages_leave_the_step_before_them_unknown() {
    let document = of_few(400, |_, row| {
        row[column("messages_sent_day")] = None;
        row[column("messages_received_day")] = None;
        row[column("dates_scheduled_month")] = Some(4.0);
        row[column("dates_completed_month")] = Some(1.0);
    });
    assert_eq!(verdict(&json_of(&document), "funnel"), "unknown");
    assert!(!json_of(&document).contains("the largest loss"));
}

#[test]
fn where_more_go_on_than_came_nothing_is_lost() {
    let growing = |scheduled, completed| {
        of_few(400, move |_, row| {
            row[column("swipes_right_day")] = Some(20.0);
            row[column("matches_per_day")] = Some(1.0);
            row[column("messages_sent_day")] = Some(10.0);
            row[column("messages_received_day")] = Some(10.0);
            row[column("avg_conversation_length")] = Some(10.0);
            row[column("dates_scheduled_month")] = Some(scheduled);
            row[column("dates_completed_month")] = Some(completed);
        })
    };
    let nowhere = growing(70.0, 70.0);
    assert_eq!(verdict(&json_of(&nowhere), "funnel"), "unknown");
    assert!(told(&nowhere, "funnel").starts_with("No step after the match loses any"));
    assert!(!json_of(&nowhere).contains("the largest loss"));
    let later = growing(70.0, 35.0);
    assert_eq!(verdict(&json_of(&later), "funnel"), "fails");
    assert!(headlines(&later).contains("50% of agreed dates do not take place"));
}

#[test]
fn a_cohort_without_new_customers_is_not_of_one_tenure() {
    let of_tenures = |from: usize, to: usize| {
        let document = of_few(400, |i, row| {
            let months = u32::try_from(from + i % (to - from)).unwrap();
            row[column("tenure_months")] = Some(f64::from(months));
        });
        assert_eq!(verdict(&json_of(&document), "early-churn"), "unknown");
        told(&document, "early-churn")
    };
    assert_eq!(
        of_tenures(3, 40),
        "Nobody in their first three months has a known churn."
    );
    assert_eq!(
        of_tenures(0, 3),
        "Nobody after their first three months has a known churn."
    );
}

#[test]
fn ticks_are_evenly_spaced_in_what_they_say() {
    // One of thirteen leaves: 7.7% at most.
    let document = of_few(4_000, |i, row| {
        row[column("churn_30_day")] = Some(f64::from(u8::from(i % 13 == 0)));
        row[column("tenure_months")] = Some([1.0, 4.0, 8.0, 16.0, 30.0][i / 13 % 5]);
    });
    let json = serde_json::to_value(&document).unwrap();
    let exhibit = exhibit(&json, "churn-by-tenure");
    let ticks = exhibit["chart"]["axis"]["ticks"].as_array().unwrap();
    let ticks: Vec<_> = ticks.iter().map(|t| t["text"].as_str().unwrap()).collect();
    assert_eq!(ticks, ["0.0%", "2.5%", "5.0%", "7.5%", "10.0%"]);
}

/// An exhibit as it is drawn.
fn exhibit<'a>(document: &'a Value, id: &str) -> &'a Value {
    let sections = document["sections"].as_array().unwrap().iter();
    let blocks = sections.flat_map(|s| s["blocks"].as_array().unwrap());
    let mut exhibits = blocks.flat_map(|block| match &block["exhibits"] {
        Value::Array(pair) => pair.iter().collect(),
        _ => vec![&block["exhibit"]],
    });
    exhibits.find(|e| e["id"] == id).unwrap()
}

#[test]
fn creators_who_earn_nothing_are_said_to() {
    let alt_and_finding = |one_in: usize| {
        let document = of_few(600, |i, row| {
            row[CREATOR] = Some(1.0);
            row[EARNINGS] = Some(if i % one_in == 0 { 50.0 } else { 0.0 });
        });
        let json = json_of(&document);
        assert!(!json.contains("less than $0.00"), "{json}");
        let text = told(&document, "creator-concentration");
        assert!(
            text.contains(" At least half of them earn nothing."),
            "{text}"
        );
        let json = serde_json::to_value(&document).unwrap();
        exhibit(&json, "creator-earnings")["alt"].to_string()
    };
    let third = alt_and_finding(3);
    assert!(
        third.contains("At least half earn nothing, a tenth more than $"),
        "{third}"
    );
    let few = alt_and_finding(20);
    assert!(few.contains("At least nine of ten earn nothing."), "{few}");
}

/// The title of the box on the summary, where there is one.
fn for_decision(document: &Document) -> Option<String> {
    let json = serde_json::to_value(document).unwrap();
    let blocks = json["sections"][0]["blocks"].as_array().unwrap();
    let found = blocks.iter().find(|b| b["kind"] == "decision")?;
    Some(found["title"].as_str().unwrap().to_owned())
}

#[test]
fn only_what_promises_anything_is_worth_testing() {
    let bundle_alone = |of_both: f64, of_one: f64| {
        let facts = facts_of(cohort::cohort_with(2_000, 5, |i, row| {
            row[PLATFORM] = Some([0.0, 2.0][i % 2]);
            row[column("total_revenue_month_usd")] = Some([of_one, of_both][i % 2]);
            row[column("churn_30_day")] = Some(f64::from(u8::from(i / 2 % 4 == 0)));
        }));
        let mut facts = facts.published();
        facts.breakdowns.retain(|b| b.by[0] == "platform_primary");
        report::report(&facts, &[], &about("bundle"), &Settings::default())
    };
    let worth = bundle_alone(20.0, 10.0);
    assert_eq!(
        for_decision(&worth).unwrap(),
        "For decision: the one initiative worth testing"
    );
    assert!(json_of(&worth).contains("One of six initiatives by expected value a month"));
    assert_eq!(for_decision(&bundle_alone(10.0, 20.0)), None);
    assert!(
        for_decision(&drawn_named("cohort"))
            .unwrap()
            .contains("the three initiatives worth testing first")
    );
}

#[test]
fn the_change_that_a_test_would_see_is_not_rounded_to_the_assumed_one() {
    let mut settings = Settings::default();
    settings.set("bundle", "0.1").unwrap();
    let document = report::report(&DRAWN.published(), &[], &about("c"), &settings);
    let shown = initiative(&document, "bundle");
    let experiment = part(&shown, "Experiment");
    let (_, change) = experiment.split_once("the effect of a change of ").unwrap();
    let (change, _) = change.split_once('%').unwrap();
    assert!(change.contains('.'), "{experiment}");
}

/// A thousand customers of whom the first so many have a revenue of $10.
fn revenue_of(known: usize) -> Document {
    of_few(1_000, |i, row| {
        let revenue = Some(10.0).filter(|_| i < known);
        row[column("total_revenue_month_usd")] = revenue;
        row[column("monthly_subscription_usd")] = revenue.map(|all| 0.4 * all);
        row[column("iap_spending_month_usd")] = revenue.map(|all| 0.4 * all);
        row[column("ad_revenue_generated_month_usd")] = revenue.map(|all| 0.2 * all);
    })
}

#[test]
fn a_total_of_some_is_said_to_be_theirs() {
    let some = revenue_of(500);
    let json = json_of(&some);
    for said in [
        "The 500 of 1,000 customers whose revenue is known bring in $5,000 a month, $10.00 each.",
        "The 500 of 1,000 customers whose revenue is known bring in $5,000 a month.",
        "Subscriptions bring $2,000 a month (40%), known of 500 customers.",
        "$10.00 each, known of 500 customers",
        "revenue of the month, known of 500.",
        "score below 0.3 in engagement; they bring $10.00 a month each and ",
    ] {
        assert!(json.contains(said), "{said}: {json}");
    }
    assert!(headlines(&some).contains("$5.00k a month from 500 customers, of which"));
    let one = json_of(&revenue_of(1));
    assert!(one.contains("The 1 of 1,000 customers whose revenue is known brings in $10.00"));
    let all = json_of(&revenue_of(1_000));
    assert!(all.contains("1,000 customers bring in $10,000 a month, $10.00 each."));
    assert!(all.contains("The cohort brings in $10,000 a month."));
    assert!(!all.contains("known of") && !all.contains("from 1,000 customers"));
    pdf_of(&some);
}

#[test]
fn a_value_that_is_known_of_a_few_is_not_compared() {
    let with = |known: usize| {
        let document = of_few(2_000, |i, row| {
            let both = i % 2 == 1;
            row[PLATFORM] = Some([0.0, 2.0][i % 2]);
            // Of those of both platforms, so many have a revenue.
            let unknown = both && i / 2 >= known;
            row[column("total_revenue_month_usd")] = (!unknown).then_some([10.0, 50.0][i % 2]);
        });
        initiative(&document, "bundle")
    };
    let few = with(1);
    assert_eq!(few["range"], "not valued");
    assert!(part(&few, "Evidence").contains("of at least 30 customers on either side"));
    assert_ne!(with(200)["range"], "not valued");
}

#[test]
fn a_subscription_that_is_known_of_one_is_no_price() {
    let with = |known: usize| {
        let document = of_few(2_000, |i, row| {
            let premium = i % 2 == 0;
            row[ACCOUNT] = Some(f64::from(u8::from(premium)));
            let fee = Some(if premium { 10.0 } else { 0.0 });
            row[column("monthly_subscription_usd")] = fee.filter(|_| i < known);
        });
        initiative(&document, "stories-to-premium")
    };
    assert_eq!(with(1)["range"], "not valued");
    assert_ne!(with(2_000)["range"], "not valued");
}

#[test]
fn a_measure_that_a_platform_lacks_is_drawn_of_the_others() {
    let document = of_few(600, |i, row| {
        row[PLATFORM] = Some([0.0, 1.0, 2.0][i % 3]);
        for dating in ["swipes_right_day", "swipes_left_day", "matches_per_day"] {
            row[column(dating)] = row[column(dating)].filter(|_| i % 3 != 0);
        }
        for social in ["stories_viewed_day", "reels_watched_day"] {
            row[column(social)] = row[column(social)].filter(|_| i % 3 != 1);
        }
    });
    let json = serde_json::to_value(&document).unwrap();
    let activity = exhibit(&json, "platform-activity");
    let panels = activity["chart"]["panels"].as_array().unwrap();
    let bars = |name: &str| {
        let panel = panels.iter().find(|p| p["name"] == name).unwrap();
        let bars = panel["bars"].as_array().unwrap().iter();
        bars.map(|b| b["tone"].as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(bars("Swipes"), ["amber", "teal"]);
    assert_eq!(bars("Stories viewed"), ["navy", "teal"]);
    assert_eq!(bars("App opens"), ["navy", "amber", "teal"]);
    let alt = activity["alt"].as_str().unwrap();
    assert!(alt.contains("Swipes, a day: Dating "), "{alt}");
    assert!(
        alt.contains("Stories viewed, a day: Social media "),
        "{alt}"
    );
    pdf_of(&document);
}

#[test]
fn platforms_of_which_no_two_share_a_measure_are_not_drawn() {
    let document = of_few(600, |_, row| row[PLATFORM] = Some(1.0));
    assert!(left_out(&document).contains(&"platform-activity"));
    let why = document
        .left_out
        .iter()
        .find(|l| l.id == "platform-activity");
    assert!(why.unwrap().why.contains("known of two platforms"));
}
