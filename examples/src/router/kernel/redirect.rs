//! Packets that came in by a tunnel and leave by one of its domain, as netfilter logs them (`ip nhrp redirect`).

use std::io;
use std::net::Ipv4Addr;

use mio::{Registry, Token};
use netlink_packet_netfilter::nflog::{ConfigCmd, ConfigMode, PacketNla, ULogMessage, config_request};
use netlink_packet_netfilter::{NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily};
use netlink_sys::protocols::NETLINK_NETFILTER;

use super::super::Error;
use super::super::netlink::Notifications;

/// The first group that is tried: "DM".
const FIRST_GROUP: u16 = 0x444d;
/// How many routers may share a network namespace.
const GROUPS: u16 = 16;
/// What a Traffic Indication quotes: an IP header and the first eight bytes behind it.
pub(super) const QUOTE: usize = 28;

/// A packet whose sender could take a shorter way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The device that it came in by.
    pub(super) device: u32,
    /// The underlay address that it came from.
    pub(super) remote: Ipv4Addr,
    /// Its IP header and the first bytes behind it.
    pub(super) packet: Vec<u8>,
}

/// The group in which netfilter logs them.
pub(super) struct Redirects {
    notifications: Notifications<NetfilterMessage>,
    pub(super) group: u16,
}

impl Redirects {
    pub(super) fn open() -> Result<Self, Error> {
        let mut last = None;
        for group in FIRST_GROUP..FIRST_GROUP + GROUPS {
            match Self::open_group(group) {
                Ok(opened) => return Ok(opened),
                Err(error) => last = Some(error),
            }
        }
        let why = last.map(|error| error.to_string()).unwrap_or_default();
        Err(format!("`ip nhrp redirect` needs netfilter's log (nfnetlink_log): {why}").into())
    }

    fn open_group(group: u16) -> io::Result<Self> {
        let mut notifications = Notifications::open(NETLINK_NETFILTER, &[])?;
        let parts = vec![ConfigCmd::Bind.into(), ConfigMode::new_packet(SNAPLEN).into()];
        notifications.subscribe(config_request(NetfilterProtoFamily::IPv4, group, parts))?;
        Ok(Self { notifications, group })
    }

    pub(super) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        self.notifications.register(registry, token)
    }

    /// The next packets.
    pub(super) fn receive(&mut self) -> io::Result<Vec<Candidate>> {
        Ok(self.notifications.receive()?.into_iter().filter_map(candidate).collect())
    }
}

/// What is logged of a packet: an IP header with options, and eight bytes.
pub(super) const SNAPLEN: u32 = 68;

fn candidate(message: NetfilterMessage) -> Option<Candidate> {
    let NetfilterMessageInner::ULog(ULogMessage::Packet(parts)) = message.inner else { return None };
    let (mut device, mut remote, mut packet) = (None, None, None);
    for part in parts {
        match part {
            PacketNla::IfIndexInDev(index) => device = Some(index),
            // The outer IP header, and the GRE header.
            PacketNla::HwHeader(header) => remote = source_of(&header),
            PacketNla::Payload(mut bytes) => {
                bytes.truncate(QUOTE);
                packet = Some(bytes);
            }
            _ => {}
        }
    }
    Some(Candidate { device: device?, remote: remote?, packet: packet? })
}

fn source_of(header: &[u8]) -> Option<Ipv4Addr> {
    header.get(12..)?.first_chunk::<4>().map(|source| Ipv4Addr::from(*source))
}
