//! Random clouds without end: topologies, traffic and faults from one seed after the other, each compared with the
//! reference model. The same code runs a few seeds as the test `soak` of `dmvpn`.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line program")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

#[path = "../../../dmvpn/tests/soak/cloud/mod.rs"]
mod cloud;

/// Runs random clouds with random faults until the time is over, or one of them breaks.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Args {
    /// How long
    #[arg(long = "for", value_name = "MINUTES", default_value_t = 5)]
    minutes: u64,

    /// The first seed; each cloud has the one after that of the cloud before
    #[arg(long, value_name = "SEED", default_value_t = 1_000)]
    from: u64,

    /// Only this seed, with its whole story if it breaks
    #[arg(long, value_name = "SEED", conflicts_with_all = ["from", "minutes"])]
    seed: Option<u64>,

    /// Go on after a cloud that broke
    #[arg(long)]
    keep_going: bool,
}

#[allow(clippy::disallowed_methods, reason = "it runs for so long by the clock on the wall")]
fn main() -> ExitCode {
    let args = Args::parse();
    let start = Instant::now();
    let limit = Duration::from_secs(args.minutes.saturating_mul(60));
    let seeds = args.seed.map_or(args.from..=u64::MAX, |seed| seed..=seed);
    let (mut clouds, mut broken, mut virtual_time) = (0_u64, Vec::new(), Duration::ZERO);
    for seed in seeds {
        if args.seed.is_none() && start.elapsed() >= limit {
            break;
        }
        clouds += 1;
        match cloud::run(seed) {
            Ok(report) => {
                virtual_time += report.time;
                println!("seed {seed}: {report}");
            }
            Err(failure) => {
                broken.push(seed);
                eprintln!("{failure}");
                if !args.keep_going {
                    break;
                }
            }
        }
    }
    println!(
        "{clouds} clouds, {:.1} hours of virtual time in {:.0} s",
        virtual_time.as_secs_f64() / 3600.0,
        start.elapsed().as_secs_f64()
    );
    if broken.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("broken: seeds {broken:?}; each repeats with --seed");
    ExitCode::FAILURE
}
