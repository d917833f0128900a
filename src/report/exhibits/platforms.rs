//! Use of the social and of the dating side, side by side.

use super::Drawn;
use crate::facts::published::Group;
use crate::report::axis::place;
use crate::report::document::{Bar, Chart, Key, Panel, Tone};
use crate::report::story::{Story, platform};

/// Measures of use: column, name, unit.
const MEASURES: &[(&str, &str, &str)] = &[
    ("stories_viewed_day", "Stories viewed", "a day"),
    ("reels_watched_day", "Reels watched", "a day"),
    ("video_watch_hours_week", "Video watched", "hours a week"),
    ("feed_time_minutes_day", "Time in the feed", "minutes a day"),
    ("swipes_day", "Swipes", "a day"),
    ("matches_per_day", "Matches", "a day"),
    ("messages_day", "Messages", "a day, both ways"),
    ("app_opens_day", "App opens", "a day"),
];

const TONES: [Tone; 3] = [Tone::Navy, Tone::Amber, Tone::Teal];

pub fn activity(story: &Story) -> Option<Drawn> {
    let groups: Vec<(&Group, Tone)> = story
        .groups(&["platform_primary"])
        .iter()
        .zip(TONES)
        .filter(|(group, _)| group.customers > 0)
        .collect();
    let panels: Vec<Panel> = MEASURES
        .iter()
        .filter_map(|measure| panel(story, &groups, measure))
        .collect();
    // Of one platform alone there is nothing to see side by side.
    if panels.iter().all(|panel| panel.bars.len() < 2) {
        return None;
    }
    let drawn = |tone: Tone| panels.iter().flat_map(|p| &p.bars).any(|b| b.tone == tone);
    let legend = groups.iter().filter(|(_, tone)| drawn(*tone));
    let legend: Vec<Key> = legend
        .map(|(group, tone)| Key {
            text: platform(&group.labels[0]).to_owned(),
            tone: *tone,
        })
        .collect();
    let described: Vec<String> = panels.iter().map(|p| describe(p, &legend)).collect();
    Some(Drawn {
        title: title(story, &groups),
        alt: format!("Bars by primary platform. {}.", described.join(". ")),
        source: story.source("means per customer, each measure on a scale of its own"),
        chart: Chart::Multiples { legend, panels },
    })
}

/// The bars of the platforms that have the measure.
fn panel(
    story: &Story,
    groups: &[(&Group, Tone)],
    (column, name, unit): &(&str, &str, &str),
) -> Option<Panel> {
    let means: Vec<(f64, Tone)> = groups
        .iter()
        .filter_map(|(group, tone)| Some((group.mean(column)?, *tone)))
        .collect();
    let most = means.iter().map(|m| m.0).fold(0.0, f64::max);
    let bars = means.into_iter().map(|(mean, tone)| Bar {
        at: if most > 0.0 { place(mean / most) } else { 0.0 },
        text: story.say.rate(mean),
        tone,
    });
    (bars.len() > 0).then(|| Panel {
        name: (*name).to_owned(),
        unit: (*unit).to_owned(),
        bars: bars.collect(),
    })
}

fn describe(panel: &Panel, legend: &[Key]) -> String {
    let named = |bar: &Bar| {
        let platform = legend.iter().find(|key| key.tone == bar.tone)?;
        Some(format!("{} {}", platform.text, bar.text))
    };
    let values: Vec<String> = panel.bars.iter().filter_map(named).collect();
    format!("{}, {}: {}", panel.name, panel.unit, values.join(", "))
}

/// How the customers of both compare with those of one.
fn title(story: &Story, groups: &[(&Group, Tone)]) -> String {
    let find = |label: &str| groups.iter().map(|g| g.0).find(|g| g.labels[0] == label);
    let kept = |specialist: &str, measure: &str| {
        let of_both = find("Both")?.mean(measure)?;
        let of_one = find(specialist)?.mean(measure).filter(|m| *m > 0.0)?;
        Some(story.say.share(of_both / of_one, 0))
    };
    let social = kept("Social_Media", "reels_watched_day");
    match (social, kept("Dating", "swipes_day")) {
        (Some(social), Some(dating)) => {
            format!("On both platforms: {social} of a specialist’s reels, {dating} of the swipes")
        }
        _ => "Activity by primary platform".to_owned(),
    }
}
