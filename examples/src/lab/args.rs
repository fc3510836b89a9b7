//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Runs a DMVPN cloud in one process, in virtual time, without privileges.
///
/// Without CONFIG it runs the guide's cloud (HUB1, SPOKE1, SPOKE2), shows what the guide shows, and exits with a failure
/// if a claim of the guide does not hold. With CONFIG files it runs those routers; the underlay connects all their
/// WAN addresses.
#[derive(Debug, Clone, Parser)]
#[command(version, max_term_width = 100)]
pub struct Args {
    /// IOS-XE configuration files, one router each
    pub configs: Vec<PathBuf>,

    /// Run for this long, in virtual seconds [default: 60, or until a script has ended]
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    pub duration: Option<Duration>,

    /// The seed of everything random: the same seed gives the same run, bit for bit
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Packets lost on the underlay, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    pub loss: f64,

    /// The underlay's delay in each direction, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 20)]
    pub delay: u64,

    /// Put this router behind a port-translating NAT (repeatable)
    #[arg(long, value_name = "HOSTNAME")]
    pub nat: Vec<String>,

    /// Commands to run: lines of 'SECONDS HOSTNAME# COMMAND', where COMMAND is a show command, ping, traceroute, fail,
    /// restore, or clear
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,

    /// One command, as a line of a script (repeatable)
    #[arg(long, value_name = "'SECONDS HOSTNAME# COMMAND'")]
    pub at: Vec<String>,

    /// Print data (JSON) instead of text
    #[arg(long)]
    pub json: bool,

    /// Print events as they happen; always on with CONFIG files
    #[arg(long)]
    pub events: bool,

    /// Write the underlay's packets, and beside the file the key tables with which Wireshark reads them
    /// (ikev2_decryption_table, esp_sa)
    #[arg(long, value_name = "FILE.pcapng")]
    pub pcap: Option<PathBuf>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn percent(text: &str) -> Result<f64, String> {
    let percent: f64 = text.parse().map_err(|_| "expected a percentage".to_owned())?;
    match (0.0..=100.0).contains(&percent) {
        true => Ok(percent),
        false => Err("expected 0 to 100".to_owned()),
    }
}
