//! The state machine of one tunnel. This file owns its state and hands each input to the part that understands it.

mod adjacency;
mod build;
mod cache;
mod client;
mod fault;
mod few;
mod local;
mod multicast;
mod names;
mod paths;
mod purge;
mod rate;
mod registrar;
mod resolve;
mod respond;
mod shortcut;
#[cfg(test)]
mod tests;
mod timers;
mod views;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use rand_core::{CryptoRng, Rng};

use self::cache::{Cache, Entry, Origin};
use self::client::Server;
use self::local::Local;
use self::paths::Paths;
use self::purge::PendingPurge;
use self::rate::Bucket;
use self::resolve::Resolution;
use self::respond::{PendingReply, Query, has_unknown_compulsory};
use self::shortcut::{Redirects, Shortcut};
use self::timers::{Timer, Timers};
use crate::config::Config;
use crate::error::ConfigError;
use crate::io::{AdmissionToken, DownReason, Event, Input, Output, PathId, RouteToken};
use crate::stats::{DropReason, Stats};
use crate::wire::{ErrorCode, ExtensionType, Packet, PacketRef, PacketType};

/// NHRP of one tunnel: hub or spoke by configuration (servers or none).
///
/// Drive it like every machine of this family: hand in what happens, then drain [`Node::poll_output`] to `None`, then sleep
/// until [`Node::poll_timeout`].
pub struct Node {
    config: Config,
    rng: Box<dyn CryptoRng + Send>,
    stats: Stats,
    outputs: VecDeque<Output>,
    /// Memory for packets.
    spare: Vec<Vec<u8>>,
    timers: Timers,
    paths: Paths,
    cache: Cache,
    servers: Vec<Server>,
    /// Requests that this node waits for answers to, by request id.
    requests: BTreeMap<u32, Request>,
    resolutions: BTreeMap<IpAddr, Resolution>,
    /// Answers that wait for a direct path, by requester.
    replies: BTreeMap<IpAddr, Vec<PendingReply>>,
    pending_replies: usize,
    queries: BTreeMap<RouteToken, Query>,
    /// Registrations that wait for admission.
    admissions: BTreeMap<AdmissionToken, (Sender, Vec<u8>)>,
    purges: BTreeMap<u32, PendingPurge>,
    shortcuts: BTreeMap<IpNet, Shortcut>,
    /// What this node answered for itself.
    locals: BTreeMap<IpNet, Local>,
    /// Underlay addresses of the peers that debug lines are wanted of; none: of all.
    debug_peers: BTreeSet<IpAddr>,
    redirects: Redirects,
    hold_downs: BTreeMap<IpAddr, HoldDown>,
    send_bucket: Bucket,
    error_bucket: Bucket,
    next_request_id: u32,
    next_token: u64,
    /// The latest time that a call brought.
    seen: Instant,
    stopped: bool,
}

/// Buffers kept for packets at most, and bytes of each at most.
const SPARE_BUFFERS: usize = 32;
const SPARE_BYTES: usize = 2048;

/// What an answer is awaited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    /// Registration with the server at this position.
    Registration(usize),
    /// Resolution of this destination.
    Resolution(IpAddr),
    /// Probe of the direct path to this next hop.
    Probe(IpAddr),
    /// Purge.
    Purge,
}

/// Where a packet came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sender {
    /// Outer source address.
    nbma: IpAddr,
    path: PathId,
}

/// A destination that is not resolved for a while.
#[derive(Debug, Clone, Copy)]
struct HoldDown {
    until: Instant,
    /// Failures in a row.
    failures: u32,
    /// The answer was no, rather than the path dead.
    negative: bool,
}

impl Node {
    /// Makes a node and starts it: what it wants first is ready in [`Node::poll_output`].
    ///
    /// # Errors
    /// The configuration contradicts itself.
    pub fn new(
        config: Config,
        rng: impl CryptoRng + Send + 'static,
        now: Instant,
    ) -> Result<Node, ConfigError> {
        config.validate()?;
        let mut rng: Box<dyn CryptoRng + Send> = Box::new(rng);
        // A random start keeps replies to an earlier life apart from ours.
        let next_request_id = (rng.next_u32() >> 1).max(1);
        let limits = &config.limits;
        let mut node = Node {
            send_bucket: Bucket::new(limits.max_send, limits.max_send_interval, now),
            error_bucket: Bucket::new(limits.errors_per_second, Duration::from_secs(1), now),
            config,
            rng,
            stats: Stats::default(),
            outputs: VecDeque::new(),
            spare: Vec::new(),
            timers: Timers::default(),
            paths: Paths::default(),
            cache: Cache::default(),
            servers: Vec::new(),
            requests: BTreeMap::new(),
            resolutions: BTreeMap::new(),
            replies: BTreeMap::new(),
            pending_replies: 0,
            queries: BTreeMap::new(),
            admissions: BTreeMap::new(),
            purges: BTreeMap::new(),
            shortcuts: BTreeMap::new(),
            locals: BTreeMap::new(),
            debug_peers: BTreeSet::new(),
            redirects: Redirects::default(),
            hold_downs: BTreeMap::new(),
            next_request_id,
            next_token: 0,
            seen: now,
            stopped: false,
        };
        node.start(now);
        Ok(node)
    }

