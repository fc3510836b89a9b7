//! The command line of `live`, and the configuration that it makes.

use std::error::Error;
use std::net::Ipv4Addr;
use std::num::TryFromIntError;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use ipnet::Ipv4Net;
use ospf_p2mp::auth::{Algorithm, Key, KeyChain, Password};
use ospf_p2mp::{AreaId, Authentication, Config, InterfaceConfig, InterfaceId, NetworkType, NextHopMode};

#[derive(Parser)]
pub(crate) struct Args {
    #[arg(long)]
    pub(crate) router_id: Ipv4Addr,
    /// Name of the tunnel
    #[arg(long)]
    pub(crate) interface: String,
    /// Our address on the tunnel, with the prefix length of the cloud
    #[arg(long)]
    pub(crate) address: Ipv4Net,
    #[arg(long, default_value = "0.0.0.0")]
    pub(crate) area: Ipv4Addr,
    /// Cost of the tunnel and of the LANs
    #[arg(long, default_value_t = 10)]
    pub(crate) cost: u16,
    /// Seconds between Hellos
    #[arg(long, default_value_t = 10)]
    pub(crate) hello: u64,
    /// Seconds of silence until a neighbour is dead
    #[arg(long, default_value_t = 40)]
    pub(crate) dead: u64,
    #[arg(long, default_value_t = 1400)]
    pub(crate) mtu: u16,
    #[arg(long)]
    pub(crate) mtu_ignore: bool,
    /// Hellos go to neighbours, not to 224.0.0.5
    #[arg(long)]
    pub(crate) non_broadcast: bool,
    /// A neighbour to greet without being greeted (repeatable)
    #[arg(long = "neighbor")]
    pub(crate) neighbors: Vec<Ipv4Addr>,
    #[arg(long, value_enum, default_value_t = Mode::Originator)]
    pub(crate) next_hop: Mode,
    /// simple:PASSWORD or (md5|sha1|sha256|sha384|sha512):ID:KEY
    #[arg(long, value_parser = authentication)]
    pub(crate) auth: Option<Authentication>,
    /// A LAN to advertise: our address on it (repeatable)
    #[arg(long = "lan")]
    pub(crate) lans: Vec<Ipv4Net>,
    /// The area of the LANs, if it is not the tunnel's
    #[arg(long)]
    pub(crate) lan_area: Option<Ipv4Addr>,
    /// A prefix to advertise as external (repeatable)
    #[arg(long)]
    pub(crate) redistribute: Vec<Ipv4Net>,
    /// A gateway whose direct path works (repeatable)
    #[arg(long)]
    pub(crate) direct: Vec<Ipv4Addr>,
    /// Seconds after which the router withdraws what it said, and ends
    #[arg(long)]
    pub(crate) run_for: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Mode {
    Originator,
    Rfc2328,
}

impl Args {
    /// What the router is told. `now` is the UNIX time in seconds.
    pub(crate) fn configuration(&self, tunnel: InterfaceId, now: u64) -> Result<Config, TryFromIntError> {
        let (address, length) = (self.address.addr(), self.address.prefix_len());
        let mut tunnel = InterfaceConfig::tunnel(tunnel, self.interface.as_str(), address, length);
        tunnel.area = AreaId(self.area);
        tunnel.cost = self.cost;
        tunnel.hello_interval = Duration::from_secs(self.hello);
        tunnel.dead_interval = Duration::from_secs(self.dead);
        (tunnel.mtu, tunnel.mtu_ignore) = (self.mtu, self.mtu_ignore);
        tunnel.network = NetworkType::PointToMultipoint { non_broadcast: self.non_broadcast };
        tunnel.neighbors.clone_from(&self.neighbors);
        tunnel.authentication = self.auth.clone().unwrap_or_default();
        tunnel.next_hop = match self.next_hop {
            Mode::Originator => NextHopMode::Originator,
            Mode::Rfc2328 => NextHopMode::Rfc2328,
        };
        let mut config = Config::new(self.router_id);
        config.interfaces.push(tunnel);
        for (id, lan) in (1..).zip(&self.lans) {
            let name = format!("lan{id}");
            let mut lan = InterfaceConfig::lan(InterfaceId(id), name, lan.addr(), lan.prefix_len());
            lan.cost = self.cost;
            lan.area = AreaId(self.lan_area.unwrap_or(self.area));
            config.interfaces.push(lan);
        }
        // Cryptographic sequence numbers must not fall back when the program is started again.
        config.sequence_base = u32::try_from(now)?;
        Ok(config)
    }
}

fn authentication(text: &str) -> Result<Authentication, Box<dyn Error + Send + Sync>> {
    let (kind, rest) = text.split_once(':').ok_or("no colon")?;
    if kind == "simple" {
        return Ok(Authentication::Simple(Password::new(rest.as_bytes())?));
    }
    let algorithm = match kind {
        "md5" => Algorithm::Md5,
        "sha1" => Algorithm::HmacSha1,
        "sha256" => Algorithm::HmacSha256,
        "sha384" => Algorithm::HmacSha384,
        "sha512" => Algorithm::HmacSha512,
        _ => return Err("unknown algorithm".into()),
    };
    let (id, key) = rest.split_once(':').ok_or("no key")?;
    Ok(Authentication::Cryptographic(KeyChain::new(vec![Key::new(id.parse()?, algorithm, key.as_bytes())])))
}
