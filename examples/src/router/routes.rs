//! The engine's routes through tunnels, in the kernel's main table.

use std::collections::BTreeMap;
use std::io;

use dmvpn::TunnelId;
use dmvpn::forward::{Action, Route};
use ipnet::Ipv4Net;
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

/// Whose routes they are: a number that rt_protos gives to nobody. `ip route show proto 112` lists them.
const PROTOCOL: RouteProtocol = RouteProtocol::Other(112);
/// Behind the kernel's own and hand-made routes (0), before nothing in particular.
const METRIC: u32 = 20;

/// The kernel's main table, as far as it is ours.
pub(super) struct Routes {
    socket: Socket,
    sequence: u32,
    /// Which device each prefix goes through.
    installed: BTreeMap<Ipv4Net, u32>,
}

impl Routes {
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket, sequence: 0, installed: BTreeMap::new() })
    }

    /// Follows what the control plane tells the forwarding plane; actions that are not about routes change nothing.
    pub(super) fn follow(&mut self, action: &Action, device: impl Fn(TunnelId) -> Option<u32>) {
        let (prefix, wanted) = match action {
            Action::AddRoute { prefix, route: Route::Via(hops) } => {
                (*prefix, hops.iter().find_map(|hop| device(hop.tunnel)))
            }
            Action::AddRoute { prefix, .. } | Action::RemoveRoute { prefix } => (*prefix, None),
            _ => return,
        };
        let installed = self.installed.get(&prefix).copied();
        let changed = match (installed, wanted) {
            (installed, wanted) if installed == wanted => return,
            (_, Some(index)) => self.add(prefix, index),
            (Some(index), None) => self.remove(prefix, index),
            (None, None) => return,
        };
        if let Err(error) = changed {
            let verb = if wanted.is_some() { "installed" } else { "removed" };
            tracing::warn!("route {prefix} cannot be {verb}: {error}");
        }
    }

    /// Takes all of them out again.
    pub(super) fn clear(&mut self) {
        for (prefix, index) in std::mem::take(&mut self.installed) {
            if let Err(error) = self.remove(prefix, index) {
                tracing::warn!("route {prefix} cannot be removed: {error}");
            }
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.installed.len()
    }

    fn add(&mut self, prefix: Ipv4Net, index: u32) -> io::Result<()> {
        let flags = NLM_F_CREATE | NLM_F_REPLACE;
        self.ask(RouteNetlinkMessage::NewRoute(message(prefix, index)), flags)?;
        self.installed.insert(prefix, index);
        Ok(())
    }

    fn remove(&mut self, prefix: Ipv4Net, index: u32) -> io::Result<()> {
        self.installed.remove(&prefix);
        self.ask(RouteNetlinkMessage::DelRoute(message(prefix, index)), 0)
    }

    /// Sends a request and waits for the kernel's answer, which is there when the call returns.
    fn ask(&mut self, request: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(request));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;
        loop {
            let (answer, _) = self.socket.recv_from_full()?;
            let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            if answer.header.sequence_number != self.sequence {
                continue;
            }
            return match answer.payload {
                NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
                _ => Ok(()),
            };
        }
    }
}

fn message(prefix: Ipv4Net, index: u32) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = AddressFamily::Inet;
    message.header.destination_prefix_length = prefix.prefix_len();
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = PROTOCOL;
    // The device takes packets for anybody: there is no gateway that the kernel should know.
    message.header.scope = RouteScope::Link;
    message.header.kind = RouteType::Unicast;
    message.attributes.push(RouteAttribute::Destination(RouteAddress::Inet(prefix.network())));
    message.attributes.push(RouteAttribute::Oif(index));
    message.attributes.push(RouteAttribute::Priority(METRIC));
    message
}
