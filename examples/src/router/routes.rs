//! The engine's routes through tunnels, in the kernel's main table.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;

use dmvpn::forward::{Action, Hop, Route};
use ipnet::Ipv4Net;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteNextHop, RouteNextHopFlags,
    RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;

use super::netlink::Requests;

/// Whose routes they are: a number that rt_protos gives to nobody. `ip route show proto 112` lists them.
const PROTOCOL: RouteProtocol = RouteProtocol::Other(112);
/// Behind the kernel's own and hand-made routes (0), before nothing in particular.
const METRIC: u32 = 20;

/// A next hop in the kernel's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NextHop {
    /// The device.
    pub(super) index: u32,
    /// The router behind it; none where the device itself takes packets for anybody.
    pub(super) gateway: Option<Ipv4Addr>,
}

/// The kernel's main table, as far as it is ours.
pub(super) struct Routes {
    requests: Requests<RouteNetlinkMessage>,
    /// Where each prefix leads.
    installed: BTreeMap<Ipv4Net, Vec<NextHop>>,
}

impl Routes {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self { requests: Requests::open(NETLINK_ROUTE)?, installed: BTreeMap::new() })
    }

    /// Follows what the control plane tells the forwarding plane; actions that are not about routes change nothing.
    /// `translate` turns next hops on tunnels into the kernel's; a route that is left without any is not installed.
    pub(super) fn follow(&mut self, action: &Action, translate: impl Fn(&[Hop]) -> Vec<NextHop>) {
        let (prefix, wanted) = match action {
            Action::AddRoute { prefix, route: Route::Via(hops) } => (*prefix, translate(hops)),
            Action::AddRoute { prefix, .. } | Action::RemoveRoute { prefix } => (*prefix, Vec::new()),
            _ => return,
        };
        let installed = self.installed.get(&prefix);
        if installed.map_or(&[][..], Vec::as_slice) == wanted.as_slice() {
            return;
        }
        let verb = if wanted.is_empty() { "removed" } else { "installed" };
        let changed = match wanted.is_empty() {
            true => self.remove(prefix),
            false => self.add(prefix, wanted),
        };
        if let Err(error) = changed {
            tracing::warn!("route {prefix} cannot be {verb}: {error}");
        }
    }

    /// Takes all of them out again.
    pub(super) fn clear(&mut self) {
        let prefixes: Vec<Ipv4Net> = self.installed.keys().copied().collect();
        for prefix in prefixes {
            if let Err(error) = self.remove(prefix) {
                tracing::warn!("route {prefix} cannot be removed: {error}");
            }
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.installed.len()
    }

    fn add(&mut self, prefix: Ipv4Net, hops: Vec<NextHop>) -> io::Result<()> {
        let flags = NLM_F_CREATE | NLM_F_REPLACE;
        self.requests.ask(RouteNetlinkMessage::NewRoute(message(prefix, &hops)), flags)?;
        self.installed.insert(prefix, hops);
        Ok(())
    }

    fn remove(&mut self, prefix: Ipv4Net) -> io::Result<()> {
        let hops = self.installed.remove(&prefix).unwrap_or_default();
        self.requests.ask(RouteNetlinkMessage::DelRoute(message(prefix, &hops)), 0)
    }
}

fn message(prefix: Ipv4Net, hops: &[NextHop]) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = AddressFamily::Inet;
    message.header.destination_prefix_length = prefix.prefix_len();
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = PROTOCOL;
    message.header.kind = RouteType::Unicast;
    message.attributes.push(RouteAttribute::Destination(RouteAddress::Inet(prefix.network())));
    message.attributes.push(RouteAttribute::Priority(METRIC));
    // The device takes packets for anybody: without a gateway there is none that the kernel should know.
    let scope = |gateway: Option<Ipv4Addr>| gateway.map_or(RouteScope::Link, |_| RouteScope::Universe);
    match hops {
        [] => {}
        [hop] => {
            message.header.scope = scope(hop.gateway);
            message.attributes.push(RouteAttribute::Oif(hop.index));
            if let Some(gateway) = hop.gateway {
                // Next hops on a tunnel are reached through it, whatever its own network is.
                message.header.flags = RouteFlags::Onlink;
                message.attributes.push(RouteAttribute::Gateway(RouteAddress::Inet(gateway)));
            }
        }
        several => {
            message.header.scope = scope(several[0].gateway);
            let hops = several.iter().map(|hop| {
                let mut next = RouteNextHop::default();
                next.interface_index = hop.index;
                if let Some(gateway) = hop.gateway {
                    next.flags = RouteNextHopFlags::Onlink;
                    next.attributes.push(RouteAttribute::Gateway(RouteAddress::Inet(gateway)));
                }
                next
            });
            message.attributes.push(RouteAttribute::MultiPath(hops.collect()));
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::{Emitable, Parseable};

    use super::*;

    fn round_trip(hops: &[NextHop]) -> RouteMessage {
        let message = message("192.168.12.0/24".parse().expect("a prefix"), hops);
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        let parsed = RouteMessage::parse(&bytes).expect("what was emitted");
        assert_eq!(parsed, message);
        message
    }

    #[test]
    fn a_device_alone_is_a_link_route() {
        let message = round_trip(&[NextHop { index: 7, gateway: None }]);
        assert_eq!(message.header.scope, RouteScope::Link);
        assert!(message.attributes.contains(&RouteAttribute::Oif(7)));
    }

    #[test]
    fn a_gateway_is_on_link_and_several_are_one_route() {
        let [one, other] =
            [12, 13].map(|last| NextHop { index: 7, gateway: Some(Ipv4Addr::new(10, 0, 0, last)) });
        let message = round_trip(&[one]);
        assert_eq!(message.header.scope, RouteScope::Universe);
        assert_eq!(message.header.flags, RouteFlags::Onlink);
        let message = round_trip(&[one, other]);
        let several = message.attributes.iter().find_map(|attribute| match attribute {
            RouteAttribute::MultiPath(hops) => Some(hops.len()),
            _ => None,
        });
        assert_eq!(several, Some(2));
    }
}
