//! `cargo +nightly fuzz run ospf_router`: see README.md.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| dmvpn_fuzz::ospf_router(data));

#[cfg(not(fuzzing))]
fn main() -> Result<(), &'static str> {
    Err("only what cargo-fuzz builds can fuzz; the program `replay` runs inputs without it")
}
