//! The engine: a whole router.
//!
//! Its parts, top down: this file has the verbs an embedder uses; [`build`] makes the children from a configuration;
//! [`settle`] drains them in a fixed order until all are quiet and translates between them ([`ike`], [`nhrp`],
//! [`ospf`], [`routes`], [`punts`]); [`external`] is for forwarding planes outside; [`show`] answers questions.

mod build;
mod external;
mod ike;
mod nhrp;
mod ospf;
mod pacer;
mod punts;
mod reconfigure;
mod routes;
mod settle;
mod show;

use core::fmt;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use rand_chacha::ChaCha20Rng;
use rand_core::CryptoRng;

pub use reconfigure::{ReconfigureError, Reconfigured};

use crate::forward::{Action, CHUNK, ControlPacket, Ingress, Plane, Waiting};
use crate::ids::{PathId, TunnelId, UnderlayId};
use crate::rib::Rib;
use crate::{Arrival, Backend, Command, Config, Event, Packet, Path, Verdict};

/// Something the engine hands out.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[must_use]
pub enum Output {
    /// Send this payload (GRE, ESP or a UDP payload, without outer IP and UDP headers) on this path.
    Transmit {
        /// Where to.
        path: Path,
        /// What.
        payload: Vec<u8>,
    },
    /// What the control plane asks of a forwarding plane; only with [`Options::export_actions`].
    Action(Action),
    /// Send this control packet on a tunnel; only with [`Options::external_forwarding`].
    Control(ControlPacket),
    /// A fact that somebody may want to see.
    Event(Event),
    /// What are the addresses of this name (`ip nhrp nhs ... nbma NAME`)? Answered by [`Command::NameResolved`]; without an
    /// answer it is asked again.
    ResolveName {
        /// The name, as configured.
        name: String,
    },
}

/// What an embedder decides that is in no configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Hand out what the forwarding plane is told, for another one to follow. Actions that install SAs carry keys.
    pub export_actions: bool,
    /// Another forwarding plane (a kernel's, hardware) moves the packets. The engine hands out actions as with
    /// `export_actions` and its control packets as [`Output::Control`], seals and opens nothing, and is told what happens
    /// by [`Engine::handle_control`], [`Engine::handle_punt`] and [`Engine::handle_counted`]. IKE still comes and goes by
    /// [`Engine::handle_wan`] and [`Output::Transmit`].
    pub external_forwarding: bool,
    /// Seconds since 1970 at start. Numbers that must not go backwards over a restart begin here (the sequence numbers of
    /// OSPF's digests, RFC 2328 appendix D.3); without it a neighbour may refuse a restarted router until its dead
    /// interval has passed. Lifetimes of keys count from it, too; a configuration that has some needs it.
    pub unix_time: Option<u32>,
    /// Hand out the keys of IKE SAs in events, so that a capture can be read. For laboratories.
    pub key_log: bool,
    /// The engine's host (an operating system's kernel) is the router of the LANs and takes one off the TTL for its hop:
    /// packets between a LAN and a tunnel keep their TTL here, so that host and engine count as one router. Packets between
    /// two tunnels lose one as ever. What the host hands to [`Engine::handle_lan`] although no tunnel leads there is refused
    /// instead of given back.
    pub host_routes_lans: bool,
    /// The library whose ciphers and elliptic curves are used. Default AWS-LC if it is built in (feature `aws-lc`), else
    /// RustCrypto.
    pub backend: Backend,
}

/// Why an engine could not be built from a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError {
    /// Every error, not only the first.
    pub errors: Vec<String>,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.errors.join("\n"))
    }
}

impl std::error::Error for BuildError {}

