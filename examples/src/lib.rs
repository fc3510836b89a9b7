//! What the binaries are made of.
#![forbid(unsafe_code)]
// Binaries talk to a terminal, and an invariant of a laboratory may be said with `expect`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

pub mod check;
pub mod lab;
#[cfg(target_os = "linux")]
pub mod router;

/// What a router's binary says where there is no Linux under it.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn linux_only(name: &str) -> std::process::ExitCode {
    eprintln!("{name}: runs on Linux only; `lab` runs a whole cloud anywhere");
    std::process::ExitCode::FAILURE
}
