//! Registration with servers (RFC 2332 sections 5.2.3 and 5.2.4).
//!
//! ```text
//!            path up                reply: success
//! Probing ------------> (request) ------------------> Up --- period ---> (request) ...
//!    ^                     |  3 retransmissions        |  3 retransmissions, path down, refused
//!    |  wanted again       v                           v
//! Waiting <--- better ones suffice --- Down <----------+      Down keeps asking: 1, 2, 4 ... 64 s
//! ```

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::config::Nhs;
use crate::io::{AdjacencyKind, DownReason, Event, NhsDownReason, Output, PathId};
use crate::node::cache::{Entry, Origin};
use crate::node::names::Name;
use crate::node::timers::{Timer, after, backoff};
use crate::node::{Node, Request, Sender};
use crate::stats::DropReason;
use crate::view::NhsStatus;
use crate::wire::{CieCode, Extension, ExtensionType, Flags, Packet, PacketType};

/// Retransmissions after which a silent server counts as down (measured from IOS: within about 10 s).
const DOWN_AFTER: u32 = 3;
/// Time between the two registrations at start, as IOS sends them.
const START_PAIR: Duration = Duration::from_secs(1);

/// One server.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) config: Nhs,
    /// Underlay address; unknown while a name is being looked up.
    pub(super) nbma: Option<IpAddr>,
    pub(super) name: Option<Name>,
    pub(super) tunnel_address: Option<IpAddr>,
    pub(super) status: NhsStatus,
    /// Up for the fallback time, or had no reason to wait.
    pub(super) stable: bool,
    pub(super) changed: Instant,
    pub(super) down_reason: Option<NhsDownReason>,
    pub(super) path: Option<PathId>,
    pub(super) public_nbma: Option<IpAddr>,
    pub(super) requests_sent: u64,
    pub(super) replies_received: u64,
    pub(super) requests_failed: u64,
    pub(super) last_reply: Option<Instant>,
    pub(super) round_trip: Option<Duration>,
    /// Request id of the registration in force. IOS wants it in the purge that withdraws it.
    pub(super) registered_id: Option<u32>,
    /// Request id of the latest request.
    pub(super) requested_id: Option<u32>,
    pub(super) request: Option<Registration>,
    start: StartPair,
    refusals: u32,
}

/// A registration request without answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Registration {
    pub(super) id: u32,
    /// Last transmission.
    sent: Instant,
    retransmissions: u32,
    /// Time from the last transmission to the next.
    pub(super) retry: Duration,
}

/// IOS registers twice, about a second apart, when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StartPair {
    /// Nothing was sent yet.
    First,
    /// The first was sent at this time.
    Second(Instant),
    Done,
}

impl Server {
    pub(super) fn new(config: Nhs, nbma: Option<IpAddr>, now: Instant) -> Server {
        Server {
            name: config.name.clone().filter(|_| nbma.is_none()).map(Name::new),
            nbma,
            tunnel_address: config.tunnel_address,
            config,
            status: NhsStatus::Waiting,
            stable: false,
            changed: now,
            down_reason: None,
            path: None,
            public_nbma: None,
            requests_sent: 0,
            replies_received: 0,
            requests_failed: 0,
            last_reply: None,
            round_trip: None,
            registered_id: None,
            requested_id: None,
            request: None,
            start: StartPair::First,
            refusals: 0,
        }
    }

    /// How events name it.
    pub(super) fn label(&self) -> IpAddr {
        self.tunnel_address.or(self.nbma).unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED))
    }

    fn is_wanted(&self) -> bool {
        self.status != NhsStatus::Waiting
    }
}

impl Node {
    /// Position of the best live server: stable ones first, then by priority, then in configuration order.
    pub(super) fn best_server(&self, except: Option<PathId>) -> Option<usize> {
        self.servers
            .iter()
            .enumerate()
            .filter(|(_, s)| {
                s.status == NhsStatus::Up && s.path.is_some() && (except.is_none() || s.path != except)
            })
            .min_by_key(|(index, s)| (!s.stable, s.config.priority, *index))
            .map(|(index, _)| index)
    }

    /// The server behind a path.
    pub(super) fn server_on(&self, path: PathId) -> Option<usize> {
        self.servers.iter().position(|server| server.path == Some(path))
    }

