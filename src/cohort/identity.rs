//! Stage 1: who the customer is. Demographics, the platform of primary use, and
//! the latent traits that make the later columns hang together.

use super::draft::Draft;
use super::math;
use super::variables::*;

/// Intensity of social and of dating use by platform of primary use: everybody
/// has both profiles, and uses the secondary one lightly.
const SOCIAL_INTENSITY: [f64; 3] = [1.0, 0.15, 0.80];
const DATING_INTENSITY: [f64; 3] = [0.07, 1.0, 0.80];

const YOUNGEST: f64 = 18.0;
/// Mean and standard deviation of the age distribution.
const AGE_MEAN: f64 = 31.2;
const AGE_SD: f64 = 7.7;

/// Tenure is Lomax (shape, scale) cut at seven years: many join, few stay.
const TENURE_SHAPE: f64 = 1.2;
const TENURE_SCALE: f64 = 10.5;
const TENURE_END: f64 = 85.0;

pub fn draw(d: &mut Draft) {
    let mixes = d.spec().mixes();
    let ages = mixes.shares_of_ages();
    if mixes.age.is_empty() {
        d.fill(AGE, |_, draw| {
            math::floor(YOUNGEST + 48.0 * draw.beta(2.0 / 7.0, 7.0)).min(65.0)
        });
    } else {
        d.fill(AGE, |_, draw| YOUNGEST + draw.category(&ages));
    }
    d.fill(AGE_Z, |r, _| (r[AGE] - AGE_MEAN) / AGE_SD);
    d.fill(GENDER, |_, draw| draw.category(&mixes.gender));
    d.fill(LOCATION, |_, draw| draw.category(&mixes.location));
    let inside = 1.0 - math::pow(1.0 + TENURE_END / TENURE_SCALE, -TENURE_SHAPE);
    d.fill(TENURE, |_, draw| {
        let survival = 1.0 - inside * draw.uniform();
        math::floor(TENURE_SCALE * (math::pow(survival, -1.0 / TENURE_SHAPE) - 1.0))
    });
    d.fill(PLATFORM, |_, draw| draw.category(&mixes.platform));
    for trait_ in [
        ACTIVITY,
        SOCIAL_AFFINITY,
        DATING_AFFINITY,
        ATTRACTIVENESS,
        CREATIVITY,
        FIT,
    ] {
        d.fill(trait_, |_, draw| draw.normal());
    }

    let social_base = SOCIAL_INTENSITY.map(math::ln);
    let dating_base = DATING_INTENSITY.map(math::ln);
    d.fill(SOCIAL_USE, |r, _| {
        by_code(r[PLATFORM], social_base) + 0.40 * r[ACTIVITY] + 0.45 * r[SOCIAL_AFFINITY]
            - 0.20 * r[AGE_Z]
    });
    d.fill(DATING_BASE, |r, _| by_code(r[PLATFORM], dating_base));
    d.fill(DATING_USE, |r, _| {
        r[DATING_BASE] + 0.40 * r[ACTIVITY] + 0.45 * r[DATING_AFFINITY] - 0.10 * r[AGE_Z]
    });
}

/// The entry of a table with one entry a category.
#[inline]
pub fn by_code<const N: usize>(code: f64, table: [f64; N]) -> f64 {
    table[math::place(code)]
}
