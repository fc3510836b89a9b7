//! Exponential back-off for SPF and for new instances of our LSAs.

use std::time::{Duration, Instant};

use crate::config::ThrottleConfig;

/// One thing that must not happen too often.
///
/// The first request after a quiet time runs after `start`. Requests that follow closely wait until `hold` after
/// the last run; each such run doubles the hold up to `max`. Twice the hold without a run makes it quiet again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Throttle {
    due: Option<Instant>,
    last_run: Option<Instant>,
    hold: Duration,
}

impl Throttle {
    /// Asks for a run and returns when it will be.
    pub(crate) fn request(&mut self, now: Instant, config: &ThrottleConfig) -> Instant {
        if let Some(due) = self.due {
            return due;
        }
        let earliest = now + config.start;
        let due = match self.last_run {
            Some(last) if now < last + self.hold * 2 => earliest.max(last + self.hold),
            _ => {
                self.hold = Duration::ZERO;
                earliest
            }
        };
        self.due = Some(due);
        due
    }

    /// Like `request`, but no sooner than `at`.
    pub(crate) fn request_at(&mut self, at: Instant) -> Instant {
        *self.due.get_or_insert(at)
    }

    /// Whether a run is due.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Forgets a request.
    pub(crate) fn cancel(&mut self) {
        self.due = None;
    }

    /// Notes a run.
    pub(crate) fn ran(&mut self, now: Instant, config: &ThrottleConfig) {
        self.due = None;
        self.last_run = Some(now);
        self.hold = if self.hold.is_zero() { config.hold } else { (self.hold * 2).min(config.max) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: ThrottleConfig = ThrottleConfig {
        start: Duration::from_millis(50),
        hold: Duration::from_millis(200),
        max: Duration::from_millis(1000),
    };

    #[allow(clippy::disallowed_methods)]
    fn epoch() -> Instant {
        Instant::now()
    }

    #[test]
    fn doubles_up_to_the_maximum_and_forgets() {
        let start = epoch();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut throttle = Throttle::default();
        let mut now = start;
        let mut runs = Vec::new();
        for _ in 0..6 {
            let due = throttle.request(now, &CONFIG);
            assert!(!throttle.is_due(due - Duration::from_nanos(1)));
            assert!(throttle.is_due(due));
            throttle.ran(due, &CONFIG);
            runs.push(due - start);
            now = due;
        }
        let expected: Vec<_> = [50, 250, 650, 1450, 2450, 3450].map(Duration::from_millis).into();
        assert_eq!(runs, expected);
        assert_eq!(throttle.request(at(6000), &CONFIG), at(6050), "quiet for two seconds");
    }

    #[test]
    fn a_second_request_changes_nothing() {
        let start = epoch();
        let mut throttle = Throttle::default();
        let due = throttle.request(start, &CONFIG);
        assert_eq!(throttle.request(start + Duration::from_millis(40), &CONFIG), due);
    }
}