    /// Whether a server at this address is to know us, and has not said so yet.
    pub(super) fn awaits_registration(&self, nbma: IpAddr) -> bool {
        let mut wanted = self.servers.iter().filter(|s| s.nbma == Some(nbma) && s.is_wanted()).peekable();
        wanted.peek().is_some() && !wanted.any(|s| s.status == NhsStatus::Up)
    }

    /// Whether a path to this address is always wanted.
    pub(super) fn is_permanent(&self, nbma: IpAddr) -> bool {
        let mut of_server = self.servers.iter().filter(|s| s.nbma == Some(nbma)).peekable();
        if of_server.peek().is_some() {
            return of_server.any(Server::is_wanted);
        }
        self.config.maps.iter().any(|map| map.nbma == nbma)
    }

    /// Decides which servers of each cluster are used: in order of priority until `max-connections` are up or being tried.
    /// Those that are down do not count, and are probed for ever as long as better ones do not suffice.
    pub(super) fn select_servers(&mut self, now: Instant) {
        let mut order: Vec<usize> = (0..self.servers.len()).collect();
        order.sort_by_key(|&i| self.servers.get(i).map(|s| (s.config.cluster, s.config.priority, i)));
        let (mut cluster, mut up) = (None, 0);
        for index in order {
            let Some(server) = self.servers.get(index) else { continue };
            if cluster != Some(server.config.cluster) {
                (cluster, up) = (Some(server.config.cluster), 0);
            }
            let max = self.config.cluster_max_connections.get(&server.config.cluster).copied();
            let wanted = max.is_none_or(|max| up < usize::from(max));
            // One that was never asked has its chance before the next one gets it.
            let holds_place = match server.status {
                NhsStatus::Up => server.stable,
                NhsStatus::Probing | NhsStatus::Waiting => true,
                NhsStatus::Down => false,
            };
            if wanted && holds_place {
                up += 1;
            }
            match (wanted, server.is_wanted()) {
                (true, false) => self.start_server(now, index),
                (false, true) => self.retire_server(now, index),
                _ => {}
            }
        }
    }

    fn start_server(&mut self, now: Instant, index: usize) {
        let Some(server) = self.servers.get_mut(index) else { return };
        server.status = NhsStatus::Probing;
        server.changed = now;
        let Some(nbma) = server.nbma else {
            self.ask_name(now, index);
            return;
        };
        match self.paths.for_static(nbma, self.servers.get(index).and_then(|s| s.tunnel_address)) {
            Some(path) => self.server_path_up(now, index, path),
            None => self.connect(nbma),
        }
    }

    fn retire_server(&mut self, now: Instant, index: usize) {
        let Some(server) = self.servers.get_mut(index) else { return };
        let was_up = server.status == NhsStatus::Up;
        let (name, path, registered_id) = (server.label(), server.path, server.registered_id);
        server.status = NhsStatus::Waiting;
        server.stable = false;
        server.changed = now;
        server.down_reason = Some(NhsDownReason::Superseded);
        self.stop_registering(index);
        self.timers.cancel(Timer::Fallback(index));
        self.timers.cancel(Timer::Name(index));
        if was_up {
            if let Some(path) = path {
                self.purge_self(now, path, name, registered_id);
            }
            self.event(Event::NhsDown { nhs: name, reason: NhsDownReason::Superseded });
            self.withdraw_shortcuts_of(now, index);
        }
    }

    pub(super) fn stop_registering(&mut self, index: usize) {
        self.timers.cancel(Timer::Register(index));
        if let Some(request) = self.servers.get_mut(index).and_then(|server| server.request.take()) {
            self.requests.remove(&request.id);
        }
    }

    /// A path to a wanted server exists: data may use it (there is no alternative), and a registration leaves at once.
    pub(super) fn server_path_up(&mut self, now: Instant, index: usize, path: PathId) {
        let Some(server) = self.servers.get_mut(index) else { return };
        server.path = Some(path);
        let tunnel_address = server.tunnel_address;
        let first = server.start == StartPair::First;
        if let Some(address) = tunnel_address {
            self.attach(now, address);
        }
        if first && !self.config.start_delay.is_zero() {
            self.timers.set(Timer::Register(index), after(now, self.config.start_delay));
        } else {
            self.register(now, index);
        }
    }

