//! Host stacks: what runs on routers' own addresses and on the hosts of their LANs.
//!
//! Each place answers echo requests and closed UDP ports, and runs small applications: [ping](PingConfig),
//! [traceroute](TracerouteConfig), [UDP flows](FlowConfig) and the opening of a TCP connection
//! ([to see its MSS clamped](MssConfig)). They work on whole IPv4 packets and hand replies back; the network brings
//! them to the engine.

mod flow;
mod mss;
mod ping;
mod standalone;
mod traceroute;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

pub use flow::{FlowConfig, FlowReport};
pub use mss::{MssConfig, MssReport};
pub use ping::{PingConfig, PingOutcome, PingProbe, PingReport};
pub use standalone::{HostPacket, RouterHosts};
pub use traceroute::{Hop, HopAnswer, TracerouteConfig, TracerouteReport};

use self::flow::Flow;
use self::mss::Mss;
use self::ping::Ping;
use self::traceroute::Traceroute;
use super::NodeId;
use super::fragment::{self, Reassembler};
use super::ipv4::{self, Header, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP};
use super::nat::quoted_header;
use super::transport::{self, CODE_PORT, ICMP_ECHO, ICMP_ECHO_REPLY, ICMP_UNREACHABLE, Icmp, TcpSyn, Udp};

/// Bytes that hosts put into their packets where they fit. They never show on an underlay that is encrypted.
pub const PLAINTEXT_MARKER: [u8; 16] = *b"dmvpn-sim-clear!";

/// A place where packets are delivered: a router itself, or a host on one of its LANs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// The router.
    pub node: NodeId,
    /// Which of its hosts; none is the router itself.
    pub host: Option<u16>,
}

macro_rules! application_ids {
    ($($(#[$doc:meta])+ $name:ident,)+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(in crate::sim) AppId);
    )+};
}

application_ids! {
    /// Names a ping.
    PingId,
    /// Names a traceroute.
    TracerouteId,
    /// Names a flow.
    FlowId,
    /// Names a TCP opening.
    MssId,
}

/// Any application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::sim) struct AppId(u32);

/// An ICMP error that came back for a packet that an application sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IcmpError {
    /// Who reports it.
    pub from: Ipv4Addr,
    /// The ICMP type.
    pub kind: u8,
    /// The ICMP code.
    pub code: u8,
    /// The next hop's MTU, if it is about that and says so.
    pub mtu: Option<u16>,
}

/// What hosts saw in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HostStats {
    /// Whole packets that came in.
    pub received: u64,
    /// Packets or transport headers that were broken.
    pub malformed: u64,
    /// Echo requests that were answered.
    pub echoes: u64,
    /// UDP datagrams to closed ports that were answered.
    pub closed_ports: u64,
    /// Packets with nobody to take them.
    pub unclaimed: u64,
    /// Packets that a host could not send: too large for its LAN, and not to be cut.
    pub too_big: u64,
}

/// What a call leads to.
#[derive(Debug, Default)]
pub(in crate::sim) struct Effects {
    /// Packets to send, by whom.
    pub(in crate::sim) packets: Vec<(Endpoint, Vec<u8>)>,
    /// Applications that want to be woken, and when.
    pub(in crate::sim) wakes: Vec<(AppId, Duration)>,
}

#[derive(Debug)]
enum App {
    Ping(Ping),
    Traceroute(Traceroute),
    Flow(Flow),
    Mss(Mss),
}

#[derive(Debug)]
struct Running {
    at: Endpoint,
    app: App,
    /// When it will be woken. Later alarms are not set, and earlier ones make this one stale.
    wake_at: Option<Duration>,
}

#[derive(Debug, Default)]
struct Stack {
    next_id: u16,
    reassembler: Reassembler,
}

