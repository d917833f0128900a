//! How long a request waits for a thread, and when that is too long.
//!
//! A prediction takes microseconds once its turn comes, so nothing in flight
//! tells of overload: what waits is a connection that has been sent something
//! and that no thread has looked at yet. [`Timed`] measures this for each, and
//! [`Delay`] tells a queue that stands from one that a burst left, as `CoDel`
//! does. Invariant: a single long wait refuses nobody, and where nothing waits
//! nobody is refused.

use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// For how long waits must all have been long before the queue is one that
/// stands; also how long a single request may wait.
const INTERVAL: Duration = Duration::from_millis(100);

/// Fewer long waits in a row than this are the machine's doing.
const MANY: u32 = 32;

/// The waits of all connections.
pub struct Delay {
    target: Duration,
    begun: Instant,
    /// Long waits since the last short one, and the moment of the first.
    longs: AtomicU32,
    first_long: AtomicU64,
    /// Until when long waits are refused.
    refusing: AtomicU64,
}

/// The request waited so long that it is better refused: an extension of it.
#[derive(Debug, Clone, Copy)]
pub struct TooLate;

impl Delay {
    /// Where waits stay longer than `target`, requests that waited longer are refused.
    pub fn new(target: Duration) -> Self {
        Self {
            target,
            begun: Instant::now(),
            longs: AtomicU32::new(0),
            first_long: AtomicU64::new(0),
            refusing: AtomicU64::new(0),
        }
    }

    /// Takes note of a request's wait; says whether to refuse it.
    pub fn is_too_late(&self, waited: Duration) -> bool {
        if waited < self.target {
            if self.longs.load(Ordering::Relaxed) > 0 {
                self.longs.store(0, Ordering::Relaxed);
            }
            return false;
        }
        self.is_refused(waited, micros(self.begun.elapsed()))
    }

    fn is_refused(&self, waited: Duration, now: u64) -> bool {
        if self.longs.fetch_add(1, Ordering::Relaxed) == 0 {
            self.first_long.store(now, Ordering::Relaxed);
        }
        let interval = micros(INTERVAL);
        let lasted = now.saturating_sub(self.first_long.load(Ordering::Relaxed));
        let stands = lasted > interval && self.longs.load(Ordering::Relaxed) >= MANY;
        // Refusing empties the queue at once: it goes on until none waits long.
        if stands || now < self.refusing.load(Ordering::Relaxed) {
            self.refusing.store(now + interval, Ordering::Relaxed);
            return true;
        }
        waited > INTERVAL && self.longs.load(Ordering::Relaxed) >= MANY
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The last wait of one connection.
pub struct Wait {
    begun: Instant,
    /// When it was woken, in microseconds since it began; 0 where it was not.
    woken: AtomicU64,
    waited: AtomicU64,
    task: OnceLock<Waker>,
}

impl Wait {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            woken: AtomicU64::new(1),
            waited: AtomicU64::new(0),
            task: OnceLock::new(),
        })
    }

    /// How long it waited before it was looked at.
    pub fn last(&self) -> Duration {
        Duration::from_micros(self.waited.load(Ordering::Relaxed))
    }

    fn now(&self) -> u64 {
        micros(self.begun.elapsed()) + 1
    }

    fn looked_at(&self) {
        let waited = match self.woken.swap(0, Ordering::Relaxed) {
            0 => 0,
            woken => self.now().saturating_sub(woken),
        };
        self.waited.store(waited, Ordering::Relaxed);
    }
}

impl Wake for Wait {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.woken.load(Ordering::Relaxed) == 0 {
            self.woken.store(self.now(), Ordering::Relaxed);
        }
        if let Some(task) = self.task.get() {
            task.wake_by_ref();
        }
    }
}

/// A connection's future, which measures how long it waits after each wake. It
/// must be what a task is made of: it relies on being polled with one waker.
pub struct Timed<F> {
    future: Pin<Box<F>>,
    wait: Arc<Wait>,
    waker: Waker,
}

impl<F> Timed<F> {
    pub fn new(future: F, wait: &Arc<Wait>) -> Self {
        Self {
            future: Box::pin(future),
            wait: Arc::clone(wait),
            waker: Waker::from(Arc::clone(wait)),
        }
    }
}

impl<F: Future> Future for Timed<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        this.wait.looked_at();
        let task = this.wait.task.get_or_init(|| cx.waker().clone());
        if task.will_wake(cx.waker()) {
            let mut timed = Context::from_waker(&this.waker);
            return this.future.as_mut().poll(&mut timed);
        }
        this.future.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Duration = Duration::from_millis(5);
    const LONG: Duration = Duration::from_millis(6);

    fn refused(delay: &Delay, waited: Duration, from: u64, count: u64) -> u64 {
        let each = |i| u64::from(delay.is_refused(waited, from + 1000 * i));
        (0..count).map(each).sum()
    }

    #[test]
    fn a_burst_is_let_through_and_a_queue_that_stands_is_not() {
        let delay = Delay::new(TARGET);
        assert_eq!(refused(&delay, LONG, 0, 90), 0, "90 ms of long waits");
        assert!(!delay.is_too_late(Duration::ZERO));
        assert_eq!(refused(&delay, LONG, 90_000, 90), 0, "it was empty between");
        assert_eq!(refused(&delay, LONG, 180_000, 100), 89, "after 100 ms");
        // Those that are no longer late are let in, and the others go on being refused.
        assert!(!delay.is_too_late(TARGET / 2));
        assert_eq!(refused(&delay, LONG, 281_000, 10), 10);
        assert!(!delay.is_too_late(TARGET / 2));
        assert_eq!(refused(&delay, LONG, 500_000, 10), 0, "it is over");
    }

    #[test]
    fn a_few_long_waits_far_apart_refuse_nobody() {
        let delay = Delay::new(TARGET);
        for i in 0..20 {
            assert!(!delay.is_refused(LONG, 1_000_000 * i));
        }
    }

    #[tokio::test]
    async fn a_task_knows_how_long_it_waited_after_it_was_woken() {
        let wait = Wait::new();
        let seen = Arc::clone(&wait);
        let notify = Arc::new(tokio::sync::Notify::new());
        let notified = Arc::clone(&notify);
        let task = tokio::spawn(Timed::new(
            async move {
                notified.notified().await;
                seen.last()
            },
            &wait,
        ));
        tokio::task::yield_now().await;
        notify.notify_one();
        std::thread::sleep(Duration::from_millis(30));
        assert!(task.await.unwrap() >= Duration::from_millis(29));
    }
}
