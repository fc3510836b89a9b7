//! A DMVPN spoke on Linux from an IOS-XE configuration.
#![forbid(unsafe_code)]

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use clap::Parser;
    use dmvpn_examples::router::{self, Args, Role};

    router::main(Role::Spoke, &Args::parse())
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    dmvpn_examples::linux_only("spoke")
}