    /// The path to a server is gone.
    pub(super) fn server_path_down(&mut self, now: Instant, index: usize) {
        self.stop_registering(index);
        let Some(server) = self.servers.get_mut(index) else { return };
        server.path = None;
        if server.is_wanted() {
            self.server_down(now, index, NhsDownReason::PathDown);
        }
    }

    pub(super) fn server_down(&mut self, now: Instant, index: usize, reason: NhsDownReason) {
        let Some(server) = self.servers.get_mut(index) else { return };
        if server.status == NhsStatus::Down {
            server.down_reason = Some(reason);
            return;
        }
        let was_up = server.status == NhsStatus::Up;
        server.status = NhsStatus::Down;
        server.stable = false;
        server.changed = now;
        server.down_reason = Some(reason);
        let name = server.label();
        self.timers.cancel(Timer::Fallback(index));
        self.event(Event::NhsDown { nhs: name, reason });
        // It may have moved.
        self.ask_name(now, index);
        self.withdraw_shortcuts_of(now, index);
        self.select_servers(now);
        if was_up {
            self.resend_resolutions(now);
        }
    }

    /// Sends a new registration request (a new request id).
    pub(super) fn register(&mut self, now: Instant, index: usize) {
        self.stop_registering(index);
        if self.servers.get(index).is_none_or(|server| server.path.is_none() || !server.is_wanted()) {
            return;
        }
        let id = self.new_request(Request::Registration(index));
        if let Some(server) = self.servers.get_mut(index) {
            server.request = Some(Registration { id, sent: now, retransmissions: 0, retry: Duration::ZERO });
            server.requested_id = Some(id);
            server.start = match server.start {
                StartPair::First => StartPair::Second(now),
                StartPair::Second(_) | StartPair::Done => StartPair::Done,
            };
        }
        self.transmit_registration(now, index, id);
        self.arm_retransmission(now, index, 0);
    }

    /// `Timer::Register`: the start delay is over, a reply is overdue, or the period is.
    pub(super) fn register_due(&mut self, now: Instant, index: usize) {
        let Some(request) = self.servers.get_mut(index).and_then(|server| server.request.as_mut()) else {
            self.register(now, index);
            return;
        };
        request.retransmissions += 1;
        request.sent = now;
        let Registration { id, retransmissions, .. } = *request;
        self.stats.retransmitted += 1;
        if let Some(server) = self.servers.get_mut(index) {
            server.requests_failed += 1;
        }
        self.transmit_registration(now, index, id);
        self.arm_retransmission(now, index, retransmissions);
        if retransmissions == DOWN_AFTER {
            self.server_down(now, index, NhsDownReason::Silent);
        }
    }

    fn arm_retransmission(&mut self, now: Instant, index: usize, attempt: u32) {
        let wait =
            backoff(self.config.timing.retry_initial, attempt, self.config.timing.registration_retry_max);
        let wait = self.jitter(wait);
        if let Some(request) = self.servers.get_mut(index).and_then(|server| server.request.as_mut()) {
            request.retry = wait;
        }
        self.timers.set(Timer::Register(index), after(now, wait));
    }

    fn transmit_registration(&mut self, now: Instant, index: usize, id: u32) {
        let own = self.config.tunnel_address;
        let Some(server) = self.servers.get_mut(index) else { return };
        let Some(path) = server.path else { return };
        server.requests_sent += 1;
        // An unknown server is addressed by our own address, which FRR and IOS answer with theirs; opennhrp wants the subnet's
        // broadcast address, so a request without answer has that every second time.
        let retransmissions = server.request.map_or(0, |request| request.retransmissions);
        let unknown = if retransmissions % 2 == 0 { own } else { self.config.prefix.broadcast() };
        let destination = server.tunnel_address.unwrap_or(unknown);
        let Some(nbma) = server.nbma else { return };
        let nat = (nbma, server.tunnel_address.unwrap_or(unspecified(destination)));
        let mut entry = self.own_terms();
        if let Some(link_local) = self.config.link_local {
            entry.nbma = self.config.nbma.into();
            entry.protocol = IpAddr::V6(link_local).into();
        }
        let unique = if self.config.unique { Flags::REGISTRATION_UNIQUE } else { Flags::default() };
        let mut packet = self.originate(
            PacketType::REGISTRATION_REQUEST,
            Some(destination),
            unique | Flags::NAT,
            id,
            vec![entry],
            &[self.nat_record(nat.0, nat.1)],
        );
        if let (Some(group), Some(list)) = (&self.config.group, &mut packet.extensions) {
            list.push(Extension::group(group));
        }
        self.send_on(now, path, &packet);
    }

