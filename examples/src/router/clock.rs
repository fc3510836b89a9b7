//! The only place that reads a clock.
#![allow(clippy::disallowed_methods)]

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Now, monotonic.
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Seconds since 1970; none if the system's clock says that it is earlier or after 2106.
pub(super) fn unix_time() -> Option<u32> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    u32::try_from(since.as_secs()).ok()
}

/// Waits.
pub(super) fn sleep(time: std::time::Duration) {
    std::thread::sleep(time);
}
