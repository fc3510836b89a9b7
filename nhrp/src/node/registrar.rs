//! Serving registrations (RFC 2332 sections 5.2.3 and 5.2.4).
//!
//! ```text
//! absent --register--> registered --register, same client--> registered (later expiry, new path)
//!                          |  register, other client: unique -> code 14; else the old one is replaced
//!                          +-- expiry, purge, clear --> absent (those who were answered are told)
//! ```

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::io::{AdmissionToken, DownReason, Event, Limit, Output};
use crate::node::build::{HOP_COUNT, fill_extension};
use crate::node::cache::{Entry, Origin};
use crate::node::timers::{Timer, after};
use crate::node::{Node, Sender};
use crate::stats::DropReason;
use crate::wire::{Body, Cie, CieCode, ErrorCode, ExtensionType, Flags, Packet, PacketType};

impl Node {
    /// A registration request that reached this node.
    pub(super) fn registration_request(&mut self, now: Instant, from: Sender, packet: Packet, raw: &[u8]) {
        let own = self.config.tunnel_address;
        let (Some(source), Some(claimed)) = (packet.source_protocol.ip(), packet.source_nbma.ip()) else {
            self.stats.count_drop(DropReason::MissingAddress);
            self.send_error(now, from, &packet, ErrorCode::PROTOCOL, 0, raw);
            return;
        };
        // A client that does not know its server's address asks for its own, for the subnet's broadcast or for nothing.
        let for_us = match packet.destination_protocol.ip() {
            None => true,
            Some(to) => {
                to == own || to == source || to.is_unspecified() || to == self.config.prefix.broadcast()
            }
        };
        if !for_us {
            self.stats.count_drop(DropReason::Unreachable);
            self.send_error(now, from, &packet, ErrorCode::UNREACHABLE, 0, raw);
            return;
        }
        if packet.entries().is_empty() {
            self.stats.count_drop(DropReason::InvalidBinding);
            self.send_error(now, from, &packet, ErrorCode::PROTOCOL, 0, raw);
            return;
        }
        if self.config.admission && !self.is_refresh(from, &packet, source) {
            self.ask_admission(now, from, packet, source);
            return;
        }
        self.register_client(now, from, packet, source, claimed);
    }

    /// All that it asks for is already registered over this path.
    fn is_refresh(&self, from: Sender, packet: &Packet, source: IpAddr) -> bool {
        packet.entries().iter().map(|entry| entry.protocol.ip().unwrap_or(source)).chain([source]).all(
            |address| {
                self.cache.get(address).is_some_and(|entry| {
                    entry.is_registered() && entry.path == Some(from.path) && entry.nbma == from.nbma
                })
            },
        )
    }

    fn ask_admission(&mut self, now: Instant, from: Sender, packet: Packet, tunnel_address: IpAddr) {
        if self.admissions.len() >= self.config.limits.route_queries {
            self.stats.count_drop(DropReason::Limit);
            return;
        }
        let token = AdmissionToken(self.next_token);
        self.next_token = self.next_token.wrapping_add(1);
        self.admissions.insert(token, (from, packet));
        let wait = self.config.timing.route_wait.max(Duration::from_millis(10));
        self.timers.set(Timer::Admission(token), after(now, wait));
        let Sender { nbma, path } = from;
        self.outputs.push_back(Output::AdmissionQuery { token, tunnel_address, nbma, path });
    }

    /// The owner's word on a client.
    pub(super) fn admission_answer(&mut self, now: Instant, token: AdmissionToken, admit: bool) {
        let Some((from, packet)) = self.admissions.remove(&token) else { return };
        self.timers.cancel(Timer::Admission(token));
        let (Some(source), Some(claimed)) = (packet.source_protocol.ip(), packet.source_nbma.ip()) else {
            return;
        };
        if admit {
            self.register_client(now, from, packet, source, claimed);
            return;
        }
        self.stats.count_drop(DropReason::NotAdmitted);
        let mut entries = packet.entries().to_vec();
        for entry in &mut entries {
            entry.code = CieCode::PROHIBITED;
            entry.holding_time = 0;
        }
        let reply = self.registration_answer(from, packet, source, claimed, entries);
        let to = self.back(from);
        self.send(now, to, &reply);
    }

