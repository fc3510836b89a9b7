//! `hub` and `spoke`: a real router on Linux.
//!
//! One thread waits for sockets, devices, signals and the engine's next timeout, and hands everything to the engine:
//!
//! - `run`: the loop;
//! - `dataplane`: the seam between the loop and what moves packets: `user` does so in user space, `kernel` has the
//!   kernel do it;
//! - `routes`: the engine's routes through tunnels, in the kernel's main table under a protocol number of their own;
//! - `local`: no privileges, everything on loopback, for a look;
//! - `control`: the socket that `show` talks to, `client`: `show` itself;
//! - `log`: what is logged, and `debug`;
//! - `metrics`: what Prometheus asks for.

mod args;
mod client;
mod clock;
mod control;
mod dataplane;
mod kernel;
mod local;
mod log;
mod metrics;
mod names;
mod netlink;
mod routes;
mod run;
mod user;

use std::process::ExitCode;

use dmvpn::config::{Config, Diagnostic, Severity, ios};
use dmvpn::{BuildError, Engine, Hub, Options, Spoke};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

pub use args::{Args, ShowArgs};
pub use client::show;
pub use control::default_socket;

/// A complaint that ends the program.
pub type Error = Box<dyn std::error::Error>;

/// What the tunnels of the configuration have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Servers of registrations.
    Hub,
    /// Clients of a hub.
    Spoke,
}

/// Runs a router until it is told to stop.
#[must_use]
pub fn main(role: Role, args: &Args) -> ExitCode {
    let outcome = start(role, args);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", name_of(role));
            ExitCode::FAILURE
        }
    }
}

fn start(role: Role, args: &Args) -> Result<(), Error> {
    let mut config = read(args)?;
    if args.check {
        return build(role, config, args).map(|_| ());
    }
    let log = log::Log::start();
    loop {
        let engine = build(role, config, args)?;
        match run::run(engine, args, &log)? {
            run::Next::End => return Ok(()),
            run::Next::Again(next) => config = *next,
        }
    }
}

/// Reads the configuration; complaints go to the terminal, all at once.
fn read(args: &Args) -> Result<Config, Error> {
    let name = args.config.display().to_string();
    let text = std::fs::read_to_string(&args.config).map_err(|error| format!("{name}: {error}"))?;
    let parsed = ios::parse(&name, &text);
    let mut complaints: Vec<Diagnostic> = parsed.diagnostics;
    complaints.extend(parsed.config.validate());
    let least = if args.check { Severity::Note } else { Severity::Warning };
    for complaint in complaints.iter().filter(|complaint| complaint.severity >= least) {
        eprintln!("{complaint}");
    }
    match complaints.iter().any(Diagnostic::is_error) {
        true => Err("there is an error in the configuration".into()),
        false => Ok(parsed.config),
    }
}

fn build(role: Role, config: Config, args: &Args) -> Result<Engine, Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| format!("no randomness from the system: {error}"))?;
    let rng = ChaCha20Rng::from_seed(seed);
    let mut options = Options::default();
    // The routes for the kernel are read from the actions.
    options.export_actions = true;
    options.host_routes_lans = args.local.is_none();
    options.external_forwarding = args.dataplane == args::Plane::Kernel && args.local.is_none();
    options.unix_time = clock::unix_time();
    let now = clock::now();
    let built: Result<Engine, BuildError> = match role {
        Role::Hub => Hub::with_options(config, options, rng, now).map(Hub::into_engine),
        Role::Spoke => Spoke::with_options(config, options, rng, now).map(Spoke::into_engine),
    };
    Ok(built?)
}

const fn name_of(role: Role) -> &'static str {
    match role {
        Role::Hub => "hub",
        Role::Spoke => "spoke",
    }
}
