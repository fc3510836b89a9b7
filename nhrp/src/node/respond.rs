//! Answering resolution requests, and passing on what is for others (RFC 2332 sections 2.2, 5.2.1, 5.3.1 to 5.3.3).

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipnet::IpNet;

use crate::config::{Config, ResolutionPolicy};
use crate::io::{Event, Output, PathId, RouteInfo, RouteToken};
use crate::node::build::{HOP_COUNT, entries_extension, fill_extension, host_len};
use crate::node::cache::{Entry, Origin, Requester};
use crate::node::resolve::{Binding, public_address};
use crate::node::timers::{Timer, after};
use crate::node::{Node, Sender};
use crate::stats::DropReason;
use crate::wire::{Body, Cie, CieCode, ErrorCode, ExtensionType, Flags, Packet, PacketType};

/// An answer that waits for a direct path to the requester.
#[derive(Debug, Clone)]
pub(super) struct PendingReply {
    packet: Packet,
    /// Where the request came from.
    via: Sender,
}

/// A question to the routing table, and what it is for.
#[derive(Debug, Clone)]
pub(super) enum Query {
    /// A resolution request for a destination outside the tunnel's subnet.
    Request { from: Sender, packet: Box<Packet>, raw: Vec<u8> },
    /// A traffic indication: is its sender really the next hop?
    Indication { sender: IpAddr, destination: IpAddr },
    /// A network of this node's that it answered for: is it still?
    Local { prefix: IpNet },
}

impl Node {
    /// A resolution request. `opaque` means that it has a compulsory extension that is unknown here: it may be passed on,
    /// but neither learnt from nor recorded (RFC 2332 section 5.3).
    pub(super) fn resolution_request(
        &mut self,
        now: Instant,
        from: Sender,
        packet: Packet,
        raw: &[u8],
        opaque: bool,
    ) {
        let (Some(source), Some(claimed), Some(destination)) =
            (packet.source_protocol.ip(), packet.source_nbma.ip(), packet.destination_protocol.ip())
        else {
            self.stats.count_drop(DropReason::MissingAddress);
            self.send_error(now, from, &packet, ErrorCode::PROTOCOL, 0, raw);
            return;
        };
        // A registered client's address may only be used by that client, except by what a server passes on.
        if let Some(entry) = self.cache.get(source)
            && entry.is_registered()
            && self.server_on(from.path).is_none()
            && !self.same_client(entry, from, claimed)
        {
            self.stats.count_drop(DropReason::SourceMismatch);
            return;
        }
        // What comes straight from its originator tells whose path it came over.
        if is_direct(&packet) && self.server_on(from.path).is_none() && !opaque {
            self.paths.bind(from.path, source);
        }
        if destination == self.config.tunnel_address || own_link_local(&self.config, destination) {
            self.answer(now, from, packet, raw, IpNet::from(destination), opaque);
        } else if self.config.is_overlay(destination) || self.cache.get(destination).is_some() {
            self.request_for_client(now, from, packet, raw, source, destination, opaque);
        } else {
            let query = Query::Request { from, packet: Box::new(packet), raw: raw.to_vec() };
            self.ask_route(now, destination, query);
        }
    }

    /// A request for an address of the tunnel's subnet.
    #[expect(clippy::too_many_arguments, reason = "the parts of one request, taken apart once")]
    fn request_for_client(
        &mut self,
        now: Instant,
        from: Sender,
        packet: Packet,
        raw: &[u8],
        source: IpAddr,
        destination: IpAddr,
        opaque: bool,
    ) {
        let Some(entry) = self.cache.get(destination).filter(|entry| !entry.is_dynamic()) else {
            // Learnt data is never handed out; a server above may know.
            self.forward_to_server(now, from, packet, raw, opaque);
            return;
        };
        let is_server = self.is_server_address(destination);
        match entry.path {
            Some(path) if path != from.path && !self.answers_for(entry, is_server) => {
                self.note_requester(now, destination, source, packet.request_id);
                self.note_requester(now, source, destination, packet.request_id);
                self.forward(now, from, packet, raw, path, opaque);
            }
            _ if entry.is_registered() => self.answer_for(now, from, packet, destination),
            _ => self.forward_to_server(now, from, packet, raw, opaque),
        }
    }

    fn answers_for(&self, entry: &Entry, is_server: bool) -> bool {
        self.config.resolution_policy == ResolutionPolicy::Answer && entry.is_registered() && !is_server
    }

