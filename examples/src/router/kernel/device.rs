//! The kernel's multipoint GRE interface of a tunnel.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use dmvpn::forward::{InterfaceCounters, TunnelSettings};
use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    GreIOFlags, InfoData, InfoGre, InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, Stats64,
};
use netlink_packet_route::neighbour_table::{
    NeighbourTableAttribute, NeighbourTableMessage, NeighbourTableParameter,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::super::Error;
use super::super::netlink::Requests;

/// What devices of ours are marked with, as their alias: `ip link show` prints it.
const MARK: &str = "dmvpn: ";
/// How often the kernel asks for an unresolved or a used next hop before it gives up, one second apart.
const PROBES: u32 = 3;
/// How long the kernel takes a next hop for granted that it was told of, on average; afterwards its use is reported.
const REACHABLE_MS: u64 = 4_000;
/// How long the kernel lets packets to a next hop pass before it reports its use.
const DELAY_MS: u64 = 1_000;

/// `IFLA_GRE_IGNORE_DF`: the outer header does not take over what the inner one says about fragmentation.
const IGNORE_DF: u16 = 19;
/// `IFLA_GRE_TOS` 1: the outer header has the inner one's DSCP, and ECN by RFC 6040.
const INHERIT_TOS: u8 = 1;

/// The interface of one tunnel.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) settings: TunnelSettings,
    /// Its name here, as `tunnel0`.
    pub(super) name: String,
    /// The kernel's number of the device.
    pub(super) index: u32,
    local: Ipv4Addr,
    ttl: u8,
}

/// What a tunnel's device is made from.
pub(super) struct Plan<'a> {
    pub(super) settings: &'a TunnelSettings,
    pub(super) name: String,
    pub(super) local: Ipv4Addr,
    /// `tunnel ttl`.
    pub(super) ttl: u8,
    pub(super) hostname: &'a str,
}

/// Removes a device of this name that a router left behind. One that is somebody else's stays, and is an error.
pub(super) fn remove_stale(requests: &mut Requests<RouteNetlinkMessage>, name: &str) -> Result<(), Error> {
    let Some(link) = find(requests, name)? else { return Ok(()) };
    let ours = link
        .attributes
        .iter()
        .any(|attribute| matches!(attribute, LinkAttribute::IfAlias(alias) if alias.starts_with(MARK)));
    if !ours {
        return Err(format!(
            "{name}: there is a device of this name that is not ours: remove it (ip link del {name}), or call the \
             tunnel's something else (--interface)"
        )
        .into());
    }
    delete(requests, link.header.index)?;
    Ok(())
}

impl Device {
    /// Makes the device, without bringing it up.
    pub(super) fn make(requests: &mut Requests<RouteNetlinkMessage>, plan: Plan<'_>) -> Result<Self, Error> {
        let Plan { settings, name, local, ttl, hostname } = plan;
        let mut link = LinkMessage::default();
        link.attributes = vec![
            LinkAttribute::IfName(name.clone()),
            LinkAttribute::Mtu(u32::from(settings.ip_mtu)),
            gre_info(settings, local, ttl),
        ];
        let flags = NLM_F_CREATE | NLM_F_EXCL;
        requests
            .ask(RouteNetlinkMessage::NewLink(link), flags)
            .map_err(|error| explain(&name, settings, &error))?;
        let found = find(requests, &name)?;
        let index = found.map(|link| link.header.index).ok_or_else(|| format!("{name}: gone again"))?;
        let device = Self { settings: settings.clone(), name, index, local, ttl };
        match device.prepare(requests, hostname) {
            Ok(()) => Ok(device),
            Err(error) => {
                // What cannot be used does not stay.
                let _ = device.remove(requests);
                Err(error)
            }
        }
    }

