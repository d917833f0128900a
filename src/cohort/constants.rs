//! The calibrated constants of the generator.
//!
//! Each scales, shifts or cuts one variable so that a published statistic meets
//! its target. They are solved on the cohort that is being drawn; cohorts too
//! small for that use [`Constants::default`], solved once for the default
//! population on 1,500,000 customers (seed 20251021).

const NAMES_AND_DEFAULTS: [(&str, f64); 57] = [
    ("stories_posted", 0.866_955_398_661_444_1),
    ("stories_viewed", 5.021_819_880_526_037),
    ("story_completion", 0.867_444_289_382_547_1),
    ("reels_created", 0.480_539_492_920_926_5),
    ("reels_watched", 6.632_500_419_502_893),
    ("reel_completion", -0.081_333_073_321_729_9),
    ("live_streams", 0.729_294_679_051_362_6),
    ("long_video", 2.897_054_519_271_230_7),
    ("posts", 1.252_703_508_702_319),
    ("comments", 2.744_616_590_757_753_5),
    ("likes", 9.958_851_121_626_447),
    ("followers", 685.307_560_746_517_8),
    ("following", 457.487_672_926_779_4),
    ("engagement_rate", -3.220_246_380_660_683),
    ("creator_gain", 0.899_627_685_546_875),
    ("creator", 3.747_234_227_269_971),
    ("earnings_location", 7.363_120_199_108_148),
    ("earnings_exponent", 0.895_912_680_006_586),
    ("earnings_scale", 10.366_674_373_724_313),
    ("feed", 36.974_225_894_814_04),
    ("discover", 3.658_472_482_800_378),
    ("ads_clicked", 1.354_316_699_588_581_4),
    ("ad_conversion", -3.716_203_833_464_533),
    ("profile_completion", 1.053_469_975_944_608_4),
    ("profile_quality", 0.141_301_908_064_633_6),
    ("swipes", 58.440_635_001_239_46),
    ("right_rate", -0.875_634_585_972_875_4),
    ("visibility", 97.225_667_635_868_16),
    ("match_male", 0.115_464_972_295_057_73),
    ("match_female", 0.424_088_736_078_947_5),
    ("match_nonbinary", 0.214_939_427_894_285_63),
    ("response_rate", 0.149_118_164_088_577_03),
    ("first_response_rate", -0.938_063_940_498_977_9),
    ("messages", 0.335_100_225_767_158_75),
    ("show_up_rate", 1.404_718_602_541_834_1),
    ("dates", 0.950_463_280_848_722_3),
    ("match_history", 3.315_938_925_743_103),
    ("blocked", 0.511_813_211_053_701_7),
    ("satisfaction", 0.124_571_645_166_724_92),
    ("app_opens", 4.719_814_354_212_949),
    ("session_minutes", 7.960_403_198_176_361),
    ("engagement", -3.657_580_970_320_850_6),
    ("shares", 1.555_129_137_689_536_9),
    ("premium_shape", 0.890_203_158_169_752),
    ("premium_gain", 1.423_216_247_558_593_7),
    ("premium", 2.644_457_318_287_124_7),
    ("platinum", 1.174_371_179_471_211_3),
    ("super_likes", 0.795_050_064_817_446_3),
    ("boosts", 0.348_139_562_676_925_5),
    ("super_like_match_rate", 0.593_278_077_896_684_4),
    ("churn_gain", 1.402_013_397_216_796_7),
    ("churn", 0.242_496_652_579_467_76),
    ("churn_probability", 0.010_205_129_510_723_054),
    ("iap", 4.770_344_912_388_865_5),
    ("ad", 0.056_013_024_801_701_94),
    ("history_single", 0.960_559_386_248_417_5),
    ("history_both", 1.002_373_676_835_895),
];

/// The number of a constant, for a `const`: an unknown name fails the build.
pub const fn constant(name: &str) -> usize {
    let mut i = 0;
    while i < NAMES_AND_DEFAULTS.len() {
        if crate::schema::const_eq(NAMES_AND_DEFAULTS[i].0.as_bytes(), name.as_bytes()) {
            return i;
        }
        i += 1;
    }
    panic!("no constant has this name");
}

/// A value for every constant, indexed by [`constant`].
#[derive(Debug, Clone)]
pub struct Constants([f64; NAMES_AND_DEFAULTS.len()]);

impl Default for Constants {
    fn default() -> Self {
        Self(NAMES_AND_DEFAULTS.map(|(_, value)| value))
    }
}

impl std::ops::Index<usize> for Constants {
    type Output = f64;

    fn index(&self, constant: usize) -> &f64 {
        &self.0[constant]
    }
}

impl std::ops::IndexMut<usize> for Constants {
    fn index_mut(&mut self, constant: usize) -> &mut f64 {
        &mut self.0[constant]
    }
}
