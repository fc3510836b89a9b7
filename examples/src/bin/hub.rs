//! A DMVPN hub on Linux from an IOS-XE configuration.
#![forbid(unsafe_code)]

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use clap::Parser;
    use dmvpn_examples::router::{self, Args, Role};

    router::main(Role::Hub, &Args::parse())
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    dmvpn_examples::linux_only("hub")
}
