//! What the binaries are made of.
#![forbid(unsafe_code)]
// Binaries talk to a terminal, and an invariant of a laboratory may be said with `expect`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

pub mod lab;
#[cfg(target_os = "linux")]
pub mod router;