    /// What the routing table says to an earlier question.
    pub(super) fn route_answer(&mut self, now: Instant, token: RouteToken, route: Option<RouteInfo>) {
        let Some(query) = self.queries.remove(&token) else { return };
        self.timers.cancel(Timer::Query(token));
        match query {
            Query::Indication { sender, destination } => {
                self.indication_checked(now, sender, destination, route);
            }
            Query::Local { prefix } => self.local_checked(now, prefix, route),
            Query::Request { from, packet, raw } => self.request_routed(now, from, *packet, &raw, route),
        }
    }

    fn request_routed(
        &mut self,
        now: Instant,
        from: Sender,
        packet: Packet,
        raw: &[u8],
        route: Option<RouteInfo>,
    ) {
        let opaque = has_unknown_compulsory(&packet);
        let Some(destination) = packet.destination_protocol.ip() else { return };
        let Some(route) = route else {
            self.refuse(now, from, packet, CieCode::NO_BINDING);
            return;
        };
        if !route.through_tunnel {
            let prefix = self.answered_prefix(destination, route.prefix);
            self.answer(now, from, packet, raw, prefix, opaque);
            return;
        }
        let source = packet.source_protocol.ip();
        let next_hop = route.next_hop.unwrap_or(destination);
        let path = self.cache.get(next_hop).filter(|entry| !entry.is_dynamic()).and_then(|entry| entry.path);
        match path {
            Some(path) if Some(next_hop) != source && path != from.path => {
                if let Some(source) = source {
                    self.note_requester(now, next_hop, source, packet.request_id);
                    self.note_requester(now, source, next_hop, packet.request_id);
                }
                self.forward(now, from, packet, raw, path, opaque);
            }
            _ => self.refuse(now, from, packet, CieCode::NO_BINDING),
        }
    }

    /// `Timer::Query`: the routing table keeps silent.
    pub(super) fn query_due(&mut self, now: Instant, token: RouteToken) {
        if let Some(Query::Request { from, packet, .. }) = self.queries.remove(&token) {
            self.refuse(now, from, *packet, CieCode::NO_BINDING);
        }
    }

    pub(super) fn ask_route(&mut self, now: Instant, destination: IpAddr, query: Query) {
        if self.queries.len() >= self.config.limits.route_queries {
            self.stats.count_drop(DropReason::Limit);
            return;
        }
        let token = RouteToken(self.next_token);
        self.next_token = self.next_token.wrapping_add(1);
        self.queries.insert(token, query);
        self.timers.set(
            Timer::Query(token),
            after(now, self.config.timing.route_wait.max(Duration::from_millis(10))),
        );
        self.outputs.push_back(Output::RouteQuery { token, destination });
    }

    /// Answers for this node itself, or for a network behind it.
    fn answer(
        &mut self,
        now: Instant,
        from: Sender,
        packet: Packet,
        raw: &[u8],
        prefix: IpNet,
        opaque: bool,
    ) {
        if opaque {
            self.unrecognized_extension(now, from, &packet, raw);
            return;
        }
        let mut entry = self.own_record();
        entry.prefix_len = prefix.prefix_len();
        if let (Some(link_local), Some(IpAddr::V6(asked))) =
            (self.config.link_local, packet.destination_protocol.ip())
            && asked == link_local
        {
            entry.protocol = IpAddr::V6(link_local).into();
        }
        let nat = self.own_nat();
        // Its own address stays its own: only what lies behind it may have to be withdrawn.
        let is_behind =
            prefix.addr() != self.config.tunnel_address && !own_link_local(&self.config, prefix.addr());
        if let (true, Some(source)) = (is_behind, packet.source_protocol.ip()) {
            self.note_local(now, prefix, source, packet.request_id);
        }
        let learnt = self.learn_requester(now, from, &packet);
        let direct = is_direct(&packet) && self.server_on(from.path).is_none();
        let reply = self.resolution_answer(packet, vec![entry], &nat, Flags::AUTHORITATIVE);
        // A request that came straight from its originator is answered the same way.
        let Some(requester) = learnt.filter(|_| !direct) else {
            let to = self.back(from);
            self.send(now, to, &reply);
            return;
        };
        if let Some(path) =
            self.cache.get(requester).filter(|entry| entry.active).and_then(|entry| entry.path)
        {
            self.send_on(now, path, &reply);
            return;
        }
        let waiting = self.replies.entry(requester).or_default();
        if waiting.iter().any(|pending| pending.packet.request_id == reply.request_id) {
            // A retransmission of what is being dealt with.
            return;
        }
        if waiting.len() >= 8 || self.pending_replies >= self.config.limits.pending_replies {
            let to = self.back(from);
            self.send(now, to, &reply);
            return;
        }
        waiting.push(PendingReply { packet: reply, via: from });
        self.pending_replies += 1;
        if self.timers.deadline(Timer::Reply(requester)).is_none() {
            self.timers.set(Timer::Reply(requester), after(now, self.config.timing.reply_wait));
        }
    }