    fn register_client(
        &mut self,
        now: Instant,
        from: Sender,
        packet: Packet,
        source: IpAddr,
        claimed: IpAddr,
    ) {
        let unique = packet.flags.contains(Flags::REGISTRATION_UNIQUE);
        let mut entries = packet.entries().to_vec();
        for entry in &mut entries {
            self.register_entry(now, from, source, claimed, unique, entry);
        }
        let reply = self.registration_answer(from, packet, source, claimed, entries);
        let to = self.back(from);
        self.send(now, to, &reply);
    }

    /// Carries out one entry of a request and leaves its result in it.
    fn register_entry(
        &mut self,
        now: Instant,
        from: Sender,
        source: IpAddr,
        claimed: IpAddr,
        unique: bool,
        entry: &mut Cie,
    ) {
        let address = entry.protocol.ip().unwrap_or(source);
        let claimed = entry.nbma.ip().unwrap_or(claimed);
        let (hold, mtu, preference) = (entry.holding_time, entry.mtu, entry.preference);
        let terms = Terms { address, claimed, unique, hold, mtu, preference };
        entry.code = self.accept(now, from, terms);
        // An IPv6 client registers its link-local address in the entry and its global one in the header.
        if entry.code == CieCode::SUCCESS && address != source {
            entry.code = self.accept(now, from, Terms { address: source, ..terms });
        }
        if entry.code != CieCode::SUCCESS {
            entry.holding_time = 0;
        }
    }

    fn accept(&mut self, now: Instant, from: Sender, terms: Terms) -> CieCode {
        let Terms { address, claimed, unique, hold, mtu, preference } = terms;
        if !self.config.is_server() {
            self.stats.count_drop(DropReason::NotServer);
            return CieCode::PROHIBITED;
        }
        let of_tunnel = self.config.is_overlay(address);
        let ours = address == self.config.tunnel_address
            || self.config.link_local.is_some_and(|own| IpAddr::V6(own) == address);
        if !of_tunnel || ours || address.is_ipv4() != self.config.tunnel_address.is_ipv4() {
            self.stats.count_drop(DropReason::InvalidBinding);
            return CieCode::PROHIBITED;
        }
        let existing = self.cache.get(address);
        let registered = existing.is_some_and(Entry::is_registered);
        match existing {
            Some(entry) if matches!(entry.origin, Origin::Static) => {
                self.stats.count_drop(DropReason::InvalidBinding);
                return CieCode::PROHIBITED;
            }
            Some(entry) if registered && !self.same_client(entry, from, claimed) => {
                if matches!(entry.origin, Origin::Registered { unique: true, .. }) {
                    let registered = entry.nbma;
                    self.event(Event::UniqueAddressConflict {
                        tunnel_address: address,
                        registered,
                        refused: from.nbma,
                    });
                    return CieCode::ALREADY_REGISTERED;
                }
                self.remove_entry(now, address, DownReason::Replaced);
            }
            // The client proves itself now; what was learnt of it before is superseded.
            Some(_) if !registered => self.remove_entry(now, address, DownReason::Replaced),
            Some(_) => {}
            None if self.cache.registered() >= self.config.limits.registrations => {
                self.stats.count_drop(DropReason::Limit);
                self.event(Event::LimitReached { limit: Limit::Registrations });
                return CieCode::RESOURCES;
            }
            None => {}
        }
        if hold == 0 {
            // A binding without lifetime is a withdrawal, not one for ever.
            self.remove_entry(now, address, DownReason::Purged);
            return CieCode::SUCCESS;
        }
        self.store_registration(now, from, address, claimed, unique);
        if let Some(entry) = self.cache.get_mut(address) {
            entry.mtu = mtu;
            entry.preference = preference;
            entry.expires = Some(after(now, Duration::from_secs(u64::from(hold))));
        }
        self.timers.set(Timer::Expire(address), after(now, Duration::from_secs(u64::from(hold))));
        CieCode::SUCCESS
    }

