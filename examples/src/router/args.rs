//! The command lines.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// A DMVPN router on Linux from an IOS-XE configuration.
///
/// Needs CAP_NET_ADMIN (devices, routes, IPsec) and CAP_NET_RAW (ESP, control packets). The kernel must have the tunnel source's address
/// and the LAN's, and must forward (net.ipv4.ip_forward).
#[derive(Debug, Clone, Parser)]
#[command(version, max_term_width = 100)]
pub struct Args {
    /// The IOS-XE configuration
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,

    /// Read the configuration, say what is wrong or doubtful about it, and stop
    #[arg(long)]
    pub check: bool,

    /// The socket that `show` asks [default: HOSTNAME.sock in /run/dmvpn, or dmvpn in $XDG_RUNTIME_DIR]
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,

    /// Without privileges, for a look: the underlay is UDP on loopback addresses (A.B.C.D is 127.B.C.D) and this port, and
    /// behind each LAN address a host answers ping
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "10500", require_equals = true,
        value_parser = clap::value_parser!(u16).range(1024..))]
    pub local: Option<u16>,

    /// What moves the packets
    #[arg(long, value_enum, value_name = "PLANE", default_value_t = Plane::User, conflicts_with = "local")]
    pub dataplane: Plane,

    /// What an interface of the configuration is called here, as GigabitEthernet0/0/0=eth0 or Tunnel0=dmvpn0 [default: a
    /// tunnel its own name in small letters; others their own name, or the interface that has the configured address]
    #[arg(long, value_name = "NAME=DEVICE", value_parser = pair)]
    pub interface: Vec<(String, String)>,

    /// Answer Prometheus at http://ADDRESS/metrics; PORT alone is on 127.0.0.1
    #[arg(long, value_name = "[ADDRESS:]PORT", value_parser = metrics)]
    pub metrics: Option<SocketAddr>,

    /// Keep a tunnel's routes out of the kernel; LANs then reach only what has a route from elsewhere
    #[arg(long)]
    pub no_routes: bool,
}

impl Args {
    /// What an interface of the configuration is called on this machine, as far as the command line says it.
    #[must_use]
    pub fn mapped(&self, name: &str) -> Option<&str> {
        let found = self.interface.iter().find(|(interface, _)| interface.eq_ignore_ascii_case(name));
        found.map(|(_, device)| device.as_str())
    }

    /// The device of a tunnel.
    #[must_use]
    pub fn device_name(&self, tunnel: &str) -> String {
        self.mapped(tunnel).map_or_else(|| tunnel.to_ascii_lowercase(), str::to_owned)
    }
}

/// What moves the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Plane {
    /// This program: a TUN device for each tunnel
    User,
    /// The kernel: its GRE interfaces, neighbours, IPsec (XFRM) and routes, which this program keeps
    Kernel,
}

fn metrics(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.trim_start_matches(':').parse() {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    text.parse().map_err(|_| "expected a port, or an address and a port as 127.0.0.1:9100".to_owned())
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, device)) if !name.is_empty() && !device.is_empty() => {
            Ok((name.to_owned(), device.to_owned()))
        }
        _ => Err("expected NAME=DEVICE".to_owned()),
    }
}

/// Asks a running `hub` or `spoke`.
///
/// COMMAND is a show command of IOS-XE ('show dmvpn detail'), 'show tech', 'show logging', 'show io', 'clear ip nhrp',
/// 'clear crypto session', 'debug nhrp', 'undebug all', and with --local 'ping ADDRESS source ADDRESS' or 'traceroute
/// ADDRESS'.
#[derive(Debug, Clone, Parser)]
#[command(version, max_term_width = 100)]
pub struct ShowArgs {
    /// The name of the router, where several run [default: the only one]
    #[arg(long, short, value_name = "HOSTNAME", conflicts_with = "control")]
    pub router: Option<String>,

    /// The router's socket
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,

    /// Print data (JSON) instead of text
    #[arg(long)]
    pub json: bool,

    /// Ask again every so many seconds, on a cleared screen
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", require_equals = true,
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub watch: Option<u64>,

    /// The command, in one word or several
    #[arg(required = true, trailing_var_arg = true)]
    pub command: Vec<String>,
}
