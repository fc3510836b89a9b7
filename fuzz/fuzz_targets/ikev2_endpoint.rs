//! `cargo +nightly fuzz run ikev2_endpoint`: see README.md.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| dmvpn_fuzz::ikev2_endpoint(data));

#[cfg(not(fuzzing))]
fn main() -> Result<(), &'static str> {
    Err("only what cargo-fuzz builds can fuzz; the program `replay` runs inputs without it")
}
