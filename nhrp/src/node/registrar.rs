//! Serving registrations (RFC 2332 sections 5.2.3 and 5.2.4).
//!
//! ```text
//! absent --register--> registered --register, same client--> registered (later expiry, new path)
//!                          |  register, other client: unique -> code 14; else the old one is replaced
//!                          +-- expiry, purge, clear --> absent (those who were answered are told)
//! ```

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::EncodeError;
use crate::io::{AdmissionToken, DownReason, Event, Limit, Output};
use crate::node::build::{HOP_COUNT, host_len};
use crate::node::cache::{Entry, Origin};
use crate::node::timers::{Timer, after};
use crate::node::{Node, Sender};
use crate::stats::DropReason;
use crate::wire::{
    Address, Cie, CieCode, CieRef, ErrorCode, Extension, ExtensionType, Flags, HEADER_LEN, Header, PacketRef,
    PacketType, ip,
};

impl Node {
    /// A registration request that reached this node.
    pub(super) fn registration_request(
        &mut self,
        now: Instant,
        from: Sender,
        packet: PacketRef<'_>,
        raw: &[u8],
    ) {
        let own = self.config.tunnel_address;
        let (Some(source), Some(claimed)) = (packet.source(), packet.source_nbma()) else {
            self.stats.count_drop(DropReason::MissingAddress);
            self.send_error(now, from, &packet.to_packet(), ErrorCode::PROTOCOL, 0, raw);
            return;
        };
        // A client that does not know its server's address asks for its own, for the subnet's broadcast or for nothing.
        let for_us = match packet.destination() {
            None => true,
            Some(to) => {
                to == own || to == source || to.is_unspecified() || to == self.config.prefix.broadcast()
            }
        };
        if !for_us {
            self.stats.count_drop(DropReason::Unreachable);
            self.send_error(now, from, &packet.to_packet(), ErrorCode::UNREACHABLE, 0, raw);
            return;
        }
        if packet.entries().next().is_none() {
            self.stats.count_drop(DropReason::InvalidBinding);
            self.send_error(now, from, &packet.to_packet(), ErrorCode::PROTOCOL, 0, raw);
            return;
        }
        if self.config.admission && !self.is_refresh(from, packet, source) {
            self.ask_admission(now, from, source, raw);
            return;
        }
        self.register_client(now, from, packet, Parties { source, claimed }, None);
    }

    /// All that it asks for is already registered over this path.
    fn is_refresh(&self, from: Sender, packet: PacketRef<'_>, source: IpAddr) -> bool {
        packet.entries().map(|entry| ip(entry.protocol).unwrap_or(source)).chain([source]).all(|address| {
            self.cache.get(address).is_some_and(|entry| {
                entry.is_registered() && entry.path == Some(from.path) && entry.nbma == from.nbma
            })
        })
    }

    fn ask_admission(&mut self, now: Instant, from: Sender, tunnel_address: IpAddr, raw: &[u8]) {
        if self.admissions.len() >= self.config.limits.route_queries {
            self.stats.count_drop(DropReason::Limit);
            return;
        }
        let token = AdmissionToken(self.next_token);
        self.next_token = self.next_token.wrapping_add(1);
        self.admissions.insert(token, (from, raw.to_vec()));
        let wait = self.config.timing.route_wait.max(Duration::from_millis(10));
        self.timers.set(Timer::Admission(token), after(now, wait));
        let Sender { nbma, path } = from;
        self.outputs.push_back(Output::AdmissionQuery { token, tunnel_address, nbma, path });
    }

    /// The owner's word on a client.
    pub(super) fn admission_answer(&mut self, now: Instant, token: AdmissionToken, admit: bool) {
        let Some((from, raw)) = self.admissions.remove(&token) else { return };
        self.timers.cancel(Timer::Admission(token));
        // It was sound when it came, and had both addresses.
        let Ok(packet) = PacketRef::parse(&raw) else { return };
        let (Some(source), Some(claimed)) = (packet.source(), packet.source_nbma()) else { return };
        let refusal = (!admit).then_some(CieCode::PROHIBITED);
        if !admit {
            self.stats.count_drop(DropReason::NotAdmitted);
        }
        self.register_client(now, from, packet, Parties { source, claimed }, refusal);
    }

