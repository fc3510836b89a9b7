//! Reads the configurations of a whole cloud and says what will not work, before anything runs.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use dmvpn_examples::check::{Args, main as check};

fn main() -> ExitCode {
    check(&Args::parse())
}
