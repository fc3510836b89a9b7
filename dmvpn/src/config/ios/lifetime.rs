//! `accept-lifetime` and `send-lifetime` of a key: dates as IOS writes them.

use crate::config::KeyLifetime;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const DAY: u64 = 86_400;

/// Reads `START (infinite|END|duration SECONDS)`, where a date is `HH:MM:SS MONTH DAY YEAR` or `HH:MM:SS DAY MONTH YEAR`,
/// in UTC. `None` for anything else, and for an end that does not follow the start.
pub(super) fn read(text: &str) -> Option<KeyLifetime> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (start, rest) = words.split_first_chunk::<4>()?;
    let from = date(*start)?;
    let until = match rest {
        ["infinite"] => None,
        ["duration", seconds] => {
            let seconds =
                seconds.parse::<u64>().ok().filter(|seconds| (1..=2_147_483_646).contains(seconds))?;
            Some(from + seconds)
        }
        [time, a, b, year] => Some(date([*time, *a, *b, *year])?),
        _ => return None,
    };
    until.is_none_or(|until| until > from).then_some(KeyLifetime { from, until })
}

/// Seconds since 1970.
fn date([time, a, b, year]: [&str; 4]) -> Option<u64> {
    let mut parts = time.split(':');
    let mut part = |limit: u64| parts.next()?.parse::<u64>().ok().filter(|value| *value < limit);
    let (hours, minutes, seconds) = (part(24)?, part(60)?, part(60)?);
    if parts.next().is_some() {
        return None;
    }
    let (month, day) = month(a).map(|month| (month, b)).or_else(|| month(b).map(|month| (month, a)))?;
    let (day, year) = (day.parse::<u64>().ok()?, year.parse::<u64>().ok()?);
    // What IOS's calendar offers.
    if !(1993..=2035).contains(&year) || day == 0 || day > days_in(month, year) {
        return None;
    }
    let years: u64 = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum();
    let months: u64 = (0..month).map(|month| days_in(month, year)).sum();
    Some((years + months + day - 1) * DAY + hours * 3600 + minutes * 60 + seconds)
}

/// A month by its name or by three letters or more of it, counted from 0.
fn month(text: &str) -> Option<usize> {
    let text = text.to_ascii_lowercase();
    let fits = |month: &&str| text.len() >= 3 && month.starts_with(&text);
    MONTHS.iter().position(fits)
}

fn days_in(month: usize, year: u64) -> u64 {
    match month {
        1 => 28 + u64::from(is_leap(year)),
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_both_orders_and_all_kinds_of_ends() {
        let life = |from, until| Some(KeyLifetime { from, until });
        assert_eq!(read("00:00:00 Jan 1 2000 infinite"), life(946_684_800, None));
        assert_eq!(read("23:59:59 29 february 2024 infinite"), life(1_709_251_199, None));
        assert_eq!(
            read("12:30:00 Nov 22 2026 00:00:00 1 Mar 2027"),
            life(1_795_350_600, Some(1_803_859_200))
        );
        assert_eq!(read("12:30:00 Sept 1 2026 duration 3600"), life(1_788_265_800, Some(1_788_269_400)));
    }

    #[test]
    fn what_is_no_date_or_no_time_is_refused() {
        for text in [
            "",
            "infinite",
            "00:00:00 Jan 1 2000",
            "24:00:00 Jan 1 2000 infinite",
            "00:00 Jan 1 2000 infinite",
            "00:00:00:00 Jan 1 2000 infinite",
            "00:00:00 Ja 1 2000 infinite",
            "00:00:00 Feb 30 2024 infinite",
            "00:00:00 Feb 29 2100 infinite",
            "00:00:00 Jan 0 2000 infinite",
            "00:00:00 Jan 1 1970 infinite",
            "00:00:00 Jan 1 2000 duration 0",
            "00:00:00 Jan 1 2000 duration x",
            "00:00:00 Jan 1 2000 00:00:00 Jan 1 2000",
            "00:00:00 Jan 2 2000 00:00:00 Jan 1 2000",
            "00:00:00 Jan 1 2000 infinite and more",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
