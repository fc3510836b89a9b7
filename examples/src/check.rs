//! `check`: what is wrong with a cloud, from its configuration files alone.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use dmvpn::config::{Diagnostic, Severity, check, ios};
use serde_json::json;

/// Reads the IOS-XE configurations of a whole cloud and says what will not work, before anything runs.
///
/// Each line of output is a finding: file, line, how bad it is, what will happen, and the line that helps. The exit status is
/// 0 without errors, 1 with errors (with --strict: with warnings too), and 2 if a file cannot be read.
#[derive(Debug, Clone, Parser)]
#[command(version, max_term_width = 100)]
pub struct Args {
    /// The configurations of hubs and spokes that belong together
    #[arg(required = true, value_name = "CONFIG")]
    pub files: Vec<PathBuf>,

    /// Print data (JSON) instead of text
    #[arg(long)]
    pub json: bool,

    /// Warnings count like errors for the exit status
    #[arg(long)]
    pub strict: bool,

    /// Print notes too
    #[arg(long)]
    pub notes: bool,
}

/// Checks the files and prints what was found.
#[must_use]
pub fn main(args: &Args) -> ExitCode {
    let mut parsed = Vec::new();
    for path in &args.files {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => parsed.push(ios::parse(&name, &text)),
            Err(error) => {
                eprintln!("check: {name}: {error}");
                return ExitCode::from(2);
            }
        }
    }
    let found = check::files(&parsed);
    let least = if args.notes { Severity::Note } else { Severity::Warning };
    let shown: Vec<&Diagnostic> = found.iter().filter(|one| one.severity >= least).collect();
    let count = |severity: Severity| found.iter().filter(|one| one.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if args.json {
        let findings: Vec<_> = shown.iter().map(|one| data(one)).collect();
        println!("{:#}", json!({ "errors": errors, "warnings": warnings, "findings": findings }));
    } else {
        for one in shown {
            println!("{one}");
        }
        let files = args.files.len();
        println!(
            "{files} file{}: {errors} error{}, {warnings} warning{}",
            plural(files),
            plural(errors),
            plural(warnings)
        );
    }
    ExitCode::from(u8::from(errors > 0 || (args.strict && warnings > 0)))
}

fn data(found: &Diagnostic) -> serde_json::Value {
    json!({
        "severity": found.severity.to_string(),
        "rule": found.rule.name(),
        "file": &*found.line.file,
        "line": found.line.number,
        "column": found.column,
        "words": found.words,
        "message": found.message,
        "expected": found.expected,
    })
}

const fn plural(number: usize) -> &'static str {
    if number == 1 { "" } else { "s" }
}
