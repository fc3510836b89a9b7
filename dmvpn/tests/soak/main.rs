//! Random clouds that suffer random faults and must come out of them as the reference model says.
//!
//! A seed decides everything, from the number of hubs to the last lost packet. `DMVPN_SEED=17 cargo test -p dmvpn
//! --features sim --test soak` runs that one alone; `cargo run --release --bin soak -- --for 60` goes on for an hour.
#![cfg(feature = "sim")]
#![allow(clippy::print_stderr, reason = "the harness keeps what a test that passes prints")]

mod cloud;

use cloud::{Report, run};

/// Runs a seed; none if the environment asks for others.
fn try_seed(seed: u64) -> Option<Report> {
    if environment().is_some_and(|asked| asked != seed) {
        return None;
    }
    match run(seed) {
        Ok(report) => {
            eprintln!("seed {seed}: {report}");
            Some(report)
        }
        Err(failure) => panic!("{failure}"),
    }
}

fn environment() -> Option<u64> {
    std::env::var("DMVPN_SEED").ok().map(|text| text.parse().expect("DMVPN_SEED is a number"))
}

/// Runs these seeds, in tests of their own so that they run beside each other.
macro_rules! seeds {
    ($($name:ident: $seeds:expr;)*) => {$(
        #[test]
        fn $name() {
            for seed in $seeds {
                try_seed(seed);
            }
        }
    )*};
}

seeds! {
    clouds_come_out_as_the_model_says_1: 0..8;
    clouds_come_out_as_the_model_says_2: 8..16;
    clouds_come_out_as_the_model_says_3: 16..24;
    clouds_come_out_as_the_model_says_4: 24..32;
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let digest = || try_seed(0).map(|report| report.digest);
    assert_eq!(digest(), digest());
}

#[test]
fn the_seed_of_the_environment() {
    environment().map(try_seed);
}