    /// Marks the device as ours, gives it its address, and makes the kernel ask us for next hops on it.
    fn prepare(&self, requests: &mut Requests<RouteNetlinkMessage>, hostname: &str) -> Result<(), Error> {
        let mut link = LinkMessage::default();
        link.header.index = self.index;
        link.attributes = vec![LinkAttribute::IfAlias(format!("{MARK}{hostname}"))];
        requests.ask(RouteNetlinkMessage::SetLink(link), 0)?;
        self.add_address(requests)?;
        self.let_us_resolve(requests)?;
        self.set_options();
        Ok(())
    }

    /// Brings the device up. From now on the kernel asks for the NBMA addresses of next hops.
    pub(super) fn bring_up(&self, requests: &mut Requests<RouteNetlinkMessage>) -> io::Result<()> {
        let mut link = LinkMessage::default();
        link.header.index = self.index;
        link.header.flags = LinkFlags::Up | LinkFlags::Multicast;
        // Without "no ARP" the kernel resolves next hops.
        link.header.change_mask = LinkFlags::Up | LinkFlags::Multicast | LinkFlags::Noarp;
        requests.ask(RouteNetlinkMessage::SetLink(link), 0)
    }

    /// Takes over what a new configuration says of the tunnel: key, MTU, TTL, fragmentation.
    pub(super) fn change(
        &mut self,
        requests: &mut Requests<RouteNetlinkMessage>,
        settings: &TunnelSettings,
        ttl: u8,
    ) -> io::Result<()> {
        if (&self.settings, self.ttl) == (settings, ttl) {
            return Ok(());
        }
        let mut link = LinkMessage::default();
        link.header.index = self.index;
        link.attributes =
            vec![LinkAttribute::Mtu(u32::from(settings.ip_mtu)), gre_info(settings, self.local, ttl)];
        requests.ask(RouteNetlinkMessage::NewLink(link), 0)?;
        (self.settings, self.ttl) = (settings.clone(), ttl);
        Ok(())
    }

    /// Takes the device away, with its routes and neighbours.
    pub(super) fn remove(&self, requests: &mut Requests<RouteNetlinkMessage>) -> io::Result<()> {
        delete(requests, self.index)
    }

    /// What the kernel counted.
    pub(super) fn counters(
        &self,
        requests: &mut Requests<RouteNetlinkMessage>,
    ) -> io::Result<InterfaceCounters> {
        let mut link = LinkMessage::default();
        link.header.index = self.index;
        let RouteNetlinkMessage::NewLink(link) = requests.get(RouteNetlinkMessage::GetLink(link))? else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let stats = link.attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::Stats64(stats) => Some(counters_of(stats)),
            _ => None,
        });
        Ok(stats.unwrap_or_default())
    }

    fn add_address(&self, requests: &mut Requests<RouteNetlinkMessage>) -> Result<(), Error> {
        let TunnelSettings { address, prefix, .. } = &self.settings;
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = prefix.prefix_len();
        message.header.index = self.index;
        message.attributes = vec![
            AddressAttribute::Local(IpAddr::V4(*address)),
            AddressAttribute::Address(IpAddr::V4(*address)),
        ];
        requests
            .ask(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_REPLACE)
            .map_err(|error| format!("{}: cannot have the address {address}: {error}", self.name))?;
        Ok(())
    }

    /// The kernel does not look for next hops by itself (there is no ARP on GRE): it asks us, by netlink.
    fn let_us_resolve(&self, requests: &mut Requests<RouteNetlinkMessage>) -> Result<(), Error> {
        use NeighbourTableParameter as Parameter;
        let mut message = NeighbourTableMessage::default();
        message.header.family = AddressFamily::Inet;
        message.attributes = vec![
            NeighbourTableAttribute::Name("arp_cache".to_owned()),
            NeighbourTableAttribute::Parms(vec![
                Parameter::Ifindex(self.index),
                Parameter::AppProbes(PROBES),
                Parameter::UcastProbes(0),
                Parameter::McastProbes(0),
                Parameter::BaseReachableTime(REACHABLE_MS),
                Parameter::DelayProbeTime(DELAY_MS),
            ]),
        ];
        requests.ask(RouteNetlinkMessage::SetNeighbourTable(message), NLM_F_REPLACE).map_err(|error| {
            format!("{}: the kernel does not leave next hops to this program: {error}", self.name)
        })?;
        Ok(())
    }

    /// What else the kernel has to do differently on the device. Where it cannot be set (a read-only /proc in a
    /// container) the router still works, with less: each line says what.
    fn set_options(&self) {
        let settings = [
            // A packet may come in before the route back to its sender does.
            ("ipv4", "rp_filter", "2"),
            // Next hops on the tunnel are NHRP's affair (`no ip redirects`).
            ("ipv4", "send_redirects", "0"),
            ("ipv4", "accept_redirects", "0"),
            // The tunnel carries IPv4; without this the kernel sends router solicitations into it.
            ("ipv6", "disable_ipv6", "1"),
        ];
        for (family, option, value) in settings {
            let path = format!("/proc/sys/net/{family}/conf/{}/{option}", self.name);
            if let Err(error) = std::fs::write(&path, value)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!("{path}: cannot be set to {value}: {error}");
            }
        }
    }
}

