//! What sealing and opening cost, and how that compares with the bare cipher of the same library.
//!
//! `cargo bench -p dmvpn-esp --features aws-lc` prints the ratios, each measured side by side with its reference, and
//! then divan's table of rates. All figures are for one core; every call works on [`PACKETS`] packets in memory that stays in the cache.
#![expect(clippy::print_stdout, reason = "a benchmark reports")]

mod bare;
mod contender;
mod ratios;

use std::cell::RefCell;

use contender::{Case, Contender, Open, Seal};
use divan::Bencher;
use divan::counter::ItemsCount;

/// Packets per timed call: enough to time well, few enough to stay in the cache.
const PACKETS: usize = 64;

fn main() {
    // Under `cargo test`, and `cargo bench -- --test`, there is only a quick look at whether everything runs.
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--bench") && !arguments.contains(&"--test".to_owned()) {
        ratios::print();
    }
    divan::main();
}

fn run(bencher: Bencher<'_, '_>, contender: impl Contender) {
    let contender = RefCell::new(contender);
    bencher
        .with_inputs(|| contender.borrow_mut().prepare())
        .counter(ItemsCount::new(PACKETS))
        .bench_local_values(|()| contender.borrow_mut().run());
}

#[divan::bench(args = Case::all(), sample_size = 1, sample_count = 200)]
fn seal(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, Seal::new(case, 1));
}

#[divan::bench(args = Case::all(), sample_size = 1, sample_count = 200)]
fn seal_batch_of_8(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, Seal::new(case, 8));
}

#[divan::bench(args = Case::all(), sample_size = 1, sample_count = 200)]
fn open(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, Open::new(case, 1));
}

#[divan::bench(args = Case::all(), sample_size = 1, sample_count = 200)]
fn open_batch_of_8(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, Open::new(case, 8));
}

#[divan::bench(args = Case::all(), sample_size = 1, sample_count = 200)]
fn bare_seal(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, bare::BareSeal::new(case));
}

#[divan::bench(args = Case::all(), sample_size = 1, sample_count = 200)]
fn bare_open(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, bare::BareOpen::new(case));
}
