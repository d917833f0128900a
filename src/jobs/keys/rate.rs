//! How much a key may ask for: so many requests a second, a second's worth of
//! them at once.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

type Limiter = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// The rate of one key, in this process.
pub struct Rate {
    limit: NonZeroU32,
    clock: DefaultClock,
    limiter: Limiter,
}

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Requests a second.
    pub limit: u32,
    /// Requests that would be let through now.
    pub remaining: u32,
    /// How long until the next is let through, where this one is not.
    pub wait: Option<Duration>,
}

impl Rate {
    /// So many requests a second; none where that is no number of them.
    pub(super) fn new(limit: u32) -> Option<Self> {
        let limit = NonZeroU32::new(limit)?;
        let limiter = RateLimiter::direct(Quota::per_second(limit));
        Some(Self {
            limit,
            clock: DefaultClock::default(),
            limiter: limiter.with_middleware(),
        })
    }

    pub(super) fn limit(&self) -> NonZeroU32 {
        self.limit
    }

    /// Counts one request.
    pub fn take(&self) -> Allowance {
        let limit = self.limit.get();
        match self.limiter.check() {
            Ok(state) => Allowance {
                limit,
                remaining: state.remaining_burst_capacity(),
                wait: None,
            },
            Err(until) => Allowance {
                limit,
                remaining: 0,
                wait: Some(until.wait_time_from(self.clock.now())),
            },
        }
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rate({} a second)", self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_s_worth_is_let_through_at_once_and_no_more() {
        let rate = Rate::new(3).unwrap();
        let taken: Vec<_> = (0..3).map(|_| rate.take()).collect();
        assert!(taken.iter().all(|taken| taken.wait.is_none()), "{taken:?}");
        assert_eq!(taken[0].remaining, 2);
        assert_eq!(taken[2].remaining, 0);
        let refused = rate.take();
        assert!(refused.wait.unwrap() <= Duration::from_secs_f64(1.0 / 3.0));
        assert!(Rate::new(0).is_none());
    }
}
