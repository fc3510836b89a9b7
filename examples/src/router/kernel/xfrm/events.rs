//! What the kernel says of SAs.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use mio::{Registry, Token};
use netlink_packet_xfrm::XfrmMessage;
use netlink_packet_xfrm::constants::{
    XFRMNLGRP_ACQUIRE, XFRMNLGRP_AEVENTS, XFRMNLGRP_EXPIRE, XFRMNLGRP_MAPPING,
};
use netlink_sys::protocols::NETLINK_XFRM;

use super::super::super::netlink::Notifications;
use super::REQID;
use super::states::SaName;

/// A fact about an SA of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Event {
    /// Authentic packets came in.
    Used(SaName),
    /// A limit was met.
    Expired {
        /// Which SA.
        sa: SaName,
        /// Whether the kernel has taken it out.
        hard: bool,
    },
    /// An authentic packet came from another address or port.
    Moved {
        /// Which SA.
        sa: SaName,
        /// Where it came from.
        remote: SocketAddr,
    },
    /// There is no SA for a packet.
    Missing {
        /// Our address.
        local: Ipv4Addr,
        /// The peer's.
        remote: Ipv4Addr,
    },
}

/// Where the kernel says them.
pub(in super::super) struct Events {
    notifications: Notifications<XfrmMessage>,
}

impl Events {
    pub(in super::super) fn open() -> io::Result<Self> {
        let groups = [XFRMNLGRP_ACQUIRE, XFRMNLGRP_EXPIRE, XFRMNLGRP_AEVENTS, XFRMNLGRP_MAPPING];
        Ok(Self { notifications: Notifications::open(NETLINK_XFRM, &groups)? })
    }

    pub(in super::super) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        self.notifications.register(registry, token)
    }

    /// What the kernel said next.
    pub(in super::super) fn receive(&mut self) -> io::Result<Vec<Event>> {
        Ok(self.notifications.receive()?.iter().filter_map(event_of).collect())
    }

    /// How often something was left out.
    pub(in super::super) fn overruns(&self) -> u64 {
        self.notifications.overruns
    }
}

pub(super) fn event_of(message: &XfrmMessage) -> Option<Event> {
    match message {
        XfrmMessage::NewAsyncEvent(message) if message.id.reqid == REQID => {
            let sa = &message.id.sa_id;
            Some(Event::Used((sa.daddr.to_ipv4(), sa.spi)))
        }
        XfrmMessage::Expire(message) if message.expire.state.reqid == REQID => {
            let id = &message.expire.state.id;
            // What waited for an SA in vain has SPI 0.
            (id.spi != 0)
                .then(|| Event::Expired { sa: (id.daddr.to_ipv4(), id.spi), hard: message.expire.hard != 0 })
        }
        XfrmMessage::Mapping(message) if message.map.reqid == REQID => {
            let map = &message.map;
            let remote = SocketAddr::from((map.new_saddr.to_ipv4(), map.new_sport));
            Some(Event::Moved { sa: (map.id.daddr.to_ipv4(), map.id.spi), remote })
        }
        XfrmMessage::Acquire(message) => {
            let acquire = &message.acquire;
            Some(Event::Missing { local: acquire.saddr.to_ipv4(), remote: acquire.id.daddr.to_ipv4() })
        }
        _ => None,
    }
}