/// A whole router: control plane, forwarding plane and the seam between them.
///
/// Packets in return a verdict; then drain [`Engine::poll_output`] to `None`; then sleep until
/// [`Engine::poll_timeout`].
#[derive(Debug)]
pub struct Engine {
    config: Config,
    options: Options,
    rng: ChaCha20Rng,
    started: Instant,
    plane: Plane,
    underlays: Vec<Underlay>,
    tunnels: Vec<Tunnel>,
    ospf: Option<Ospf>,
    rib: Rib,
    paths: PathTable,
    outputs: VecDeque<Output>,
    /// Work that did not fit into one call's budget waits for the next.
    unsettled: Option<Instant>,
    /// A packet's memory for control traffic, used again and again.
    scratch: Packet,
    /// The pace of OSPF's packets.
    pacer: pacer::Pacer,
    /// Numbers our own IP packets, so that their fragments can be told apart.
    identification: u16,
    /// `debug nhrp condition peer nbma`: the peers that NHRP's debug lines are wanted of; none: of all.
    debug_peers: BTreeSet<IpAddr>,
}

/// One of our underlay addresses and the IKE endpoint on it.
#[derive(Debug)]
struct Underlay {
    address: IpAddr,
    endpoint: Option<ikev2::Endpoint>,
    /// Peers with SAs.
    peers: BTreeMap<ikev2::PeerId, PathId>,
    /// Addresses that plain GRE goes to or comes from.
    plain: BTreeMap<IpAddr, PathId>,
    tunnels: Vec<TunnelId>,
}

/// A tunnel interface.
#[derive(Debug)]
struct Tunnel {
    name: String,
    /// Which of `config.interfaces` it is.
    interface: usize,
    underlay: UnderlayId,
    address: Ipv4Addr,
    prefix: ipnet::Ipv4Net,
    /// Protected by this profile of the underlay's endpoint.
    profile: Option<ikev2::ProfileId>,
    node: ::nhrp::Node,
    /// Whether the tunnel registers with an NHS (a spoke) or serves (a hub).
    is_spoke: bool,
    phase3: bool,
    /// `if-state nhrp`.
    follows_nhs: bool,
    /// Who may register which address; empty: who has the keys may register any.
    permits: Vec<(IpAddr, ikev2::IdentityMatch)>,
    /// The NHS that packets without a proven next hop take, as the forwarding plane was told.
    fallback: Option<Ipv4Addr>,
    /// What NHRP says of the next hops that it knows.
    adjacencies: BTreeMap<Ipv4Addr, Adjacency>,
    /// Members of multicast, and how many copies for each could not be sent.
    failed_copies: BTreeMap<PathId, u64>,
}

impl Tunnel {
    /// The line protocol: with `if-state nhrp` it is up while an NHS answers, otherwise always.
    fn is_up(&self) -> bool {
        !self.follows_nhs || self.node.live_nhs().is_some()
    }
}

/// A next hop as NHRP announced it.
#[derive(Debug, Clone, Copy)]
struct Adjacency {
    path: PathId,
    kind: ::nhrp::AdjacencyKind,
}

/// The OSPF process and the interfaces that it runs on.
#[derive(Debug)]
struct Ospf {
    router: ospf_p2mp::Router,
    /// Which tunnel an OSPF interface is.
    tunnels: BTreeMap<ospf_p2mp::InterfaceId, TunnelId>,
    /// The names of all interfaces, for events and views.
    names: BTreeMap<ospf_p2mp::InterfaceId, String>,
    /// Prefixes for which a hub as next hop was reported.
    reported_hub: BTreeSet<ipnet::Ipv4Net>,
    /// Packets of which some parts have come.
    reassembly: ospf::Reassembly,
}

/// Peers on the underlay, by path.
#[derive(Debug, Default)]
struct PathTable {
    slots: Vec<Option<PathInfo>>,
    /// Free ids, longest free first, so that a name is not soon given to another peer.
    free: VecDeque<PathId>,
}

/// What control knows of a path.
#[derive(Debug, Clone)]
struct PathInfo {
    underlay: UnderlayId,
    /// The IKE peer behind it; none without protection.
    peer: Option<ikev2::PeerId>,
    remote: SocketAddr,
    /// Whether packets can be sent: there is an outbound SA, or none is needed.
    is_up: bool,
    /// The identity that the peer proved to have.
    identity: Option<ikev2::Identity>,
    /// Next hops whose packets take it, of all tunnels.
    users: u32,
    /// NHRP asked for it, and says when it wants it no more. An unproven path may be wanted before anything uses it.
    wanted: bool,
}