    /// Inserts or refreshes the binding and keeps the forwarding plane in step.
    fn store_registration(
        &mut self,
        now: Instant,
        from: Sender,
        address: IpAddr,
        claimed: IpAddr,
        unique: bool,
    ) {
        let behind_nat = (claimed != from.nbma).then_some(claimed);
        let identity = self.paths.identity(from.path);
        let Some(entry) = self.cache.get(address) else {
            let origin = Origin::Registered { unique, identity: identity.map(Box::from) };
            let mut entry = Entry::new(address, from.nbma, origin, now);
            entry.claimed = behind_nat;
            self.cache.insert(entry);
            self.registered_on(now, from, address, behind_nat);
            return;
        };
        let same_origin = matches!(&entry.origin, Origin::Registered { unique: u, identity: i }
            if *u == unique && i.as_deref() == identity);
        if same_origin && entry.active && entry.path == Some(from.path) && entry.nbma == from.nbma {
            self.stats.refreshed += 1;
            if let Some(entry) = self.cache.get_mut(address) {
                entry.claimed = behind_nat;
            }
            return;
        }
        let moved = entry.nbma != from.nbma || entry.claimed != behind_nat;
        if !same_origin {
            let origin = Origin::Registered { unique, identity: identity.map(Box::from) };
            self.cache.set_origin(address, origin);
        }
        self.cache.set_nbma(address, from.nbma);
        if let Some(entry) = self.cache.get_mut(address) {
            entry.claimed = behind_nat;
        }
        if moved {
            self.domino_purge(now, address);
        }
        self.registered_on(now, from, address, behind_nat);
    }

    fn registered_on(&mut self, now: Instant, from: Sender, address: IpAddr, claimed_nbma: Option<IpAddr>) {
        self.paths.bind(from.path, address);
        self.activate(now, address, from.path);
        self.event(Event::Registered { tunnel_address: address, nbma: from.nbma, claimed_nbma });
    }

    /// Whether a packet comes from the client that registered an entry: over its path, with its authenticated identity,
    /// or, where nobody is authenticated, from its addresses.
    pub(super) fn same_client(&self, entry: &Entry, from: Sender, claimed: IpAddr) -> bool {
        if entry.path == Some(from.path) {
            return true;
        }
        let Origin::Registered { identity, .. } = &entry.origin else { return entry.nbma == from.nbma };
        match (identity.as_deref(), self.paths.identity(from.path)) {
            (Some(before), Some(after)) => before == after,
            (None, None) => entry.nbma == from.nbma && entry.claimed.unwrap_or(entry.nbma) == claimed,
            _ => false,
        }
    }

    fn registration_answer(
        &self,
        from: Sender,
        request: Packet,
        source: IpAddr,
        claimed: IpAddr,
        entries: Vec<Cie>,
    ) -> Packet {
        let mut reply = request;
        reply.packet_type = PacketType::REGISTRATION_REPLY;
        reply.hop_count = HOP_COUNT;
        reply.destination_protocol = self.config.tunnel_address.into();
        let explicit = entries.iter().any(|entry| !entry.protocol.is_empty());
        reply.body = Body::Entries(entries);
        if let (true, Body::Entries(list), Some(own)) = (explicit, &mut reply.body, self.config.link_local) {
            // As IOS does: the server's own link-local binding follows the client's.
            list.push(Cie {
                nbma: self.config.nbma.into(),
                protocol: IpAddr::V6(own).into(),
                ..self.own_terms()
            });
        }
        fill_extension(&mut reply, ExtensionType::RESPONDER_ADDRESS, &[self.own_record()]);
        // The NAT extension is repeated; a client behind NAT also learns its outer address.
        if claimed != from.nbma
            && let Some(extension) = reply.extension(ExtensionType::NAT_ADDRESS)
        {
            let mut nat = extension.entries().unwrap_or_default();
            nat.truncate(1);
            nat.push(self.nat_record(from.nbma, source));
            fill_extension(&mut reply, ExtensionType::NAT_ADDRESS, &nat);
        }
        self.stamp(&mut reply);
        reply
    }
}

/// What one entry asks for.
#[derive(Debug, Clone, Copy)]
struct Terms {
    address: IpAddr,
    claimed: IpAddr,
    unique: bool,
    hold: u16,
    mtu: u16,
    preference: u8,
}