    /// The direct path to a requester is up, has failed, or takes too long: answers leave, over it or the way they came.
    pub(super) fn flush_replies(&mut self, now: Instant, requester: IpAddr) {
        let Some(waiting) = self.replies.remove(&requester) else { return };
        self.timers.cancel(Timer::Reply(requester));
        self.pending_replies = self.pending_replies.saturating_sub(waiting.len());
        let direct = self.cache.get(requester).filter(|entry| entry.active).and_then(|entry| entry.path);
        for PendingReply { packet, via } in waiting {
            match direct {
                Some(path) => self.send_on(now, path, &packet),
                None => {
                    let to = self.back(via);
                    self.send(now, to, &packet);
                }
            }
        }
    }

    /// Answers from a registration, with what is left of its lifetime (RFC 2332 section 2.2).
    fn answer_for(&mut self, now: Instant, from: Sender, packet: Packet, destination: IpAddr) {
        let Some(entry) = self.cache.get(destination) else { return };
        let left = entry.expires.map_or(self.config.holding_time, |at| at.saturating_duration_since(now));
        let cie = Cie {
            prefix_len: host_len(destination),
            mtu: entry.mtu,
            holding_time: u16::try_from(left.as_secs()).unwrap_or(u16::MAX),
            preference: entry.preference,
            ..Cie::new(Some(entry.claimed.unwrap_or(entry.nbma)), Some(destination))
        };
        let nat: Vec<Cie> =
            entry.claimed.map(|_| self.nat_record(entry.nbma, destination)).into_iter().collect();
        if let Some(source) = packet.source_protocol.ip() {
            self.note_requester(now, destination, source, packet.request_id);
        }
        let reply = self.resolution_answer(packet, vec![cie], &nat, Flags::AUTHORITATIVE);
        let to = self.back(from);
        self.send(now, to, &reply);
    }

    /// The negative answer.
    pub(super) fn refuse(&mut self, now: Instant, from: Sender, packet: Packet, code: CieCode) {
        self.stats.count_drop(DropReason::Unreachable);
        let entry = Cie { code, prefix_len: 0, mtu: 0, holding_time: 0, ..Cie::new(None, None) };
        let reply = self.resolution_answer(packet, vec![entry], &[], Flags::default());
        let to = self.back(from);
        self.send(now, to, &reply);
    }

    fn resolution_answer(&self, request: Packet, entries: Vec<Cie>, nat: &[Cie], authority: Flags) -> Packet {
        let mut reply = request;
        reply.packet_type = PacketType::RESOLUTION_REPLY;
        reply.hop_count = HOP_COUNT;
        let asked = reply.flags.0 & (Flags::ROUTER | Flags::SOURCE_STABLE | Flags::NAT).0;
        let found = if authority == Flags::default() {
            Flags::default()
        } else {
            authority | Flags::DESTINATION_STABLE | Flags::RESOLUTION_UNIQUE
        };
        reply.flags = Flags(asked) | found;
        reply.body = Body::Entries(entries);
        reply.trailer = bytes::Bytes::new();
        fill_extension(&mut reply, ExtensionType::RESPONDER_ADDRESS, &[self.own_record()]);
        fill_extension(&mut reply, ExtensionType::NAT_ADDRESS, nat);
        self.stamp(&mut reply);
        reply
    }

