//! `lab`: a cloud in one process, from configuration files, in virtual time.
//!
//! Without arguments it runs the guide's cloud and holds what it sees against what the guide says. With
//! configuration files it runs those, and whatever a script asks of them. Nothing is short-cut: each router
//! is a whole engine, and what travels between them are the bytes that would travel between real ones. Only the wire is
//! simulated.

mod args;
mod capture;
mod cloud;
mod command;
mod guide;
mod report;
mod script;

use std::process::ExitCode;

pub use args::Args;
pub use cloud::Cloud;
pub use report::Report;

/// A complaint that ends the program.
pub type Error = Box<dyn std::error::Error>;

/// Runs the laboratory; the exit status says whether everything held.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let mut report = Report::new(args.json);
    let outcome = match args.configs.is_empty() && args.script.is_none() && args.at.is_empty() {
        true => guide::run(args, &mut report),
        false => script::run(args, &mut report),
    };
    match outcome {
        Ok(all_holds) => {
            report.finish();
            if all_holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::from(2)
        }
    }
}
