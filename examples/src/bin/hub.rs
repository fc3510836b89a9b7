//! A DMVPN hub on Linux from an IOS-XE configuration.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use dmvpn_examples::router::{self, Args, Role};

fn main() -> ExitCode {
    router::main(Role::Hub, &Args::parse())
}
