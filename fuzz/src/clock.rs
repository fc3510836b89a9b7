//! Where virtual time starts.

use std::time::Instant;

/// An instant to count from. Nothing depends on which one it is.
#[allow(clippy::disallowed_methods, reason = "there is no other way to make an `Instant`")]
pub(crate) fn start() -> Instant {
    Instant::now()
}
