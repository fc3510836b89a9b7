//! Asks a running `hub` or `spoke`: `show 'show dmvpn detail'`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use dmvpn_examples::router::{self, ShowArgs};

fn main() -> ExitCode {
    router::show(&ShowArgs::parse())
}
