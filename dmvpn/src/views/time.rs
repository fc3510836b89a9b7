//! IOS's ways to write a span of time.

use core::fmt;
use core::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
/// IOS counts a year as 52 weeks here, so that the weeks left over stay below 52.
const YEAR: u64 = 52 * WEEK;

/// An age: `00:03:12`, from a day on `1d02h`, from a week on `3w4d`, from 52 weeks on `1y2w`. Parts of a second are cut
/// off.
///
/// ```
/// use core::time::Duration;
/// use dmvpn::views::time::Age;
/// assert_eq!(Age(Duration::from_secs(192)).to_string(), "00:03:12");
/// assert_eq!(Age(Duration::from_secs(26 * 3600)).to_string(), "1d02h");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(pub Duration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let text = match seconds {
            0..DAY => clock(seconds),
            DAY..WEEK => format!("{}d{:02}h", seconds / DAY, seconds % DAY / HOUR),
            WEEK..YEAR => format!("{}w{}d", seconds / WEEK, seconds % WEEK / DAY),
            YEAR.. => format!("{}y{}w", seconds / YEAR, seconds % YEAR / WEEK),
        };
        f.pad(&text)
    }
}

/// An age, or `never` for what has not happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AgeOrNever(pub Option<Duration>);

impl fmt::Display for AgeOrNever {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(age) => fmt::Display::fmt(&Age(age), f),
            None => f.pad("never"),
        }
    }
}

/// A time to live as the NHRP cache writes it: `expire 00:04:47`, or `never expire`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry(pub Option<Duration>);

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(left) => write!(f, "expire {}", Age(left)),
            None => f.write_str("never expire"),
        }
    }
}

/// An age with milliseconds, as OSPF writes it: `00:19:54.849`; from a day on like [`Age`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PreciseAge(pub Duration);

impl fmt::Display for PreciseAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.as_secs() >= DAY {
            return fmt::Display::fmt(&Age(self.0), f);
        }
        f.pad(&format!("{}.{:03}", clock(self.0.as_secs()), self.0.subsec_millis()))
    }
}

/// Hours, minutes, seconds.
fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / HOUR, seconds % HOUR / MINUTE, seconds % MINUTE)
}

/// Serialises whole seconds; nothing for what never happens.
#[cfg(feature = "serde")]
pub(super) fn seconds<T: Span, S: serde::Serializer>(span: &T, serializer: S) -> Result<S::Ok, S::Error> {
    match span.span() {
        Some(span) => serializer.serialize_u64(span.as_secs()),
        None => serializer.serialize_none(),
    }
}

/// Serialises seconds with a fraction; nothing for what has no value.
#[cfg(feature = "serde")]
pub(super) fn fraction<T: Span, S: serde::Serializer>(span: &T, serializer: S) -> Result<S::Ok, S::Error> {
    match span.span() {
        Some(span) => serializer.serialize_f64(span.as_secs_f64()),
        None => serializer.serialize_none(),
    }
}

/// What [`seconds`] and [`fraction`] take: a duration that may be missing.
#[cfg(feature = "serde")]
pub(super) trait Span {
    fn span(&self) -> Option<Duration>;
}

#[cfg(feature = "serde")]
impl Span for Duration {
    fn span(&self) -> Option<Duration> {
        Some(*self)
    }
}

#[cfg(feature = "serde")]
impl Span for Option<Duration> {
    fn span(&self) -> Option<Duration> {
        *self
    }
}

#[cfg(test)]
mod tests;