    /// A registration reply for this node.
    pub(super) fn registration_reply(&mut self, now: Instant, from: Sender, packet: &Packet) {
        let Some(Request::Registration(index)) = self.requests.get(&packet.request_id).copied() else {
            self.stats.count_drop(DropReason::Unsolicited);
            return;
        };
        let Some(server) = self.servers.get_mut(index) else { return };
        // Only the server that was asked may answer: its path, not just the request id, must fit.
        if server.path != Some(from.path) {
            self.stats.count_drop(DropReason::Unsolicited);
            return;
        }
        self.requests.remove(&packet.request_id);
        let Some(request) = server.request.take() else { return };
        server.replies_received += 1;
        server.round_trip = Some(now.saturating_duration_since(request.sent));
        let codes = packet.entries().iter().map(|entry| entry.code);
        let code = codes.into_iter().find(|code| *code != CieCode::SUCCESS).unwrap_or(CieCode::SUCCESS);
        if code != CieCode::SUCCESS {
            self.registration_refused(now, index, code);
            return;
        }
        let own = self.config.tunnel_address;
        server.last_reply = Some(now);
        server.registered_id = Some(request.id);
        server.refusals = 0;
        server.public_nbma = packet
            .extension(ExtensionType::NAT_ADDRESS)
            .and_then(|extension| extension.entries())
            .and_then(|entries| entries.iter().rev().find(|e| e.protocol.ip() == Some(own))?.nbma.ip())
            .filter(|public| *public != self.config.nbma);
        let (public_nbma, known) = (server.public_nbma, server.tunnel_address);
        if known.is_none() {
            self.learn_server_address(now, index, packet);
        }
        let granted = packet.entries().iter().map(|e| e.holding_time).filter(|hold| *hold > 0).min();
        self.schedule_next(now, index, request.sent, granted);
        self.server_answers(now, index, public_nbma);
    }

    fn server_answers(&mut self, now: Instant, index: usize, public_nbma: Option<IpAddr>) {
        let fallback = self.config.fallback;
        let others_up = |node: &Node, cluster| {
            node.servers.iter().any(|s| s.status == NhsStatus::Up && s.stable && s.config.cluster == cluster)
        };
        let Some(server) = self.servers.get(index) else { return };
        let (name, cluster, was_up) = (server.label(), server.config.cluster, server.status == NhsStatus::Up);
        let limited = self.config.cluster_max_connections.contains_key(&cluster);
        let wait = limited && !fallback.is_zero() && others_up(self, cluster);
        self.event(Event::RegistrationAccepted { nhs: name, public_nbma });
        if was_up {
            return;
        }
        if let Some(server) = self.servers.get_mut(index) {
            server.status = NhsStatus::Up;
            server.stable = !wait;
            server.changed = now;
        }
        if wait {
            self.timers.set(Timer::Fallback(index), after(now, fallback));
        }
        self.event(Event::NhsUp { nhs: name });
        if let Some((path, nbma)) =
            self.servers.get(index).and_then(|server| Some((server.path?, server.nbma?)))
        {
            self.join_static(now, path, nbma);
        }
        self.select_servers(now);
        self.resume_resolutions(now);
    }

    /// `Timer::Fallback`.
    pub(super) fn fallback_due(&mut self, now: Instant, index: usize) {
        if let Some(server) = self.servers.get_mut(index) {
            server.stable = server.status == NhsStatus::Up;
        }
        self.select_servers(now);
    }

    fn schedule_next(&mut self, now: Instant, index: usize, sent: Instant, granted: Option<u16>) {
        let mut period = self.config.registration_period();
        if let Some(granted) = granted.filter(|granted| *granted < self.config.holding_seconds()) {
            period = period.min((Duration::from_secs(u64::from(granted)) / 3).max(Duration::from_secs(1)));
        }
        let start = self.servers.get(index).map(|server| server.start);
        let at = match start {
            Some(StartPair::Second(first)) => after(first, START_PAIR),
            _ => after(sent, period),
        };
        self.timers.set(Timer::Register(index), at.max(now));
    }

