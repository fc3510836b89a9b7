//! Making packets and sending them.

use std::net::IpAddr;
use std::time::Instant;

use bytes::Bytes;
use rand_core::Rng;

use crate::error::EncodeError;
use crate::io::{Destination, Output, PathId};
use crate::node::{Node, Request, Sender};
use crate::stats::DropReason;
use crate::wire::{
    Address, AddressFamily, Body, Cie, Extension, ExtensionType, Flags, Packet, PacketType, ProtocolType,
};

/// Hop count of packets that this node originates, as IOS sends.
pub(super) const HOP_COUNT: u8 = 255;

impl Node {
    /// A packet from this node, in Cisco's order of extensions.
    pub(super) fn originate(
        &self,
        packet_type: PacketType,
        destination: Option<IpAddr>,
        flags: Flags,
        request_id: u32,
        entries: Vec<Cie>,
        nat: &[Cie],
    ) -> Packet {
        let mut extensions = vec![
            Extension::empty(ExtensionType::RESPONDER_ADDRESS),
            Extension::empty(ExtensionType::FORWARD_TRANSIT_RECORD),
            Extension::empty(ExtensionType::REVERSE_TRANSIT_RECORD),
        ];
        extensions.extend(self.config.authentication.as_ref().map(Extension::authentication));
        extensions.push(entries_extension(ExtensionType::NAT_ADDRESS, nat));
        Packet {
            address_family: self.address_family(),
            protocol_type: self.protocol_type(),
            snap: [0; 5],
            hop_count: HOP_COUNT,
            packet_type,
            source_nbma_type: 0,
            source_nbma: self.config.nbma.into(),
            source_subaddress_type: 0,
            source_subaddress: Address::None,
            source_protocol: self.config.tunnel_address.into(),
            destination_protocol: destination.into(),
            flags,
            request_id,
            body: Body::Entries(entries),
            extensions: Some(extensions),
            trailer: Bytes::new(),
        }
    }

    /// The address-less entry of requests: "my addresses are those of the header".
    pub(super) fn own_terms(&self) -> Cie {
        Cie {
            prefix_len: host_len(self.config.tunnel_address),
            mtu: self.config.mtu,
            holding_time: self.config.holding_seconds(),
            ..Cie::new(None, None)
        }
    }

    /// This node in responder and transit records.
    pub(super) fn own_record(&self) -> Cie {
        Cie { nbma: self.config.nbma.into(), protocol: self.config.tunnel_address.into(), ..self.own_terms() }
    }

    /// An entry of the NAT extension, as IOS writes it.
    pub(super) fn nat_record(&self, nbma: IpAddr, owner: IpAddr) -> Cie {
        Cie { mtu: self.config.mtu, ..Cie::new(Some(nbma), Some(owner)) }
    }

    /// Own address as the world sees it, if a NAT changes it.
    pub(super) fn public_nbma(&self) -> Option<IpAddr> {
        self.servers.iter().find_map(|server| server.public_nbma)
    }

    /// NAT extension of resolution packets from this node: empty unless it is behind NAT.
    pub(super) fn own_nat(&self) -> Vec<Cie> {
        self.public_nbma()
            .map(|public| self.nat_record(public, self.config.tunnel_address))
            .into_iter()
            .collect()
    }

    /// Authentication is hop by hop: what leaves here carries this node's string.
    pub(super) fn stamp(&self, packet: &mut Packet) {
        if let Some(secret) = &self.config.authentication {
            put_extension(packet, Extension::authentication(secret));
        }
    }

    pub(super) fn address_family(&self) -> AddressFamily {
        if self.config.nbma.is_ipv4() { AddressFamily::IPV4 } else { AddressFamily::IPV6 }
    }

    pub(super) fn protocol_type(&self) -> ProtocolType {
        if self.config.tunnel_address.is_ipv4() { ProtocolType::IPV4 } else { ProtocolType::IPV6 }
    }