/// Every host stack of the network and the applications on them.
#[derive(Debug, Default)]
pub(in crate::sim) struct Hosts {
    stacks: BTreeMap<Endpoint, Stack>,
    apps: Vec<Running>,
    /// ICMP identifiers and source ports of applications; both are the same numbers.
    ports: BTreeMap<u16, AppId>,
    pub(in crate::sim) stats: HostStats,
}

/// IOS sends with this; other hosts with [`HOST_TTL`].
const ROUTER_TTL: u8 = 255;
const HOST_TTL: u8 = 64;
/// What a LAN carries.
const LAN_MTU: u16 = 1500;
/// RFC 6335 section 6: ports that nobody is assigned.
const FIRST_PORT: u16 = 49_152;
/// RFC 1812 section 4.3.2.3: an ICMP error quotes as much as fits in this.
const ICMP_ERROR_LEN: usize = 576;

impl Hosts {
    /// Starts a ping.
    pub(in crate::sim) fn ping(&mut self, now: Duration, at: Endpoint, config: PingConfig) -> PingId {
        PingId(self.start(now, at, |port| App::Ping(Ping::new(now, port, config))))
    }

    /// Starts a traceroute.
    pub(in crate::sim) fn traceroute(
        &mut self,
        now: Duration,
        at: Endpoint,
        config: TracerouteConfig,
    ) -> TracerouteId {
        TracerouteId(self.start(now, at, |port| App::Traceroute(Traceroute::new(port, config))))
    }

    /// Starts a flow to whoever owns its destination, if somebody is known to.
    pub(in crate::sim) fn flow(
        &mut self,
        now: Duration,
        at: Endpoint,
        config: FlowConfig,
        receiver: Option<Endpoint>,
    ) -> FlowId {
        FlowId(self.start(now, at, |port| App::Flow(Flow::new(now, port, config, receiver))))
    }

    /// Opens a TCP connection.
    pub(in crate::sim) fn mss(&mut self, now: Duration, at: Endpoint, config: MssConfig) -> MssId {
        MssId(self.start(now, at, |port| App::Mss(Mss::new(port, config))))
    }

    /// How a ping goes.
    pub(in crate::sim) fn ping_report(&self, id: PingId) -> Option<&PingReport> {
        match &self.apps.get(id.0.index())?.app {
            App::Ping(ping) => Some(ping.report()),
            _ => None,
        }
    }

    /// How a traceroute goes.
    pub(in crate::sim) fn traceroute_report(&self, id: TracerouteId) -> Option<&TracerouteReport> {
        match &self.apps.get(id.0.index())?.app {
            App::Traceroute(traceroute) => Some(traceroute.report()),
            _ => None,
        }
    }

    /// How a flow goes.
    pub(in crate::sim) fn flow_report(&self, id: FlowId) -> Option<&FlowReport> {
        match &self.apps.get(id.0.index())?.app {
            App::Flow(flow) => Some(flow.report()),
            _ => None,
        }
    }

    /// What became of a TCP opening.
    pub(in crate::sim) fn mss_report(&self, id: MssId) -> Option<&MssReport> {
        match &self.apps.get(id.0.index())?.app {
            App::Mss(mss) => Some(mss.report()),
            _ => None,
        }
    }

    /// Stops a flow before its time.
    pub(in crate::sim) fn stop_flow(&mut self, now: Duration, id: FlowId) {
        if let Some(Running { app: App::Flow(flow), .. }) = self.apps.get_mut(id.0.index()) {
            flow.stop(now);
        }
    }

    /// Whether every application has finished.
    pub(in crate::sim) fn all_finished(&self) -> bool {
        self.apps.iter().all(|running| match &running.app {
            App::Ping(ping) => ping.report().finished.is_some(),
            App::Traceroute(traceroute) => traceroute.report().finished.is_some(),
            App::Flow(flow) => flow.report().finished.is_some(),
            App::Mss(mss) => mss.report().sent,
        })
    }