    /// Learns the requester's own binding from its request, which it allows with the S bit (RFC 2332 section 6.2.1).
    /// Returns its address if a direct path to it is, or will be, known here.
    fn learn_requester(&mut self, now: Instant, from: Sender, packet: &Packet) -> Option<IpAddr> {
        let source = packet.source_protocol.ip()?;
        if let Some(entry) = self.cache.get(source)
            && !entry.is_dynamic()
        {
            return None;
        }
        let private = packet.source_nbma.ip()?;
        let hold = packet.entries().first()?.holding_time;
        let acceptable = packet.flags.contains(Flags::SOURCE_STABLE)
            && hold > 0
            && self.config.is_overlay(source)
            && source != self.config.tunnel_address
            && private.is_ipv4() == self.config.nbma.is_ipv4()
            && private != self.config.nbma;
        if !acceptable {
            return None;
        }
        let direct = is_direct(packet) && self.server_on(from.path).is_none();
        // A request that came straight from its originator shows the address after NAT by itself.
        let observed = direct.then_some(from.nbma);
        // What was seen is better than what was said.
        let public = observed.or_else(|| public_address(packet, source)).filter(|public| *public != private);
        let nbma = public.unwrap_or(private);
        if self.is_own_public(nbma) {
            return None;
        }
        // It asks for us, so it is alive: no need to wait any longer.
        self.end_hold_down(now, source);
        let binding = Binding {
            address: source,
            nbma,
            claimed: public.map(|_| private),
            hold: Duration::from_secs(u64::from(hold)),
            mtu: packet.entries().first().map_or(0, |entry| entry.mtu),
            preference: 0,
            origin: Origin::Dynamic {
                implicit: true,
                authoritative: false,
                router: packet.flags.contains(Flags::ROUTER),
            },
        };
        self.learn(now, binding, direct.then_some(from.path)).then_some(source)
    }

    /// Remembers who was given a binding, to tell it when the binding goes. How long it keeps what its owner answers is between
    /// the two: this node's own holding time stands for it, and what is left of the registration if that is more.
    fn note_requester(&mut self, now: Instant, address: IpAddr, requester: IpAddr, request_id: u32) {
        let (max, hold) = (self.config.limits.answered_per_entry, after(now, self.config.holding_time));
        let Some(entry) = self.cache.get_mut(address).filter(|entry| entry.is_registered()) else { return };
        let until = entry.expires.map_or(hold, |expires| expires.max(hold));
        let requesters = &mut entry.extra_mut().requesters;
        requesters.retain(|known| known.address != requester && known.until > now);
        if max > 0 {
            if requesters.len() >= max {
                requesters.remove(0);
            }
            requesters.push(Requester { address: requester, request_id, until });
        }
    }

    /// Up to the servers of this node, if it has any and the packet does not come from there.
    fn forward_to_server(&mut self, now: Instant, from: Sender, packet: Packet, raw: &[u8], opaque: bool) {
        // Only servers pass requests on: a client that gets one for somebody else was mistaken for it.
        let is_transit = self.config.is_server() && self.server_on(from.path).is_none();
        let path = self.best_server(Some(from.path)).and_then(|i| self.servers.get(i)?.path);
        match path {
            Some(path) if is_transit => self.forward(now, from, packet, raw, path, opaque),
            _ if opaque => self.unrecognized_extension(now, from, &packet, raw),
            _ => self.refuse(now, from, packet, CieCode::NO_BINDING),
        }
    }

    /// A reply, purge or error for somebody else.
    pub(super) fn transit(
        &mut self,
        now: Instant,
        from: Sender,
        packet: Packet,
        raw: &[u8],
        toward: IpAddr,
        opaque: bool,
    ) {
        // Only servers pass packets on. A client would lend its name to what others say: its server takes what comes from it as
        // its own word.
        if !self.config.is_server() {
            self.stats.count_drop(DropReason::NotServer);
            return;
        }
        // What a client asks for others must come from that client (replies carry the address of the one that is answered).
        if packet.packet_type == PacketType::PURGE_REQUEST
            && let (Some(source), Some(claimed)) = (packet.source_protocol.ip(), packet.source_nbma.ip())
            && let Some(entry) = self.cache.get(source).filter(|entry| entry.is_registered())
            && self.server_on(from.path).is_none()
            && !self.same_client(entry, from, claimed)
        {
            self.stats.count_drop(DropReason::SourceMismatch);
            return;
        }
        let known = |address: IpAddr| {
            self.cache.get(address).filter(|entry| !entry.is_dynamic()).and_then(|entry| entry.path)
        };
        // A reply to somebody else's client goes back through the server that handed us the request.
        let back = || known(self.hop_before(&packet)?);
        let up = || match self.server_on(from.path) {
            None => self.best_server(Some(from.path)).and_then(|i| self.servers.get(i)?.path),
            Some(_) => None,
        };
        let path = known(toward).or_else(back).or_else(up);
        match path.filter(|path| *path != from.path) {
            Some(path) => self.forward(now, from, packet, raw, path, opaque),
            None => self.stats.count_drop(DropReason::Unreachable),
        }
    }