impl PathInfo {
    /// The identity as NHRP compares it.
    fn identity_bytes(&self) -> Vec<u8> {
        self.identity.as_ref().map(|identity| identity.to_string().into_bytes()).unwrap_or_default()
    }
}

impl PathTable {
    fn add(&mut self, info: PathInfo) -> PathId {
        // Ids are kept out of use for a while: NHRP may still name one that just went.
        const LEAST_FREE: usize = 64;
        if self.free.len() > LEAST_FREE
            && let Some(path) = self.free.pop_front()
        {
            self.slots[path.index()] = Some(info);
            return path;
        }
        self.slots.push(Some(info));
        PathId(u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 paths fit in memory"))
    }

    fn remove(&mut self, path: PathId) -> Option<PathInfo> {
        let info = self.slots.get_mut(path.index())?.take();
        if info.is_some() {
            self.free.push_back(path);
        }
        info
    }

    fn entry(&self, path: PathId) -> Option<&PathInfo> {
        self.slots.get(path.index())?.as_ref()
    }

    fn entry_mut(&mut self, path: PathId) -> Option<&mut PathInfo> {
        self.slots.get_mut(path.index())?.as_mut()
    }
}

/// NHRP's name for a path.
const fn nhrp_path(path: PathId) -> ::nhrp::PathId {
    ::nhrp::PathId(path.0 as u64)
}

/// Our name for NHRP's path: NHRP only ever names paths that we gave it.
fn own_path(path: ::nhrp::PathId) -> PathId {
    PathId(u32::try_from(path.0).unwrap_or(u32::MAX))
}

impl Engine {
    /// Builds a router from its configuration.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration, at once.
    pub fn new(config: Config, rng: impl CryptoRng, now: Instant) -> Result<Self, BuildError> {
        Self::with_options(config, Options::default(), rng, now)
    }

    /// Builds a router from its configuration and its embedder's wishes.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration, at once.
    pub fn with_options(
        config: Config,
        options: Options,
        mut rng: impl CryptoRng,
        now: Instant,
    ) -> Result<Self, BuildError> {
        let mut engine = build::engine(config, options, &mut rng, now)?;
        engine.settle(now);
        Ok(engine)
    }

    /// The router's name.
    #[must_use]
    pub fn hostname(&self) -> &str {
        &self.config.hostname
    }

    /// The configuration that the router was built from.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The router's underlay addresses (the sources of its tunnels), in the order of their [`UnderlayId`]s.
    pub fn underlay_addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.underlays.iter().map(|underlay| underlay.address)
    }