    /// Where an application runs, the source that it was told to use, and its destination.
    pub(in crate::sim) fn route_of(&self, app: AppId) -> Option<(Endpoint, Option<Ipv4Addr>, Ipv4Addr)> {
        let Running { at, app, .. } = self.apps.get(app.index())?;
        let (source, destination) = match app {
            App::Ping(ping) => (ping.config().source, ping.config().destination),
            App::Traceroute(traceroute) => (traceroute.config().source, traceroute.config().destination),
            App::Flow(flow) => (flow.config().source, flow.config().destination),
            App::Mss(mss) => (mss.config().source, mss.config().destination),
        };
        Some((*at, source, destination))
    }

    /// Lets an application do what is due; nothing if this is not the time it is woken at. It sends from `source`;
    /// without one it has no route.
    pub(in crate::sim) fn wake(&mut self, now: Duration, id: AppId, source: Option<Ipv4Addr>) -> Effects {
        let mut effects = Effects::default();
        let Some(Running { at, app, wake_at }) = self.apps.get_mut(id.index()) else { return effects };
        if *wake_at != Some(now) {
            return effects;
        }
        *wake_at = None;
        let at = *at;
        let (sent, wake) = match app {
            App::Ping(ping) => ping.wake(now, source),
            App::Traceroute(traceroute) => traceroute.wake(now, source),
            App::Flow(flow) => flow.wake(now, id.0, source),
            App::Mss(mss) => (mss.wake(source), None),
        };
        self.alarm(id, wake, &mut effects);
        if let Some(packet) = sent {
            self.emit(at, packet, &mut effects);
        }
        effects
    }

