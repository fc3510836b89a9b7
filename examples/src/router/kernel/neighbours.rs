//! The kernel's neighbour entries on GRE interfaces.

use std::io;
use std::net::Ipv4Addr;

use mio::{Registry, Token};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::RouteType;
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;

use super::super::netlink::{Notifications, Requests};
use super::next_hops::Update;

/// `RTNLGRP_NEIGH`.
const GROUP: u32 = 3;

/// What the kernel says of a next hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) device: u32,
    pub(super) next_hop: Ipv4Addr,
    /// It has no entry any more; otherwise it asks for one, or whether the one that it uses still holds.
    pub(super) is_forgotten: bool,
}

/// The entries, and where the kernel asks for them.
pub(super) struct Neighbours {
    requests: Requests<RouteNetlinkMessage>,
    notifications: Notifications<RouteNetlinkMessage>,
}

impl Neighbours {
    pub(super) fn open() -> io::Result<Self> {
        let requests = Requests::open(NETLINK_ROUTE)?;
        let notifications = Notifications::open(NETLINK_ROUTE, &[GROUP])?;
        Ok(Self { requests, notifications })
    }

    pub(super) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        self.notifications.register(registry, token)
    }

    /// What the kernel said next.
    pub(super) fn receive(&mut self) -> io::Result<Vec<Question>> {
        Ok(self.notifications.receive()?.iter().filter_map(question).collect())
    }

    /// How often something was left out.
    pub(super) fn overruns(&self) -> u64 {
        self.notifications.overruns
    }

    /// Sets an entry, or takes it out.
    pub(super) fn set(&mut self, device: u32, update: Update) -> io::Result<()> {
        let mut message = NeighbourMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.ifindex = device;
        message.header.kind = RouteType::Unicast;
        message.attributes = vec![NeighbourAttribute::Destination(NeighbourAddress::Inet(update.next_hop))];
        let Some(entry) = update.entry else {
            return match self.requests.ask(RouteNetlinkMessage::DelNeighbour(message), 0) {
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
                other => other,
            };
        };
        // It holds for a while; then the kernel asks again if it is used, and forgets it if it is not. One that is
        // proven is not forgotten, however many there are.
        message.header.state = NeighbourState::Reachable;
        if entry.is_direct {
            message.header.flags = NeighbourFlags::ExtLearned;
        }
        message.attributes.push(NeighbourAttribute::LinkLayerAddress(entry.nbma.octets().to_vec()));
        self.requests.ask(RouteNetlinkMessage::NewNeighbour(message), NLM_F_CREATE | NLM_F_REPLACE)
    }
}

fn question(message: &RouteNetlinkMessage) -> Option<Question> {
    let (message, is_forgotten) = match message {
        RouteNetlinkMessage::GetNeighbour(message) => (message, false),
        RouteNetlinkMessage::DelNeighbour(message) => (message, true),
        _ => return None,
    };
    let next_hop = message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(next_hop)) => Some(*next_hop),
        _ => None,
    })?;
    Some(Question { device: message.header.ifindex, next_hop, is_forgotten })
}
