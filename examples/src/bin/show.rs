//! Asks a running `hub` or `spoke`: `show 'show dmvpn detail'`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use clap::Parser;
    use dmvpn_examples::router::{self, ShowArgs};

    router::show(&ShowArgs::parse())
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    dmvpn_examples::linux_only("show")
}