    /// A packet was delivered at `at`. `outgoing` is the address of the interface by which an answer leaves.
    pub(in crate::sim) fn receive(
        &mut self,
        now: Duration,
        at: Endpoint,
        outgoing: Option<Ipv4Addr>,
        bytes: &[u8],
    ) -> Effects {
        let mut effects = Effects::default();
        let stack = self.stacks.entry(at).or_default();
        let bytes = match stack.reassembler.push(now, bytes.to_vec()) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return effects,
            Err(_) => {
                self.stats.malformed += 1;
                return effects;
            }
        };
        let Ok(datagram) = ipv4::parse(&bytes) else {
            self.stats.malformed += 1;
            return effects;
        };
        self.stats.received += 1;
        let header = datagram.header;
        let handled = match header.protocol {
            PROTOCOL_ICMP => transport::parse_icmp(datagram.payload)
                .map(|icmp| self.receive_icmp(now, at, &header, &icmp, &mut effects)),
            PROTOCOL_UDP => transport::parse_udp(header.source, header.destination, datagram.payload)
                .map(|udp| self.receive_udp(now, at, &header, &udp, (outgoing, &bytes), &mut effects)),
            PROTOCOL_TCP => TcpSyn::parse(header.source, header.destination, datagram.payload)
                .map(|syn| self.receive_tcp(at, &header, syn, &mut effects)),
            _ => {
                self.stats.unclaimed += 1;
                Ok(())
            }
        };
        if handled.is_err() {
            self.stats.malformed += 1;
        }
        effects
    }

    fn receive_icmp(
        &mut self,
        now: Duration,
        at: Endpoint,
        header: &Header,
        icmp: &Icmp<'_>,
        effects: &mut Effects,
    ) {
        match icmp.kind {
            ICMP_ECHO => {
                self.stats.echoes += 1;
                let id = self.ports.get(&icmp.identifier()).copied();
                if let Some(App::Ping(ping)) = id.and_then(|id| self.app(id)) {
                    ping.arrived(header, icmp.sequence_or_mtu());
                }
                let reply = transport::build_icmp(ICMP_ECHO_REPLY, 0, icmp.rest, icmp.body);
                // RFC 1122 section 3.2.2.6: from the address that was asked; RFC 1812 section 4.3.2.5: with its TOS.
                let answer = Header {
                    tos: header.tos,
                    ..self.header(at, header.destination, header.source, PROTOCOL_ICMP)
                };
                self.emit(at, (answer, reply), effects);
            }
            ICMP_ECHO_REPLY => {
                let id = self.ports.get(&icmp.identifier()).copied();
                match id.filter(|id| self.runs_at(*id, at)).and_then(|id| Some((id, self.app(id)?))) {
                    Some((id, App::Ping(ping))) => {
                        let wake = ping.answered(now, header, icmp);
                        self.alarm(id, wake, effects);
                    }
                    _ => self.stats.unclaimed += 1,
                }
            }
            _ if icmp.is_error() => self.receive_error(now, at, header, icmp, effects),
            _ => self.stats.unclaimed += 1,
        }
    }

    fn receive_error(
        &mut self,
        now: Duration,
        at: Endpoint,
        header: &Header,
        icmp: &Icmp<'_>,
        effects: &mut Effects,
    ) {
        let error = IcmpError {
            from: header.source,
            kind: icmp.kind,
            code: icmp.code,
            mtu: Some(icmp.sequence_or_mtu()).filter(|mtu| {
                let is_about_mtu = icmp.code == transport::CODE_FRAGMENTATION_NEEDED;
                icmp.kind == ICMP_UNREACHABLE && is_about_mtu && *mtu != 0
            }),
        };
        let quoted = quoted_header(icmp.body).and_then(|quoted| {
            Some((quoted.protocol, icmp.body.get(quoted.header_len..)?.first_chunk::<8>()?))
        });
        let Some((protocol, first)) = quoted else {
            self.stats.malformed += 1;
            return;
        };
        let word = |index: usize| u16::from_be_bytes([first[index], first[index + 1]]);
        let port = if protocol == PROTOCOL_ICMP { word(4) } else { word(0) };
        let id = self.ports.get(&port).copied();
        let wake = match id.filter(|id| self.runs_at(*id, at)).and_then(|id| Some((id, self.app(id)?))) {
            Some((id, App::Ping(ping))) if protocol == PROTOCOL_ICMP => {
                Some((id, ping.failed(now, word(6), error)))
            }
            Some((id, App::Traceroute(traceroute))) if protocol == PROTOCOL_UDP => {
                Some((id, traceroute.answered(now, word(2), error)))
            }
            Some((_, App::Flow(flow))) if protocol == PROTOCOL_UDP => {
                flow.failed(error);
                None
            }
            Some((_, App::Mss(mss))) if protocol == PROTOCOL_TCP => {
                mss.failed(error);
                None
            }
            _ => {
                self.stats.unclaimed += 1;
                None
            }
        };
        if let Some((id, wake)) = wake {
            self.alarm(id, wake, effects);
        }
    }

    fn receive_udp(
        &mut self,
        now: Duration,
        at: Endpoint,
        header: &Header,
        udp: &Udp<'_>,
        (outgoing, whole): (Option<Ipv4Addr>, &[u8]),
        effects: &mut Effects,
    ) {
        let flow = flow::flow_of(udp.payload).map(AppId);
        if let Some(App::Flow(flow)) = flow.and_then(|id| self.app(id))
            && flow.config().port == udp.destination_port
        {
            flow.received(now, at, header, udp.payload);
            return;
        }
        // A closed port. RFC 1122 section 3.2.2: no error about a packet that was not for one host alone.
        if header.destination.is_multicast() || header.destination.is_broadcast() {
            self.stats.unclaimed += 1;
            return;
        }
        self.stats.closed_ports += 1;
        let room = ICMP_ERROR_LEN - ipv4::HEADER_LEN - transport::ICMP_HEADER_LEN;
        let quote = whole.get(..room).unwrap_or(whole);
        let error = transport::build_icmp(ICMP_UNREACHABLE, CODE_PORT, [0; 4], quote);
        // RFC 1812 section 4.3.2.4: a router's error comes from the interface by which it leaves.
        let source = outgoing.unwrap_or(header.destination);
        let answer = Header {
            // RFC 1812 section 4.3.2.5: errors go with precedence 6, internetwork control.
            tos: 0xc0,
            ..self.header(at, source, header.source, PROTOCOL_ICMP)
        };
        self.emit(at, (answer, error), effects);
    }

    fn receive_tcp(&mut self, at: Endpoint, header: &Header, syn: Option<TcpSyn>, effects: &mut Effects) {
        let Some(syn) = syn else {
            self.stats.unclaimed += 1;
            return;
        };
        let port = if syn.is_answer { syn.destination_port } else { syn.source_port };
        let Some(App::Mss(mss)) = self.ports.get(&port).copied().and_then(|id| self.app(id)) else {
            self.stats.unclaimed += 1;
            return;
        };
        let Some(answer) = mss.received(&syn) else { return };
        let segment = answer.build(header.destination, header.source);
        let answer = self.header(at, header.destination, header.source, PROTOCOL_TCP);
        self.emit(at, (Header { dont_fragment: true, ..answer }, segment), effects);
    }

    fn start(&mut self, now: Duration, at: Endpoint, app: impl FnOnce(u16) -> App) -> AppId {
        let index = self.apps.len() as u32;
        // Identifiers repeat after 16,384 applications; the newest has them then.
        let port = FIRST_PORT + (index % u32::from(u16::MAX - FIRST_PORT + 1)) as u16;
        self.apps.push(Running { at, app: app(port), wake_at: Some(now) });
        let id = AppId(index);
        self.ports.insert(port, id);
        id
    }

    /// Has an application woken, unless it is woken earlier anyway.
    fn alarm(&mut self, id: AppId, wake: Option<Duration>, effects: &mut Effects) {
        let Some(wake) = wake else { return };
        let Some(running) = self.apps.get_mut(id.index()) else { return };
        if running.wake_at.is_none_or(|pending| wake < pending) {
            running.wake_at = Some(wake);
            effects.wakes.push((id, wake));
        }
    }

    fn app(&mut self, id: AppId) -> Option<&mut App> {
        self.apps.get_mut(id.index()).map(|running| &mut running.app)
    }

    fn runs_at(&self, id: AppId, at: Endpoint) -> bool {
        self.apps.get(id.index()).is_some_and(|running| running.at == at)
    }

    fn header(&self, at: Endpoint, source: Ipv4Addr, destination: Ipv4Addr, protocol: u8) -> Header {
        Header { ttl: default_ttl(at), ..Header::new(source, destination, protocol) }
    }

    /// Numbers a packet and puts it on its way. A host's LAN has an MTU; a router hands its own packets over whole.
    fn emit(&mut self, at: Endpoint, (header, payload): Outgoing, effects: &mut Effects) {
        let stack = self.stacks.entry(at).or_default();
        stack.next_id = stack.next_id.wrapping_add(1);
        let ttl = if header.ttl == 0 { default_ttl(at) } else { header.ttl };
        let Ok(packet) = ipv4::build(&Header { id: stack.next_id, ttl, ..header }, &payload) else {
            self.stats.too_big += 1;
            return;
        };
        let mtu = if at.host.is_some() { LAN_MTU } else { u16::MAX };
        match fragment::fragment(packet, mtu) {
            Ok(pieces) => effects.packets.extend(pieces.into_iter().map(|piece| (at, piece))),
            Err(_) => self.stats.too_big += 1,
        }
    }
}

impl AppId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// A header and a payload. The identification is filled in later, and so is a time to live of zero.
type Outgoing = (Header, Vec<u8>);

fn default_ttl(at: Endpoint) -> u8 {
    if at.host.is_some() { HOST_TTL } else { ROUTER_TTL }
}

#[cfg(test)]
mod tests;