    /// Takes one fact or request. Nothing that a peer sends makes it fail.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.seen = self.seen.max(now);
        if self.stopped {
            self.stats.count_drop(DropReason::ShutDown);
            return;
        }
        match input {
            Input::Packet { nbma, path, payload } => self.receive(now, Sender { nbma, path }, payload),
            Input::PathUp { nbma, path, proven, identity } => self.path_up(now, path, nbma, proven, identity),
            Input::PathDown { path } => self.path_down(now, path),
            Input::PathFailed { nbma } => self.path_failed(now, nbma),
            Input::PathMoved { path, nbma } => self.path_moved(now, path, nbma),
            Input::Resolve { destination } => self.resolve(now, destination),
            Input::Redirectable { nbma, path, packet } => {
                self.redirectable(now, Sender { nbma, path }, packet);
            }
            Input::RouteAnswer { token, route } => self.route_answer(now, token, route),
            Input::AdmissionAnswer { token, admit } => self.admission_answer(now, token, admit),
            Input::RouteChanged { prefix } => self.route_changed(now, prefix),
            Input::NbmaChanged { nbma } => self.nbma_changed(now, nbma),
            Input::Clear => self.clear(now, |_| true),
            Input::ClearPrefix { prefix } => self.clear(now, |net| prefix.contains(net)),
            Input::NameResolved { name, addresses } => self.name_resolved(now, name, addresses),
            Input::Shutdown => self.shutdown(now),
        }
    }

    /// Does what is due. Early or repeated calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.seen = self.seen.max(now);
        loop {
            let expiry_is_first = match (self.cache.next_expiry(), self.timers.next()) {
                (Some(expiry), Some(timer)) => expiry <= timer,
                (expiry, _) => expiry.is_some(),
            };
            if expiry_is_first && let Some(address) = self.cache.pop_expired(now) {
                self.expire(now, address);
                continue;
            }
            let Some(timer) = self.timers.pop(now) else { return };
            match timer {
                Timer::Register(server) => self.register_due(now, server),
                Timer::Fallback(server) => self.fallback_due(now, server),
                Timer::Connect(nbma) => self.connect_due(nbma),
                Timer::Refresh(address) => self.refresh_due(now, address),
                Timer::Shortcut(prefix) => self.shortcut_due(prefix),
                Timer::RefreshShortcut(prefix) => self.shortcut_refresh_due(now, prefix),
                Timer::Resolve(destination) => self.resolve_due(now, destination),
                Timer::Probe(address) => self.probe_due(now, address),
                Timer::Reply(requester) => self.flush_replies(now, requester),
                Timer::HoldDown(address) => {
                    self.hold_downs.remove(&address);
                }
                Timer::Query(token) => self.query_due(now, token),
                Timer::Admission(token) => {
                    self.admissions.remove(&token);
                }
                Timer::Purge(id) => self.purge_due(now, id),
                Timer::Local(prefix) => self.local_due(prefix),
                Timer::Name(server) => self.name_due(now, server),
            }
        }
    }

    /// Hands out what is ready, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Node::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next().into_iter().chain(self.cache.next_expiry()).min()
    }

    /// Gives back the memory of a packet that was sent, for this node's next ones: with it, answering a registration that only
    /// extends a binding allocates nothing.
    pub fn recycle(&mut self, payload: Vec<u8>) {
        if self.spare.len() < SPARE_BUFFERS && (1..=SPARE_BYTES).contains(&payload.capacity()) {
            self.spare.push(payload);
        }
    }

    /// Data was sent to this next hop. Drives the `used` flag and the rule that only entries in use are refreshed.
    pub fn note_used(&mut self, now: Instant, tunnel_address: IpAddr) {
        let Some(entry) = self.cache.get_mut(tunnel_address) else { return };
        // Registrations are extended by their clients alone.
        if entry.is_registered() {
            return;
        }
        entry.extra_mut().last_used = Some(now);
        if entry.refresh_on_use {
            self.seen = self.seen.max(now);
            self.refresh(now, tunnel_address);
        }
    }

    /// Counters: `show ip nhrp traffic`.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The configuration in force; its `nbma` follows [`Input::NbmaChanged`].
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Takes another configuration without losing registrations, clients or shortcuts. A client tells its servers at once.
    ///
    /// Authentication, times, redirect, shortcut and the other switches can change; addresses, servers, mappings, multicast
    /// and limits are what a node begins with.
    ///
    /// # Errors
    /// [`ConfigError`] if it cannot run, or asks for another node. Nothing has changed then.
    pub fn reconfigure(&mut self, now: Instant, config: Config) -> Result<(), ConfigError> {
        config.validate()?;
        let config = Config { nbma: self.config.nbma, ..config };
        let changeable = Config {
            network_id: config.network_id,
            authentication: config.authentication.clone(),
            holding_time: config.holding_time,
            registration_timeout: config.registration_timeout,
            start_delay: config.start_delay,
            unique: config.unique,
            redirect: config.redirect,
            shortcut: config.shortcut,
            shortcut_min_prefix: config.shortcut_min_prefix,
            resolution_policy: config.resolution_policy,
            mtu: config.mtu,
            admission: config.admission,
            server_only: config.server_only,
            fallback: config.fallback,
            timing: config.timing.clone(),
            ..self.config.clone()
        };
        if changeable != config {
            return Err(ConfigError::OtherNode);
        }
        self.config = config;
        for index in 0..self.servers.len() {
            self.register(now, index);
        }
        Ok(())
    }

    fn start(&mut self, now: Instant) {
        for map in self.config.maps.clone() {
            let mut entry = Entry::new(map.tunnel_address, map.nbma, Origin::Static, now);
            entry.prefix_len = map.prefix_len;
            self.cache.insert(entry);
        }
        for nhs in self.config.nhs.clone() {
            let nbma = self.config.nhs_nbma(&nhs);
            if let (Some(address), Some(nbma)) = (nhs.tunnel_address, nbma)
                && self.cache.get(address).is_none()
            {
                self.add_server_entry(now, address, nbma);
            }
            self.servers.push(Server::new(nhs, nbma, now));
        }
        self.select_servers(now);
        for map in self.config.maps.clone() {
            if self.is_permanent(map.nbma) {
                self.connect(map.nbma);
            }
        }
    }

    /// One packet: structure, domain, authentication, then meaning.
    fn receive(&mut self, now: Instant, from: Sender, payload: &[u8]) {
        let packet = match PacketRef::parse(payload) {
            Ok(packet) => packet,
            Err(error) => {
                if self.is_debugged(from.nbma) {
                    tracing::debug!(nbma = %from.nbma, %error, "malformed NHRP packet");
                }
                self.stats.count_drop(error.into());
                return;
            }
        };
        let packet_type = packet.packet_type();
        self.stats.count_received(packet_type);
        if self.is_debugged(from.nbma) {
            tracing::trace!(nbma = %from.nbma, %packet_type, id = packet.header.request_id.get(), "NHRP packet");
        }
        if packet.address_family() != self.address_family() || packet.protocol_type() != self.protocol_type()
        {
            self.stats.count_drop(DropReason::Family);
            return;
        }
        if !self.authenticated(packet) {
            self.stats.count_drop(DropReason::Authentication);
            self.event(Event::AuthenticationMismatch {
                source: from.nbma,
                destination: self.config.nbma,
                packet_type,
                size: payload.len(),
            });
            self.send_error(now, from, &packet.to_packet(), ErrorCode::AUTHENTICATION, 0, payload);
            return;
        }
        let is_plain = packet.source() != Some(self.config.tunnel_address)
            && !packet.extensions().any(|extension| extension.compulsory && !extension.kind.is_known());
        if packet_type == PacketType::REGISTRATION_REQUEST && is_plain {
            self.registration_request(now, from, packet, payload);
        } else {
            self.dispatch(now, from, packet.to_packet(), payload);
        }
    }

    fn authenticated(&self, packet: PacketRef<'_>) -> bool {
        let Some(secret) = &self.config.authentication else { return true };
        packet
            .extension(ExtensionType::AUTHENTICATION)
            .and_then(|extension| extension.authentication_data())
            .is_some_and(|data| secret.matches(data))
    }

    fn dispatch(&mut self, now: Instant, from: Sender, packet: Packet, raw: &[u8]) {
        let own = self.config.tunnel_address;
        let source = packet.source_protocol.ip();
        let destination = packet.destination_protocol.ip();
        let is_reply = matches!(
            packet.packet_type,
            PacketType::RESOLUTION_REPLY | PacketType::REGISTRATION_REPLY | PacketType::PURGE_REPLY
        );
        if source == Some(own) && !is_reply {
            // Our own packet came back.
            let is_error = packet.packet_type == PacketType::ERROR_INDICATION;
            self.stats.count_drop(DropReason::OwnSource);
            if let (Some(source), Some(destination), false) = (source, destination, is_error) {
                self.event(Event::Loop { source, destination });
            }
            return;
        }
        let opaque = has_unknown_compulsory(&packet);
        // Replies travel to the originator of their request, the rest to its destination.
        let toward = if is_reply { source } else { destination };
        let is_transit = match packet.packet_type {
            PacketType::RESOLUTION_REPLY
            | PacketType::REGISTRATION_REPLY
            | PacketType::PURGE_REPLY
            | PacketType::PURGE_REQUEST
            | PacketType::ERROR_INDICATION => toward.is_some_and(|toward| toward != own),
            _ => false,
        };
        if let (true, Some(toward)) = (is_transit, toward) {
            self.transit(now, from, packet, raw, toward, opaque);
            return;
        }
        if opaque && packet.packet_type != PacketType::RESOLUTION_REQUEST {
            self.unrecognized_extension(now, from, &packet, raw);
            return;
        }
        match packet.packet_type {
            PacketType::RESOLUTION_REQUEST => self.resolution_request(now, from, packet, raw, opaque),
            PacketType::RESOLUTION_REPLY => self.resolution_reply(now, from, &packet, raw),
            PacketType::REGISTRATION_REPLY => self.registration_reply(now, from, &packet),
            PacketType::PURGE_REQUEST => self.purge_request(now, from, packet, raw),
            PacketType::PURGE_REPLY => self.purge_reply(&packet),
            PacketType::ERROR_INDICATION => self.error_indication(now, from, &packet),
            PacketType::TRAFFIC_INDICATION => self.traffic_indication(now, from, &packet),
            _ => self.stats.count_drop(DropReason::UnknownType),
        }
    }

    /// Forgets everything that is not static and that is meant.
    fn clear(&mut self, now: Instant, is_meant: impl Fn(&IpNet) -> bool) {
        let is_meant_host = |address: &IpAddr| is_meant(&IpNet::from(*address));
        let addresses: Vec<IpAddr> = self
            .cache
            .iter()
            .filter(|entry| !matches!(entry.origin, Origin::Static) && is_meant(&entry.prefix()))
            .map(|entry| entry.address)
            .collect();
        for address in addresses {
            self.remove_entry(now, address, DownReason::Cleared);
        }
        let shortcuts: Vec<IpNet> =
            self.shortcuts.keys().filter(|prefix| is_meant(prefix)).copied().collect();
        for prefix in shortcuts {
            self.remove_shortcut(prefix);
        }
        let locals: Vec<IpNet> = self.locals.keys().filter(|prefix| is_meant(prefix)).copied().collect();
        for prefix in locals {
            self.withdraw_local(now, prefix);
        }
        let pending: Vec<IpAddr> = self.resolutions.keys().copied().filter(is_meant_host).collect();
        for destination in pending {
            self.end_resolution(destination);
        }
        let held: Vec<IpAddr> = self.hold_downs.keys().copied().filter(is_meant_host).collect();
        for address in held {
            self.hold_downs.remove(&address);
            self.timers.cancel(Timer::HoldDown(address));
        }
    }

    fn event(&mut self, event: Event) {
        if self.is_debugged_event(&event) {
            tracing::debug!(?event, "NHRP");
        }
        self.outputs.push_back(Output::Event(event));
    }

    /// `debug nhrp condition peer nbma ADDRESS`: debug lines (`tracing`) are written of these peers only; of all if there is
    /// none. Events are handed out whatever the condition.
    pub fn set_debug_peers(&mut self, peers: impl IntoIterator<Item = IpAddr>) {
        self.debug_peers = peers.into_iter().collect();
    }

    /// Whether a debug line about this peer is wanted.
    fn is_debugged(&self, nbma: IpAddr) -> bool {
        self.debug_peers.is_empty() || self.debug_peers.contains(&nbma)
    }

    fn is_debugged_event(&self, event: &Event) -> bool {
        if self.debug_peers.is_empty() {
            return true;
        }
        let of_entry = || self.cache.get(event.tunnel_address()?).map(|entry| entry.nbma);
        event.nbma().or_else(of_entry).is_some_and(|nbma| self.is_debugged(nbma))
    }

    /// The wait times a random factor of 0.75 to 1, as measured from IOS: clients of a server that restarts spread out.
    fn jitter(&mut self, wait: Duration) -> Duration {
        let random = self.rng.next_u32() >> 8;
        wait.min(Duration::from_secs(365 * 86400))
            .mul_f64(0.75 + 0.25 * f64::from(random) / f64::from(1u32 << 24))
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("tunnel_address", &self.config.tunnel_address)
            .field("servers", &self.servers)
            .field("timers", &self.timers)
            .finish_non_exhaustive()
    }
}
