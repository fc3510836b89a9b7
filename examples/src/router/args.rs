//! The command lines.

use std::path::PathBuf;

use clap::Parser;

/// A DMVPN router on Linux from an IOS-XE configuration.
///
/// Needs CAP_NET_ADMIN (TUN devices, routes) and CAP_NET_RAW (ESP). The kernel must have the tunnel source's address
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

    /// The socket that `show` asks [default: /run/dmvpn/HOSTNAME.sock]
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,

    /// Keep a tunnel's routes out of the kernel; LANs then reach only what has a route from elsewhere
    #[arg(long)]
    pub no_routes: bool,
}

/// Asks a running `hub` or `spoke`.
///
/// COMMAND is a show command of IOS-XE ('show dmvpn detail'), 'show io', 'clear ip nhrp', or 'clear crypto session'.
#[derive(Debug, Clone, Parser)]
#[command(version, max_term_width = 100)]
pub struct ShowArgs {
    /// The router's socket [default: the only one in /run/dmvpn]
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,

    /// Print data (JSON) instead of text
    #[arg(long)]
    pub json: bool,

    /// The command, in one word or several
    #[arg(required = true, trailing_var_arg = true)]
    pub command: Vec<String>,
}