    /// A request id that nothing is waiting for. Registrations and purges count, as IOS does. The answer to a resolution may
    /// come from anybody who has a path to this node, so that its id must not be guessed by those who did not see it.
    pub(super) fn new_request(&mut self, request: Request) -> u32 {
        loop {
            let id = match request {
                Request::Registration(_) | Request::Purge => {
                    let id = self.next_request_id;
                    self.next_request_id = id.wrapping_add(1).max(1);
                    id
                }
                Request::Resolution(_) | Request::Probe(_) => self.rng.next_u32().max(1),
            };
            if let std::collections::btree_map::Entry::Vacant(slot) = self.requests.entry(id) {
                slot.insert(request);
                return id;
            }
        }
    }

    /// Back to where a packet came from.
    pub(super) fn back(&self, from: Sender) -> Destination {
        if self.paths.get(from.path).is_some() {
            Destination::Path(from.path)
        } else {
            Destination::Nbma(from.nbma)
        }
    }

    pub(super) fn send_on(&mut self, now: Instant, path: PathId, packet: &Packet) {
        self.send(now, Destination::Path(path), packet);
    }

    /// Sends, within the configured rate. Registration replies are never held back: a client that does not hear from its
    /// server would only ask again.
    pub(super) fn send(&mut self, now: Instant, to: Destination, packet: &Packet) {
        if packet.packet_type == PacketType::REGISTRATION_REPLY {
            self.send_bucket.force(now);
        } else if !self.send_bucket.take(now) {
            self.stats.count_drop(DropReason::RateLimit);
            return;
        }
        let mut payload = self.buffer();
        let written = packet.encode_into(&mut payload);
        self.hand_out(to, packet.packet_type, payload, written);
    }

    /// Sends a registration reply that is written already.
    pub(super) fn send_registration_reply(
        &mut self,
        now: Instant,
        to: Destination,
        payload: Vec<u8>,
        written: Result<(), EncodeError>,
    ) {
        self.send_bucket.force(now);
        self.hand_out(to, PacketType::REGISTRATION_REPLY, payload, written);
    }

    fn hand_out(
        &mut self,
        to: Destination,
        packet_type: PacketType,
        payload: Vec<u8>,
        written: Result<(), EncodeError>,
    ) {
        match written {
            Ok(()) => {
                self.stats.count_sent(packet_type);
                self.outputs.push_back(Output::Transmit { to, payload });
            }
            // Transit records of a hostile packet can grow past what its size field can say.
            Err(_) => self.stats.count_drop(DropReason::PacketSize),
        }
    }

    /// Memory for one packet.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_else(|| Vec::with_capacity(192))
    }
}

/// Prefix length of one host.
pub(super) fn host_len(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// An extension of entries with IP addresses, which always fit their length fields.
pub(super) fn entries_extension(kind: ExtensionType, entries: &[Cie]) -> Extension {
    Extension::with_entries(kind, entries).unwrap_or_else(|_| Extension::empty(kind))
}

/// Replaces the extension of the same type where it stands, or appends it.
pub(super) fn put_extension(packet: &mut Packet, extension: Extension) {
    let list = packet.extensions.get_or_insert_default();
    match list.iter_mut().find(|e| e.kind == extension.kind) {
        Some(slot) => slot.value = extension.value,
        None => {
            let end = list.iter().position(|e| e.kind == ExtensionType::END).unwrap_or(list.len());
            list.insert(end, extension);
        }
    }
}

/// Replaces the value of an extension if the packet has it: a responder does not add what was not asked for.
pub(super) fn fill_extension(packet: &mut Packet, kind: ExtensionType, entries: &[Cie]) {
    if let Some(list) = &mut packet.extensions
        && let Some(slot) = list.iter_mut().find(|e| e.kind == kind)
    {
        slot.value = entries_extension(kind, entries).value;
    }
}