    /// The router's own overlay and LAN addresses: interface name, address, prefix length.
    pub fn local_addresses(&self) -> impl Iterator<Item = (&str, Ipv4Addr, u8)> + '_ {
        self.config.interfaces.iter().filter_map(|interface| {
            let address = interface.address.as_ref()?;
            Some((interface.name.as_str(), address.address, address.prefix_len))
        })
    }

    /// The tunnel with this interface name.
    #[must_use]
    pub fn tunnel(&self, name: &str) -> Option<TunnelId> {
        let index = self.tunnels.iter().position(|tunnel| tunnel.name.eq_ignore_ascii_case(name))?;
        u32::try_from(index).ok().map(TunnelId)
    }

    /// Our address on the network by which a packet to `destination` leaves: what an ICMP error has as source.
    #[must_use]
    pub fn source_towards(&self, destination: Ipv4Addr) -> Option<Ipv4Addr> {
        self.plane.source_towards(destination)
    }

    /// An IP packet from a LAN, to be forwarded: its TTL goes down by one.
    pub fn handle_lan(&mut self, now: Instant, packet: &mut Packet) -> Verdict {
        let verdict = self.plane.handle_lan(now, packet, true);
        self.settle_punts(now);
        verdict
    }

    /// An IP packet that the router itself originates (a ping from its prompt): its TTL stays.
    pub fn handle_local(&mut self, now: Instant, packet: &mut Packet) -> Verdict {
        let verdict = self.plane.handle_lan(now, packet, false);
        self.settle_punts(now);
        verdict
    }

    /// An underlay packet for this router: what follows the outer IP header (and the UDP header, where `path.wire` is
    /// UDP). `path.local` is our address, `path.remote` the sender's, and `path.tos` what the outer header said.
    pub fn handle_wan(&mut self, now: Instant, path: Path, packet: &mut Packet) -> Verdict {
        let verdict = match self.receive(now, path, packet) {
            Ingress::Data(step) => {
                let verdict = self.plane.finish(step, packet);
                self.settle_punts(now);
                return verdict;
            }
            control => self.receive_control(now, control, path, packet),
        };
        self.settle(now);
        verdict
    }

    /// IP packets from a LAN: the same as [`Engine::handle_lan`] for each of them in turn, and faster where the SAs use
    /// AES-CBC, of which packets for one peer are encrypted side by side. `verdicts` is cleared and gets one verdict for
    /// each packet, in order. What the packets cause in the control plane happens after the last one.
    pub fn handle_lan_batch(&mut self, now: Instant, packets: &mut [Packet], verdicts: &mut Vec<Verdict>) {
        verdicts.clear();
        self.plane.handle_lan_batch(now, packets, verdicts);
        self.settle_punts(now);
    }

    /// Underlay packets: the same as [`Engine::handle_wan`] for each of them in turn, and faster where they leave again
    /// under AES-CBC. `verdicts` is cleared and gets one verdict for each packet, in order.
    pub fn handle_wan_batch(&mut self, now: Instant, arrivals: &mut [Arrival], verdicts: &mut Vec<Verdict>) {
        verdicts.clear();
        for chunk in arrivals.chunks_mut(CHUNK) {
            let (mut waiting, first) = (Waiting::new(), verdicts.len());
            for place in 0..chunk.len() {
                let Some(Arrival { path, packet }) = chunk.get_mut(place) else { break };
                let verdict = match self.receive(now, *path, packet) {
                    Ingress::Data(step) => self.plane.finish_later(step, packet, place, &mut waiting),
                    control => {
                        // What control does with SAs must find no packet waiting for one.
                        let earlier = verdicts.get_mut(first..).unwrap_or_default();
                        self.plane.seal_waiting(chunk, &mut waiting, earlier);
                        let Some(Arrival { path, packet }) = chunk.get_mut(place) else { break };
                        let verdict = self.receive_control(now, control, *path, packet);
                        self.settle(now);
                        verdict
                    }
                };
                verdicts.push(verdict);
            }
            self.plane.seal_waiting(chunk, &mut waiting, verdicts.get_mut(first..).unwrap_or_default());
        }
        self.settle_punts(now);
    }

    fn receive(&mut self, now: Instant, path: Path, packet: &mut Packet) -> Ingress {
        let Self { plane, underlays, .. } = self;
        plane.handle_wan(now, path, packet, |underlay: UnderlayId, remote: IpAddr| {
            underlays.get(underlay.index())?.plain.get(&remote).copied()
        })
    }

    fn receive_control(&mut self, now: Instant, what: Ingress, path: Path, packet: &mut Packet) -> Verdict {
        match what {
            Ingress::Data(step) => self.plane.finish(step, packet),
            Ingress::Ike(underlay) => self.receive_ike(now, underlay, path, packet),
            Ingress::Nhrp(tunnel, path_id) => self.receive_nhrp(now, tunnel, path_id, path.remote, packet),
            Ingress::PlainNhrp(tunnel) => self.receive_plain_nhrp(now, tunnel, path.remote, packet),
            Ingress::Ospf(header) => self.receive_counted_ospf(now, header, packet),
        }
    }

    /// The underlay reports (ICMP fragmentation needed) that packets to `remote` may have no more than `mtu` bytes,
    /// outer IP header included.
    pub fn handle_underlay_mtu(&mut self, _now: Instant, remote: IpAddr, mtu: u16) {
        self.plane.set_link_mtu(remote, mtu);
    }

    /// Carries out a command.
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Shutdown => self.shut_down(now),
            Command::ClearNhrp => self.tell_nodes(now, &::nhrp::Input::Clear),
            Command::ClearNhrpPrefix(prefix) => {
                self.tell_nodes(now, &::nhrp::Input::ClearPrefix { prefix });
            }
            Command::NameResolved { name, addresses } => {
                self.tell_nodes(now, &::nhrp::Input::NameResolved { name: &name, addresses: &addresses });
            }
            Command::DebugNhrpPeer(nbma) => {
                self.debug_peers.insert(nbma);
                self.set_debug_peers();
            }
            Command::UndebugNhrpPeer(nbma) => {
                self.debug_peers.retain(|peer| nbma.is_some_and(|nbma| *peer != nbma));
                self.set_debug_peers();
            }
            Command::ClearCrypto(remote) => self.clear_crypto(now, remote),
            Command::Revoke(identity) => {
                self.tell_endpoints(now, &ikev2::Input::Revoke { identity: &identity });
            }
            Command::Reinstate(identity) => {
                self.tell_endpoints(now, &ikev2::Input::Reinstate { identity: &identity });
            }
        }
        self.settle(now);
    }

    /// Does what is due. Early or repeated calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        for endpoint in self.underlays.iter_mut().filter_map(|underlay| underlay.endpoint.as_mut()) {
            if is_due(endpoint.poll_timeout()) {
                endpoint.handle_timeout(now);
            }
        }
        for tunnel in &mut self.tunnels {
            if is_due(tunnel.node.poll_timeout()) {
                tunnel.node.handle_timeout(now);
            }
        }
        if let Some(ospf) = &mut self.ospf
            && is_due(ospf.router.poll_timeout())
        {
            ospf.router.handle_timeout(now);
        }
        self.settle(now);
    }

    /// When [`Engine::handle_timeout`] is wanted next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let endpoints =
            self.underlays.iter().filter_map(|underlay| underlay.endpoint.as_ref()?.poll_timeout());
        let nodes = self.tunnels.iter().filter_map(|tunnel| tunnel.node.poll_timeout());
        let ospf = self.ospf.as_ref().and_then(|ospf| ospf.router.poll_timeout());
        endpoints.chain(nodes).chain(ospf).chain(self.pacer.poll_timeout()).chain(self.unsettled).min()
    }

    /// The next thing that the engine hands out, until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Leaves the cloud: purges registrations and flushes LSAs while the SAs still are, then deletes those.
    fn shut_down(&mut self, now: Instant) {
        if let Some(ospf) = &mut self.ospf {
            ospf.router.handle_input(now, ospf_p2mp::Input::Shutdown);
        }
        // What OSPF says last goes to members that NHRP is about to take away.
        self.pacer.open(now);
        self.settle(now);
        for tunnel in &mut self.tunnels {
            tunnel.node.handle_input(now, ::nhrp::Input::Shutdown);
        }
        self.settle(now);
        self.tell_endpoints(now, &ikev2::Input::Shutdown);
    }

    fn tell_endpoints(&mut self, now: Instant, input: &ikev2::Input<'_>) {
        for endpoint in self.underlays.iter_mut().filter_map(|underlay| underlay.endpoint.as_mut()) {
            endpoint.handle_input(now, *input);
        }
    }

    fn event(&mut self, event: Event) {
        if self.is_debugged(&event) {
            tracing::info!(router = %self.config.hostname, "{event}");
        }
        self.outputs.push_back(Output::Event(event));
    }

    /// Tells the forwarding plane, and whoever follows along.
    fn act(&mut self, action: Action) {
        if self.options.export_actions || self.options.external_forwarding {
            self.outputs.push_back(Output::Action(action.clone()));
        }
        let rng = &mut self.rng;
        self.plane.apply(action, || {
            let mut seed = [0; 32];
            rand_core::Rng::fill_bytes(rng, &mut seed);
            seed
        });
    }
}