    /// The server that stands before this node in a reply's copy of the forward transit record.
    fn hop_before(&self, packet: &Packet) -> Option<IpAddr> {
        let record = packet.extension(ExtensionType::FORWARD_TRANSIT_RECORD)?.entries()?;
        let own = record.iter().position(|entry| entry.protocol.ip() == Some(self.config.tunnel_address))?;
        record.get(own.checked_sub(1)?)?.protocol.ip()
    }

    /// One hop further: hop count, loop check, transit record, the requester's NAT address, our authentication.
    fn forward(
        &mut self,
        now: Instant,
        from: Sender,
        mut packet: Packet,
        raw: &[u8],
        path: PathId,
        opaque: bool,
    ) {
        if packet.hop_count <= 1 {
            self.stats.count_drop(DropReason::HopCount);
            self.send_error(now, from, &packet, ErrorCode::HOP_COUNT, 9, raw);
            return;
        }
        packet.hop_count -= 1;
        let is_reply = matches!(
            packet.packet_type,
            PacketType::RESOLUTION_REPLY | PacketType::REGISTRATION_REPLY | PacketType::PURGE_REPLY
        );
        let kind = if is_reply {
            ExtensionType::REVERSE_TRANSIT_RECORD
        } else {
            ExtensionType::FORWARD_TRANSIT_RECORD
        };
        if let Some(record) = packet.extension(kind) {
            let Some(mut entries) = record.entries() else {
                self.stats.count_drop(DropReason::Extension);
                let offset = packet.extension_offset(|extension| extension.kind == kind).unwrap_or_default();
                self.send_error(now, from, &packet, ErrorCode::INVALID_EXTENSION, offset, raw);
                return;
            };
            // RFC 2332 section 5.3.2: by the overlay address, which is ours alone.
            if entries.iter().any(|entry| entry.protocol.ip() == Some(self.config.tunnel_address)) {
                self.stats.count_drop(DropReason::Loop);
                if let (Some(source), Some(destination)) =
                    (packet.source_protocol.ip(), packet.destination_protocol.ip())
                {
                    self.event(Event::Loop { source, destination });
                }
                self.send_error(now, from, &packet, ErrorCode::LOOP, 0, raw);
                return;
            }
            if !opaque {
                entries.push(self.own_record());
                let value = entries_extension(kind, &entries).value;
                if let Some(record) =
                    packet.extensions.as_mut().and_then(|list| list.iter_mut().find(|e| e.kind == kind))
                {
                    record.value = value;
                }
            }
        }
        if packet.packet_type == PacketType::RESOLUTION_REQUEST && !opaque {
            self.fill_requester_nat(&mut packet);
        }
        self.stamp(&mut packet);
        self.stats.count_forwarded(packet.packet_type);
        self.send_on(now, path, &packet);
    }

    /// What the NAT extension of a requester says is known here by its registration: it is told to others as it was seen, not
    /// as the requester says. Else it could have them connect to anybody.
    fn fill_requester_nat(&self, packet: &mut Packet) {
        let Some(source) = packet.source_protocol.ip() else { return };
        let Some(entry) = self.cache.get(source).filter(|entry| entry.is_registered()) else { return };
        let known: Vec<Cie> =
            entry.claimed.map(|_| self.nat_record(entry.nbma, source)).into_iter().collect();
        let said = packet.extension(ExtensionType::NAT_ADDRESS).and_then(|extension| extension.entries());
        let is_true = said.is_some_and(|said| {
            said.iter().map(|entry| entry.nbma.ip()).eq(known.iter().map(|entry| entry.nbma.ip()))
        });
        if !is_true {
            fill_extension(packet, ExtensionType::NAT_ADDRESS, &known);
        }
    }
}

/// It is this node's link-local address.
fn own_link_local(config: &Config, address: IpAddr) -> bool {
    config.link_local.is_some_and(|own| IpAddr::V6(own) == address)
}

/// No server has passed the packet on.
pub(super) fn is_direct(packet: &Packet) -> bool {
    packet.extension(ExtensionType::FORWARD_TRANSIT_RECORD).is_none_or(|extension| extension.value.is_empty())
}

/// It has a compulsory extension without meaning here.
pub(super) fn has_unknown_compulsory(packet: &Packet) -> bool {
    packet.extensions.iter().flatten().any(|extension| extension.compulsory && !extension.kind.is_known())
}