/// What the kernel's GRE interface of a tunnel is like.
fn gre_info(settings: &TunnelSettings, local: Ipv4Addr, ttl: u8) -> LinkAttribute {
    let mut gre = vec![
        InfoGre::Local(local),
        InfoGre::Ttl(ttl),
        InfoGre::Tos(INHERIT_TOS),
        // The inner packet decides, and only if the configuration asks for it.
        InfoGre::PathMTUDiscovery(false),
        InfoGre::Other(DefaultNla::new(IGNORE_DF, vec![u8::from(!settings.path_mtu_discovery)])),
    ];
    if let Some(key) = settings.key {
        gre.extend([
            InfoGre::IFlags(GreIOFlags::Key),
            InfoGre::OFlags(GreIOFlags::Key),
            InfoGre::IKey(key),
            InfoGre::OKey(key),
        ]);
    }
    LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::GreTun), LinkInfo::Data(InfoData::GreTun(gre))])
}

fn counters_of(stats: &Stats64) -> InterfaceCounters {
    InterfaceCounters {
        packets_in: stats.rx_packets,
        bytes_in: stats.rx_bytes,
        packets_out: stats.tx_packets,
        bytes_out: stats.tx_bytes,
        multicast_in: stats.multicast,
        drops_in: stats.rx_dropped + stats.rx_errors,
        drops_out: stats.tx_dropped + stats.tx_errors,
        ..InterfaceCounters::default()
    }
}

fn find(requests: &mut Requests<RouteNetlinkMessage>, name: &str) -> io::Result<Option<LinkMessage>> {
    let mut link = LinkMessage::default();
    link.attributes = vec![LinkAttribute::IfName(name.to_owned())];
    match requests.get(RouteNetlinkMessage::GetLink(link)) {
        Ok(RouteNetlinkMessage::NewLink(link)) => Ok(Some(link)),
        Ok(_) => Err(io::ErrorKind::InvalidData.into()),
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(None),
        Err(error) => Err(error),
    }
}

fn delete(requests: &mut Requests<RouteNetlinkMessage>, index: u32) -> io::Result<()> {
    let mut link = LinkMessage::default();
    link.header.index = index;
    requests.ask(RouteNetlinkMessage::DelLink(link), 0)
}

/// Says what a person can do about a GRE interface that cannot be made.
fn explain(name: &str, settings: &TunnelSettings, error: &io::Error) -> String {
    let key = settings.key.map_or("none".to_owned(), |key| key.to_string());
    let advice = match error.raw_os_error() {
        Some(libc::EPERM) => ": this needs CAP_NET_ADMIN".to_owned(),
        Some(libc::EOPNOTSUPP | libc::ENODEV) => ": the kernel has no GRE (modprobe ip_gre)".to_owned(),
        Some(libc::EEXIST) => {
            format!(
                ": there is another GRE interface with this source and key ({key}): ip -d link show type gre"
            )
        }
        _ => String::new(),
    };
    format!("{name}: no GRE interface: {error}{advice}")
}
