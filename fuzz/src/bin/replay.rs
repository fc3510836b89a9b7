//! `replay TARGET FILE...`: runs inputs through a fuzz body, without a fuzzer.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let Some(target) = dmvpn_fuzz::TARGETS.iter().find(|target| target.name == name) else {
        println!("usage: replay TARGET FILE...\ntargets:");
        for target in dmvpn_fuzz::TARGETS {
            println!("  {}", target.name);
        }
        return ExitCode::from(2);
    };
    for file in arguments {
        match std::fs::read(&file) {
            Ok(input) => {
                println!("{file}");
                (target.body)(&input);
            }
            Err(error) => {
                println!("{file}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
