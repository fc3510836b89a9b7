//! A whole DMVPN cloud in one process, in virtual time, without privileges.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use dmvpn_examples::lab::{self, Args};

fn main() -> ExitCode {
    lab::run(&Args::parse())
}