    /// Every refusal has its own pace: a full server may have room soon, a prohibition needs a person, a stale unique
    /// binding of an earlier life of ours runs out by itself.
    fn registration_refused(&mut self, now: Instant, index: usize, code: CieCode) {
        let Some(server) = self.servers.get_mut(index) else { return };
        let refusals = server.refusals;
        server.refusals = refusals.saturating_add(1);
        server.start = StartPair::Done;
        let nhs = server.label();
        let initial = match code {
            CieCode::RESOURCES => 8,
            CieCode::ALREADY_REGISTERED => 16,
            CieCode::PROHIBITED => 64,
            _ => 32,
        };
        let max = self.config.timing.registration_retry_max;
        let wait = self.jitter(backoff(Duration::from_secs(initial), refusals, max));
        self.timers.set(Timer::Register(index), after(now, wait));
        self.event(Event::RegistrationRefused { nhs, code });
        self.server_down(now, index, NhsDownReason::Refused(code));
    }

    fn learn_server_address(&mut self, now: Instant, index: usize, packet: &Packet) {
        let own = self.config.tunnel_address;
        let responder = || {
            packet
                .extension(ExtensionType::RESPONDER_ADDRESS)
                .and_then(|extension| extension.entries()?.first()?.protocol.ip())
        };
        let learnt = packet.destination_protocol.ip().filter(|a| *a != own).or_else(responder);
        let Some(address) = learnt.filter(|a| *a != own && self.config.prefix.contains(a)) else { return };
        let Some(server) = self.servers.get_mut(index) else { return };
        server.tunnel_address = Some(address);
        let Some(nbma) = server.nbma else { return };
        if self.cache.get(address).is_none() {
            self.add_server_entry(now, address, nbma);
        }
        self.attach(now, address);
    }

    /// The binding of a server, which is as good as a configured one.
    pub(super) fn add_server_entry(&mut self, now: Instant, address: IpAddr, nbma: IpAddr) {
        self.cache.insert(Entry::new(address, nbma, Origin::Static, now));
    }

    /// Our own underlay address changed: every server hears it at once.
    pub(super) fn nbma_changed(&mut self, now: Instant, nbma: IpAddr) {
        self.config.nbma = nbma;
        for index in 0..self.servers.len() {
            self.register(now, index);
        }
    }

    /// Kind of adjacency of a static entry.
    pub(super) fn static_kind(&self, address: IpAddr) -> AdjacencyKind {
        let is_server = self.servers.iter().any(|server| server.tunnel_address == Some(address));
        if is_server { AdjacencyKind::Nhs } else { AdjacencyKind::Static }
    }

    /// Purges own registrations and withdraws everything.
    pub(super) fn shutdown(&mut self, now: Instant) {
        for index in 0..self.servers.len() {
            let Some(server) = self.servers.get(index) else { continue };
            if let (NhsStatus::Up, Some(path)) = (server.status, server.path) {
                let (name, registered_id) = (server.label(), server.registered_id);
                self.purge_self(now, path, name, registered_id);
            }
        }
        let shortcuts: Vec<_> = self.shortcuts.keys().copied().collect();
        for prefix in shortcuts {
            self.remove_shortcut(prefix);
        }
        let addresses: Vec<IpAddr> = self.cache.iter().map(|entry| entry.address).collect();
        for address in addresses {
            self.remove_entry(now, address, DownReason::Shutdown);
        }
        self.leave_all();
        for server in &mut self.servers {
            server.status = NhsStatus::Waiting;
            server.path = None;
            server.request = None;
        }
        self.requests.clear();
        self.resolutions.clear();
        self.replies.clear();
        self.queries.clear();
        self.admissions.clear();
        self.purges.clear();
        self.locals.clear();
        self.hold_downs.clear();
        self.timers.clear();
        self.stopped = true;
    }

    pub(super) fn connect(&mut self, nbma: IpAddr) {
        if self.paths.connecting.insert(nbma) {
            self.timers.cancel(Timer::Connect(nbma));
            self.outputs.push_back(Output::Connect { nbma });
        }
    }
}

fn unspecified(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
    }
}