    /// Carries out a request, or refuses all of it, and answers. The answer is written while the entries are dealt with, from
    /// the request where it lies: a request that only extends bindings allocates nothing.
    fn register_client(
        &mut self,
        now: Instant,
        from: Sender,
        request: PacketRef<'_>,
        parties: Parties,
        refusal: Option<CieCode>,
    ) {
        let unique = request.flags().contains(Flags::REGISTRATION_UNIQUE);
        let group = group_of(request);
        let mut reply = self.buffer();
        let mut header = begin_reply(&mut reply, request, self.config.tunnel_address);
        for entry in request.entries() {
            let code = match refusal {
                Some(code) => code,
                None => self.register_entry(now, from, parties, unique, group, entry),
            };
            entry.put_with_code(code, &mut reply);
        }
        let written = self.end_reply(&mut header, &mut reply, from, request, parties);
        let to = self.back(from);
        self.send_registration_reply(now, to, reply, written);
    }

    /// Carries out one entry of a request and says with what result.
    fn register_entry(
        &mut self,
        now: Instant,
        from: Sender,
        parties: Parties,
        unique: bool,
        group: Option<&[u8]>,
        entry: CieRef<'_>,
    ) -> CieCode {
        let Parties { source, claimed } = parties;
        let address = ip(entry.protocol).unwrap_or(source);
        let claimed = ip(entry.nbma).unwrap_or(claimed);
        let fixed = entry.fixed;
        let (hold, mtu, preference) = (fixed.holding_time.get(), fixed.mtu.get(), fixed.preference);
        let terms = Terms { address, claimed, unique, hold, mtu, preference, group };
        let code = self.accept(now, from, terms);
        // An IPv6 client registers its link-local address in the entry and its global one in the header.
        if code == CieCode::SUCCESS && address != source {
            return self.accept(now, from, Terms { address: source, ..terms });
        }
        code
    }

