//! The window against a plain model of it, and the recovery of extended sequence numbers.

use std::collections::HashSet;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::*;

/// Everything that was ever received, and the rule as RFC 4303 section 3.4.3 words it.
struct Model {
    seen: HashSet<u64>,
    top: u64,
    size: u64,
}

impl Model {
    fn check(&self, sequence: u64) -> Result<(), Stale> {
        if sequence <= self.top && self.top - sequence >= self.size {
            Err(Stale::TooOld)
        } else if self.seen.contains(&sequence) {
            Err(Stale::Replayed)
        } else {
            Ok(())
        }
    }
}

#[test]
fn the_window_agrees_with_a_set_of_everything_received() {
    let mut refused = [0_u32; 2];
    for (seed, &size) in [64, 65, 100, 127, 128, 1000, 1024, 4095, 4096].iter().enumerate() {
        for base in [0, (1 << 32) - 3000, u64::MAX - 2_000_000] {
            let mut random = ChaCha20Rng::seed_from_u64(seed as u64 ^ base);
            let mut window = ReplayWindow::new(size).expect("a size in range");
            let mut model = Model { seen: HashSet::new(), top: base, size: u64::from(size) };
            if base > 0 {
                window.skip_to(base);
                model.seen.extend(base - 5000..=base);
            }
            for _ in 0..20_000 {
                let kind = random.next_u32() % 100;
                let sequence = match kind {
                    0..40 => model.top.saturating_add(1),
                    40..50 => model.top.saturating_add(u64::from(random.next_u32() % 70)),
                    // Far jumps: by words, by the whole ring, by more than that.
                    50..52 => model.top.saturating_add(u64::from(random.next_u32() % (3 * size))),
                    // The edges of the window, where mistakes are.
                    52..60 => model.top.saturating_add(2).saturating_sub(u64::from(size + kind % 2)),
                    _ => model.top.saturating_sub(u64::from(random.next_u32() % (size + 100))),
                }
                .max(1);
                let expected = model.check(sequence);
                assert_eq!(window.check(sequence), expected, "size {size}, top {}, {sequence}", model.top);
                if random.next_u32() % 8 == 0 {
                    // It did not authenticate: nothing may have changed.
                    continue;
                }
                assert_eq!(window.mark(sequence), expected);
                match expected {
                    Ok(()) => {
                        model.seen.insert(sequence);
                        model.top = model.top.max(sequence);
                    }
                    Err(Stale::Replayed) => refused[0] += 1,
                    Err(Stale::TooOld) => refused[1] += 1,
                }
                assert_eq!(window.top(), model.top);
            }
        }
    }
    // The walk must have seen enough of each kind to mean something.
    assert!(refused.iter().all(|&count| count > 10_000), "{refused:?}");
}

#[test]
fn a_jump_of_any_width_forgets_nothing_that_it_covers() {
    for size in [64_u32, 1024, 4096] {
        for jump in (1..=64).chain([127, 128, 1023, 1024, 1025, 4095, 4096, 8191, 8192, 1 << 20, 1 << 33]) {
            let mut window = ReplayWindow::new(size).expect("a size in range");
            for sequence in 1..=100 {
                window.mark(sequence).expect("new");
            }
            window.mark(100 + jump).expect("new");
            for sequence in 1..100 + jump.min(20_000) {
                let expected = if 100 + jump - sequence >= u64::from(size) {
                    Err(Stale::TooOld)
                } else if sequence <= 100 {
                    Err(Stale::Replayed)
                } else {
                    Ok(())
                };
                assert_eq!(window.check(sequence), expected, "size {size}, jump {jump}, {sequence}");
            }
        }
    }
}

#[test]
fn sizes_out_of_range_are_refused() {
    for size in [0, 1, 63, 4097, u32::MAX] {
        assert_eq!(ReplayWindow::new(size), Err(KeyError::WindowSize(size)));
    }
    assert!(ReplayWindow::new(MIN_WINDOW).is_ok() && ReplayWindow::new(MAX_WINDOW).is_ok());
}

#[test]
fn skipping_leaves_nothing_behind_to_receive() {
    let mut window = ReplayWindow::new(128).expect("a size in range");
    window.mark(5).expect("new");
    for target in [5, 63, 64, 127, 1000, 1 << 40] {
        window.skip_to(target);
        assert_eq!(window.top(), target);
        for back in 0..target.min(300) {
            let expected = if back >= 128 { Stale::TooOld } else { Stale::Replayed };
            assert_eq!(window.check(target - back), Err(expected), "{target} - {back}");
        }
        for ahead in 1..300 {
            assert_eq!(window.check(target + ahead), Ok(()));
        }
    }
    window.skip_to(17);
    assert_eq!(window.top(), 1 << 40, "never back");
}

#[test]
fn extended_numbers_are_recovered_wherever_the_window_stands() {
    let size = 1024;
    let span = 1 << 32;
    for top in [1023, 1024, 5000, span - 1, span, span + 1, span + 1022, span + 1023, 7 * span + 12, 1 << 63]
    {
        let mut window = ReplayWindow::new(size).expect("a size in range");
        window.skip_to(top);
        let bottom = top + 1 - u64::from(size);
        // From the window's bottom on, 2^32 numbers can be told apart, and these are the edges.
        for sequence in (bottom..=top + 2000).chain(bottom + span - 2000..bottom + span) {
            assert_eq!(window.extend(sequence as u32), Some(sequence), "top {top}");
        }
        assert_ne!(window.extend((bottom + span) as u32), Some(bottom + span), "top {top}");
    }
}

#[test]
fn extended_numbers_that_do_not_exist_are_not_recovered() {
    let window = ReplayWindow::new(64).expect("a size in range");
    // The window reaches below 0: what would lie there is nothing.
    assert_eq!(window.extend(u32::MAX), None);
    assert_eq!(window.extend(u32::MAX - 62), None);
    assert_eq!(window.extend(u32::MAX - 63), Some(u64::from(u32::MAX - 63)));
    assert_eq!(window.extend(0), Some(0));

    let mut window = ReplayWindow::new(64).expect("a size in range");
    window.skip_to(u64::MAX);
    assert_eq!(window.extend(u32::MAX), Some(u64::MAX));
    assert_eq!(window.extend(u32::MAX - 63), Some(u64::MAX - 63));
    // Beyond the last number of all.
    assert_eq!(window.extend(u32::MAX - 64), None);
    assert_eq!(window.extend(0), None);
}
