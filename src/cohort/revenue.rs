//! Stage 7: what the customer brings in, this month and since sign-up. Amounts
//! are whole cents until they are stored as dollars.

use super::block::Row;
use super::constants::constant;
use super::draft::Draft;
use super::engagement::engagement_z;
use super::identity::by_code;
use super::math::{self, cents, exp, ln_1p};
use super::spec::{Aim, statistic};
use super::variables::*;

const ADS: usize = statistic("ads_usd");
/// The stores' lowest price, USD, and in cents.
const FLOOR_PRICE: f64 = 0.99;
const FLOOR_CENTS: f64 = 99.0;

/// Mean lifetime value, USD, and its ratio for customers of both platforms.
const LTV: Aim = Aim::at("avg_ltv_usd");
const LTV_LIFT: usize = statistic("ltv_lift_both_platforms");

/// What the stage leaves to the file.
const OUTPUTS: [usize; 6] = [
    IAP,
    AD_REVENUE,
    TOTAL_REVENUE,
    LIFETIME_VALUE,
    TRANSACTIONS,
    TRANSACTION_VALUE,
];

pub fn draw(d: &mut Draft) {
    spend(d);
    if d.wants_truth() {
        // The lifetime value's mean has no closed form, so its truth is a second
        // draw from the same inputs.
        d.replicate(OUTPUTS, (LIFETIME_VALUE, TRUE_LTV), spend);
    }
}

fn spend(d: &mut Draft) {
    purchases(d);
    ads(d);
    d.fill(TOTAL_REVENUE, |r, _| {
        (paid(r) + cents(r[AD_REVENUE])) / 100.0
    });
    lifetime(d);
}

fn purchases(d: &mut Draft) {
    d.fill(SPENDING, |_, draw| draw.normal());
    d.fill(PURCHASES, |r, draw| {
        let inclination = -2.1
            + 1.15 * r[ACCOUNT_TYPE]
            + 0.45 * engagement_z(r)
            + 0.25 * ln_1p(r[SUPER_LIKES])
            + 0.30 * ln_1p(r[BOOSTS])
            + 0.5 * r[SPENDING]
            + 0.1 * r[AGE_Z];
        if inclination + draw.logistic() > 0.0 {
            1.0 + draw.poisson(0.8 * exp(0.3 * r[SPENDING]))
        } else {
            0.0
        }
    });
    d.weigh(IAP, |r, draw| {
        draw.gamma(1.4 * r[PURCHASES])
            * exp(0.45 * r[SPENDING])
            * by_code(r[PLATFORM], [1.0, 1.6, 0.6])
    });
    let amount = |r: Row, scale: f64| {
        if r[PURCHASES] > 0.0 {
            (scale * r[IAP]).max(FLOOR_PRICE)
        } else {
            0.0
        }
    };
    let scale = d.solve_for(
        const { constant("iap") },
        Aim::at("iap_usd"),
        (0.0, 1e8),
        |d, scale| d.mean(|r| amount(r, scale)),
    );
    d.fill(IAP, |r, _| math::round(amount(r, scale), 2));
}

fn ads(d: &mut Draft) {
    d.weigh(AD_REVENUE, |r, draw| {
        let seen = r[FEED_TIME]
            + 2.5 * r[REELS_WATCHED]
            + 1.5 * r[STORIES_VIEWED]
            + 0.35 * (60.0 / 7.0) * r[VIDEO_HOURS]
            + 0.25 * r[APP_OPENS] * r[SESSION_MINUTES]
            + 8.0 * r[ADS_CLICKED] * (1.0 + 0.1 * r[AD_CONVERSION]);
        seen * by_code(r[ACCOUNT_TYPE], [1.0, 0.55]) * draw.gamma_factor(4.0)
    });
    let scale = d.solve(const { constant("ad") }, |d| {
        d.spec().values()[ADS] / d.mean(|r| r[AD_REVENUE])
    });
    d.fill(AD_REVENUE, |r, _| math::round(scale * r[AD_REVENUE], 2));
}

/// Subscription and purchases of the month, cents.
fn paid(r: Row) -> f64 {
    cents(r[SUBSCRIPTION]) + cents(r[IAP])
}

/// The months before this one were like it, up to a drift; how much they were
/// worth is solved for the mean lifetime value and its lift.
fn lifetime(d: &mut Draft) {
    d.weigh(PAID_HISTORY, |r, draw| {
        paid(r) * r[TENURE] * draw.gamma_factor(6.0)
    });
    d.weigh(AD_HISTORY, |r, draw| {
        cents(r[AD_REVENUE]) * r[TENURE] * draw.gamma_factor(6.0)
    });
    let names = const { [constant("history_single"), constant("history_both")] };
    let scales = d.solve_all(names, history_scales);
    let scale = |r: Row| scales[usize::from(r[PLATFORM] == BOTH)];
    d.fill(LIFETIME_PAID, |r, _| {
        paid(r) + math::whole(scale(r) * r[PAID_HISTORY])
    });
    d.fill(TRANSACTIONS, |r, draw| {
        if r[LIFETIME_PAID] == 0.0 {
            return 0.0;
        }
        let a_month = f64::from(r[SUBSCRIPTION] > 0.0) + r[PURCHASES];
        let drawn = (a_month + draw.poisson(0.9 * r[TENURE] * a_month)).max(1.0);
        drawn.min(math::floor(r[LIFETIME_PAID] / FLOOR_CENTS).max(1.0))
    });
    d.fill(TRANSACTION_VALUE, |r, _| {
        if r[TRANSACTIONS] == 0.0 {
            return 0.0;
        }
        math::whole(r[LIFETIME_PAID] / r[TRANSACTIONS]) / 100.0
    });
    d.fill(LIFETIME_VALUE, |r, _| {
        let payments = r[TRANSACTIONS] * cents(r[TRANSACTION_VALUE]);
        let ads = cents(r[AD_REVENUE]) + math::whole(scale(r) * r[AD_HISTORY]);
        (payments + ads).max(cents(r[TOTAL_REVENUE])) / 100.0
    });
}

/// Scales of the history of customers of one platform and of both, in closed form.
fn history_scales(d: &Draft) -> [f64; 2] {
    let sums = d.sums(|r| {
        let both = f64::from(r[PLATFORM] == BOTH);
        let month = cents(r[TOTAL_REVENUE]);
        let history = r[PAID_HISTORY] + r[AD_HISTORY];
        [
            1.0 - both,
            (1.0 - both) * month,
            (1.0 - both) * history,
            both,
            both * month,
            both * history,
        ]
    });
    let [
        single,
        single_month,
        single_history,
        both,
        both_month,
        both_history,
    ] = sums;
    let both_share = both / d.rows();
    let values = d.spec().values();
    let lift = values[LTV_LIFT];
    let mean = 100.0 * LTV.mean(values) / (1.0 + (lift - 1.0) * both_share);
    // No history takes away from the month; the check after calibration tells
    // where that keeps the mean from its target.
    let scale = |asked: f64, month: f64, history: f64| {
        if history > 0.0 {
            ((asked - month) / history).max(0.0)
        } else {
            0.0
        }
    };
    [
        scale(mean * single, single_month, single_history),
        scale(mean * lift * both, both_month, both_history),
    ]
}