    fn accept(&mut self, now: Instant, from: Sender, terms: Terms<'_>) -> CieCode {
        let Terms { address, claimed, unique, hold, .. } = terms;
        if self.extend(now, from, terms) {
            return CieCode::SUCCESS;
        }
        if !self.config.is_server() {
            self.stats.count_drop(DropReason::NotServer);
            return CieCode::PROHIBITED;
        }
        let of_tunnel = self.config.is_overlay(address) && self.config.is_host(address);
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
            terms.note_in(entry);
        }
        self.cache.set_expiry(address, after(now, Duration::from_secs(u64::from(hold))));
        CieCode::SUCCESS
    }

    /// The frequent case: the same client asks over the same path for what it has. Returns whether it was that.
    fn extend(&mut self, now: Instant, from: Sender, terms: Terms<'_>) -> bool {
        let identity = self.paths.identity(from.path);
        let Some(entry) = self.cache.get_mut(terms.address).filter(|_| terms.hold > 0) else { return false };
        let same_origin = matches!(&entry.origin, Origin::Registered { unique, identity: i }
            if *unique == terms.unique && i.as_deref() == identity.map(Arc::as_ref));
        if !same_origin || !entry.active || entry.path != Some(from.path) || entry.nbma != from.nbma {
            return false;
        }
        entry.claimed = (terms.claimed != from.nbma).then_some(terms.claimed);
        terms.note_in(entry);
        self.stats.refreshed += 1;
        self.cache.set_expiry(terms.address, after(now, Duration::from_secs(u64::from(terms.hold))));
        true
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
        let identity = self.paths.identity(from.path).cloned();
        let Some(entry) = self.cache.get(address) else {
            let origin = Origin::Registered { unique, identity };
            let mut entry = Entry::new(address, from.nbma, origin, now);
            entry.claimed = behind_nat;
            self.cache.insert(entry);
            self.registered_on(now, from, address, behind_nat);
            return;
        };
        let moved = entry.nbma != from.nbma || entry.claimed != behind_nat;
        self.cache.set_origin(address, Origin::Registered { unique, identity });
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
        match (identity, self.paths.identity(from.path)) {
            (Some(before), Some(after)) => before == after,
            (None, None) => entry.nbma == from.nbma && entry.claimed.unwrap_or(entry.nbma) == claimed,
            _ => false,
        }
    }

    /// Writes what follows the entries of a reply, and the header.
    fn end_reply(
        &self,
        header: &mut Header,
        reply: &mut Vec<u8>,
        from: Sender,
        request: PacketRef<'_>,
        parties: Parties,
    ) -> Result<(), EncodeError> {
        let explicit = request.entries().any(|entry| !entry.protocol.is_empty());
        if let (true, Some(own)) = (explicit, self.config.link_local) {
            // As IOS does: the server's own link-local binding follows the client's.
            let entry =
                Cie { nbma: self.config.nbma.into(), protocol: IpAddr::V6(own).into(), ..self.own_terms() };
            entry.encode(reply)?;
        }
        if !request.has_extensions() {
            return header.finish(reply);
        }
        header.set_extension_offset(reply.len())?;
        let mut written = Ok(());
        let (mut responder, mut nat, mut ended) = (false, false, false);
        for extension in request.extensions() {
            ended |= extension.kind == ExtensionType::END;
            match extension.kind {
                ExtensionType::RESPONDER_ADDRESS if !responder => {
                    responder = true;
                    extension.put_with(reply, |out| written = self.own_record().encode(out));
                }
                // The NAT extension is repeated; a client behind NAT also learns its outer address.
                ExtensionType::NAT_ADDRESS if !nat && parties.claimed != from.nbma => {
                    nat = true;
                    extension.put_with(reply, |out| {
                        let first = CieRef::check_all(extension.value, 0)
                            .ok()
                            .and_then(|()| CieRef::iter(extension.value).next());
                        if let Some(first) = first {
                            first.put_unchanged(out);
                        }
                        written = self.nat_record(from.nbma, parties.source).encode(out);
                    });
                }
                _ => extension.put_with(reply, |out| out.extend_from_slice(extension.value)),
            }
            written?;
        }
        if !ended {
            Extension::empty(ExtensionType::END).encode(reply)?;
        }
        reply.extend_from_slice(request.trailer);
        header.finish(reply)
    }
}

/// Writes the beginning of a reply to a request: everything before the entries. The header is written at the end.
fn begin_reply(reply: &mut Vec<u8>, request: PacketRef<'_>, own: IpAddr) -> Header {
    let mut header = request.header.clone();
    header.packet_type = PacketType::REGISTRATION_REPLY.0;
    header.hop_count = HOP_COUNT;
    header.destination_protocol_len = host_len(own) / 8;
    reply.clear();
    reply.resize(HEADER_LEN, 0);
    for address in [request.source_nbma, request.source_subaddress, request.source_protocol] {
        reply.extend_from_slice(address);
    }
    Address::from(own).put(reply);
    header
}

/// The group that a client names (`nhrp group`), in Cisco's vendor private extension: OUI, type 1, length, text.
fn group_of(request: PacketRef<'_>) -> Option<&[u8]> {
    let extension = request.extension(ExtensionType::VENDOR_PRIVATE)?;
    Extension::group_in(extension.value)
}

/// Who registers: its overlay address, and the underlay address that it believes in.
#[derive(Debug, Clone, Copy)]
struct Parties {
    source: IpAddr,
    claimed: IpAddr,
}

/// What one entry asks for.
#[derive(Debug, Clone, Copy)]
struct Terms<'a> {
    address: IpAddr,
    claimed: IpAddr,
    unique: bool,
    hold: u16,
    mtu: u16,
    preference: u8,
    group: Option<&'a [u8]>,
}

impl Terms<'_> {
    /// What an entry takes over as it was said.
    fn note_in(&self, entry: &mut Entry) {
        entry.mtu = self.mtu;
        entry.preference = self.preference;
        if entry.extra().group.as_deref() != self.group {
            entry.extra_mut().group = self.group.map(Box::from);
        }
    }
}
