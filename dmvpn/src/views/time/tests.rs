//! The forms of spans of time.

use super::*;

fn age(seconds: u64) -> String {
    Age(Duration::from_secs(seconds)).to_string()
}

#[test]
fn ages_change_their_form_at_a_day_a_week_and_a_year() {
    assert_eq!(age(0), "00:00:00");
    assert_eq!(age(DAY - 1), "23:59:59");
    assert_eq!(age(DAY), "1d00h");
    assert_eq!(age(DAY + 2 * HOUR + 59 * MINUTE), "1d02h");
    assert_eq!(age(WEEK - 1), "6d23h");
    assert_eq!(age(WEEK), "1w0d");
    assert_eq!(age(3 * WEEK + 4 * DAY + 23 * HOUR), "3w4d");
    assert_eq!(age(YEAR - 1), "51w6d");
    assert_eq!(age(YEAR + 2 * WEEK), "1y2w");
    assert_eq!(age(u64::MAX), format!("{}y{}w", u64::MAX / YEAR, u64::MAX % YEAR / WEEK));
}

#[test]
fn ages_are_cut_and_not_rounded() {
    assert_eq!(Age(Duration::from_millis(59_999)).to_string(), "00:00:59");
    assert_eq!(PreciseAge(Duration::from_micros(59_999_999)).to_string(), "00:00:59.999");
    assert_eq!(PreciseAge(Duration::from_secs(DAY + HOUR)).to_string(), "1d01h");
}

#[test]
fn what_never_happens_says_so() {
    assert_eq!(AgeOrNever(None).to_string(), "never");
    assert_eq!(format!("[{:>8}]", AgeOrNever(None)), "[   never]");
    assert_eq!(format!("[{:>8}]", AgeOrNever(Some(Duration::from_secs(WEEK)))), "[    1w0d]");
    assert_eq!(Expiry(None).to_string(), "never expire");
    assert_eq!(Expiry(Some(Duration::from_secs(287))).to_string(), "expire 00:04:47");
}
