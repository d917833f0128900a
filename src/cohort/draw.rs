//! Random draws, keyed by (seed, variable, row).
//!
//! Every variable of every customer has a random stream of its own, so a value
//! depends neither on the number of threads nor on what other rows or
//! variables drew.

use std::convert::Infallible;

use rand::{RngExt, TryRng};
use rand_distr::{Distribution, Exp1, StandardNormal};

use super::counts;
use super::math;

/// The streams of one variable: `phase` tells its draws before calibration
/// from those after it.
#[derive(Debug, Clone, Copy)]
pub struct Streams {
    key: u64,
}

impl Streams {
    pub fn new(seed: u64, variable: usize, phase: Phase) -> Self {
        let stage = ((variable as u64) << 1) | phase as u64;
        Self {
            key: mix(mix(seed).wrapping_add(stage.wrapping_mul(ODD))),
        }
    }

    /// The stream of one row.
    #[inline]
    pub fn row(self, row: u64) -> Draw {
        Draw(Stream(mix(self.key ^ row.wrapping_mul(ODD))))
    }
}

/// Which of a variable's two streams.
#[derive(Debug, Clone, Copy)]
pub enum Phase {
    Weight = 0,
    Value = 1,
}

const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// A bijection whose output bits each depend on all input bits (Stafford's
/// variant 13 of the `MurmurHash3` finaliser).
#[inline]
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `SplitMix64` (Steele, Lea and Flood 2014): it starts in two multiplications,
/// and a row's stream is often just one number long.
struct Stream(u64);

impl TryRng for Stream {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|x| (x >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(ODD);
        Ok(mix(self.0))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.try_next_u64()?.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// The distributions that the specification draws from, over one stream.
///
/// Parameters that leave a distribution without mass to spread (a mean of 0)
/// give its limit, not an error: a customer who can't swipe has no swipes.
pub struct Draw(Stream);

impl Draw {
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    #[inline]
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    #[inline]
    pub fn exponential(&mut self) -> f64 {
        Exp1.sample(&mut self.0)
    }

    #[inline]
    pub fn logistic(&mut self) -> f64 {
        let u: f64 = self.0.sample(rand_distr::Open01);
        math::logit(u)
    }

    /// Gamma with mean `shape`.
    #[inline]
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape >= 1.0 {
            return self.large_gamma(shape);
        }
        if shape <= 0.0 {
            return 0.0;
        }
        let u = 1.0 - self.uniform();
        self.large_gamma(shape + 1.0) * math::pow(u, 1.0 / shape)
    }

    /// By Marsaglia and Tsang (2000), from a shape of 1 on.
    #[inline]
    fn large_gamma(&mut self, shape: f64) -> f64 {
        // Set up in place, so that a loop over rows of one shape does it once.
        let d = shape - 1.0 / 3.0;
        self.marsaglia_tsang(d, 1.0 / (9.0 * d).sqrt())
    }

    #[expect(
        clippy::many_single_char_names,
        reason = "the names of the published method"
    )]
    fn marsaglia_tsang(&mut self, d: f64, c: f64) -> f64 {
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            if root <= 0.0 {
                continue;
            }
            let v = root * root * root;
            let u = 1.0 - self.uniform();
            let x2 = x * x;
            if u < 1.0 - 0.0331 * x2 * x2 || math::ln(u) < 0.5 * x2 + d * (1.0 - v + math::ln(v)) {
                return d * v;
            }
        }
    }

    /// Gamma with mean 1.
    #[inline]
    pub fn gamma_factor(&mut self, shape: f64) -> f64 {
        self.gamma(shape) / shape
    }

    /// Beta by its mean and precision; the mean is kept off 0 and 1.
    ///
    /// Drawn as a Gamma's share of two: half the time of `rand_distr`'s Beta,
    /// whose method is made for many draws with the same parameters.
    #[inline]
    pub fn beta(&mut self, mean: f64, precision: f64) -> f64 {
        let m = mean.clamp(1e-4, 1.0 - 1e-4);
        let part = self.gamma(m * precision);
        part / (part + self.gamma((1.0 - m) * precision))
    }

    #[inline]
    pub fn poisson(&mut self, mean: f64) -> f64 {
        counts::poisson(mean, &mut || self.uniform())
    }

    #[inline]
    pub fn binomial(&mut self, trials: f64, p: f64) -> f64 {
        counts::binomial(trials, p, &mut || self.uniform())
    }

    /// An index by its share; the shares add up to 1.
    #[expect(clippy::cast_precision_loss, reason = "an index of a short list")]
    #[inline]
    pub fn category(&mut self, shares: &[f64]) -> f64 {
        let mut u = self.uniform();
        for (i, share) in shares.iter().enumerate() {
            u -= share;
            if u < 0.0 {
                return i as f64;
            }
        }
        (shares.len() - 1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_seed_variable_phase_and_row_alone() {
        let first =
            |seed, variable, phase, row| Streams::new(seed, variable, phase).row(row).uniform();
        let base = first(1, 7, Phase::Value, 42);
        assert_eq!(base.to_bits(), first(1, 7, Phase::Value, 42).to_bits());
        for other in [
            first(2, 7, Phase::Value, 42),
            first(1, 8, Phase::Value, 42),
            first(1, 7, Phase::Weight, 42),
            first(1, 7, Phase::Value, 43),
        ] {
            assert_ne!(base.to_bits(), other.to_bits());
        }
    }

    #[test]
    fn neighbouring_rows_are_uncorrelated() {
        let streams = Streams::new(1, 7, Phase::Value);
        let u: Vec<f64> = (0..50_000)
            .map(|row| streams.row(row).uniform() - 0.5)
            .collect();
        let lag: f64 = u.windows(2).map(|w| w[0] * w[1]).sum::<f64>() * 12.0 / 49_999.0;
        assert!(lag.abs() < 4.0 / 50_000_f64.sqrt(), "{lag}");
    }

    #[test]
    fn a_stream_is_splitmix64() {
        // The published values for the seed 1234567.
        let mut stream = Stream(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| stream.try_next_u64().unwrap()).collect();
        assert_eq!(
            drawn,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn a_beta_has_its_mean_and_variance() {
        for (mean, precision) in [(0.038, 45.0), (0.68, 8.0), (2.0 / 7.0, 7.0)] {
            let streams = Streams::new(1, 2, Phase::Value);
            let draws: Vec<f64> = (0..40_000)
                .map(|row| streams.row(row).beta(mean, precision))
                .collect();
            let n = 40_000.0;
            let average = draws.iter().sum::<f64>() / n;
            let spread = draws.iter().map(|x| (x - average).powi(2)).sum::<f64>() / n;
            let variance = mean * (1.0 - mean) / (precision + 1.0);
            assert!(
                (average - mean).abs() < 4.0 * (variance / n).sqrt(),
                "{average}"
            );
            assert!((spread / variance - 1.0).abs() < 0.05, "{spread}");
        }
    }

    #[test]
    fn no_mass_gives_the_limit() {
        let mut draw = Streams::new(1, 1, Phase::Value).row(1);
        assert_eq!(draw.poisson(0.0).to_bits(), 0_f64.to_bits());
        assert_eq!(draw.binomial(0.0, 0.3).to_bits(), 0_f64.to_bits());
        assert_eq!(draw.gamma(0.0).to_bits(), 0_f64.to_bits());
    }
}
