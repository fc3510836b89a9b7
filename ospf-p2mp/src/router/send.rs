//! Packets going out.

use std::net::Ipv4Addr;
use std::time::Instant;

use super::Router;
use super::state::{NeighborKey, Outgoing, OutgoingBody};
use crate::event::DownReason;
use crate::io::{ALL_SPF_ROUTERS, Output};
use crate::wire::{DO_NOT_AGE, LSA_HEADER_LEN, LsAck, LsUpdate, Lsa, MAX_AGE, PacketBody};

impl Router {
    pub(super) fn send_urgent(&mut self, to: NeighborKey, destination: Ipv4Addr, body: PacketBody) {
        let body = OutgoingBody::Packet(body);
        self.outbox.urgent.push_back(Outgoing { interface: to.0, peer: Some(to.1), destination, body });
    }

    pub(super) fn send_normal(&mut self, to: NeighborKey, destination: Ipv4Addr, body: PacketBody) {
        let body = OutgoingBody::Packet(body);
        self.outbox.normal.push_back(Outgoing { interface: to.0, peer: Some(to.1), destination, body });
    }

    pub(super) fn send_to_all(&mut self, interface: usize, body: PacketBody) {
        let body = OutgoingBody::Packet(body);
        self.outbox.urgent.push_back(Outgoing { interface, peer: None, destination: ALL_SPF_ROUTERS, body });
    }

    /// Sends all acknowledgements that wait for a neighbour.
    pub(super) fn send_acks(&mut self, now: Instant, key: NeighborKey) {
        let room = (self.room(now, key.0) / LSA_HEADER_LEN).max(1);
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        neighbor.deadlines.ack = None;
        let headers = std::mem::take(&mut neighbor.queues.acks);
        for part in headers.chunks(room) {
            let ack = LsAck { headers: part.to_vec() };
            self.send_urgent(key, key.1, PacketBody::LinkStateAck(ack));
        }
    }

    /// Builds the next packet that waits.
    pub(super) fn next_packet(&mut self) -> Option<Output> {
        loop {
            let outgoing = match self.outbox.urgent.pop_front() {
                Some(outgoing) => outgoing,
                None => self.outbox.normal.pop_front()?,
            };
            let Outgoing { interface, peer, destination, body } = outgoing;
            let body = match (body, peer) {
                (OutgoingBody::Packet(body), _) => Some(body),
                (OutgoingBody::Updates, Some(peer)) => self.next_update((interface, peer)),
                (OutgoingBody::Updates, None) => None,
            };
            if let Some(output) = body.and_then(|body| self.seal(interface, peer, destination, &body)) {
                return Some(output);
            }
        }
    }

    /// One update with as much of a neighbour's flooding queue as fits, and a further turn for the rest.
    fn next_update(&mut self, key: NeighborKey) -> Option<PacketBody> {
        let now = self.now;
        let room = self.room(now, key.0).saturating_sub(4);
        let delay = self.interfaces.get(key.0)?.config.transmit_delay.as_secs();
        let delay = u16::try_from(delay).unwrap_or(MAX_AGE);
        let neighbor = self.interfaces.get_mut(key.0)?.neighbors.get_mut(&key.1)?;
        let mut lsas = Vec::new();
        let mut used = 0;
        while let Some(lsa) = neighbor.queues.flood.first().copied() {
            let Some(entry) = self.lsdb.get(&lsa) else {
                neighbor.queues.flood.pop_first();
                continue;
            };
            let length = entry.lsa.wire_len();
            if !lsas.is_empty() && used + length > room {
                break;
            }
            neighbor.queues.flood.pop_first();
            used += length;
            lsas.push(older(&entry.lsa, entry.age(now), delay));
        }
        neighbor.queues.flooded_octets += u64::try_from(used).unwrap_or(0);
        if neighbor.queues.flood.is_empty() {
            neighbor.queues.flood_scheduled = false;
        } else {
            let body = OutgoingBody::Updates;
            let outgoing = Outgoing { interface: key.0, peer: Some(key.1), destination: key.1, body };
            self.outbox.normal.push_front(outgoing);
        }
        (!lsas.is_empty()).then_some(PacketBody::LinkStateUpdate(LsUpdate { lsas }))
    }

    fn seal(
        &mut self,
        index: usize,
        peer: Option<Ipv4Addr>,
        destination: Ipv4Addr,
        body: &PacketBody,
    ) -> Option<Output> {
        let sequence = self.next_sequence(index, peer);
        let config = &self.interfaces.get(index)?.config;
        let sealed = config.authentication.seal(self.now, self.config.router_id, config.area, body, sequence);
        // `Lsa::new` and the limit of links keep every LSA below what an update can carry, so this cannot fail; an
        // oversized packet would be left out rather than sent with a wrong length.
        let payload = sealed.ok()?;
        if let Some(count) = self.stats.sent.get_mut(body.packet_type() as usize - 1) {
            *count += 1;
        }
        self.stats.octets_sent += u64::try_from(payload.len()).unwrap_or(0);
        let ttl = if config.ttl_security.is_some() { 255 } else { 1 };
        Some(Output::Transmit { interface: config.id, destination, peer, ttl, payload })
    }

    /// The cryptographic sequence number of the next packet: at least the clock's, and above whatever the receiver
    /// has seen. Each neighbour has its own, so that a hub with a thousand of them does not run ahead of the clock.
    fn next_sequence(&mut self, index: usize, peer: Option<Ipv4Addr>) -> u32 {
        let elapsed = self.now.saturating_duration_since(self.started).as_secs();
        let clock = self.config.sequence_base.saturating_add(u32::try_from(elapsed).unwrap_or(u32::MAX));
        let Some(interface) = self.interfaces.get_mut(index) else { return clock };
        let sequence = match peer {
            None => {
                let sequence = clock.max(interface.highest_sequence.saturating_add(1));
                interface.group_sequence = sequence;
                sequence
            }
            Some(peer) => {
                let above = interface.group_sequence.saturating_add(1);
                let last = interface.neighbors.get_mut(&peer).map(|neighbor| &mut neighbor.sent_sequence);
                match last {
                    Some(last) => {
                        *last = clock.max(above).max(last.saturating_add(1));
                        *last
                    }
                    None => clock.max(above).max(interface.highest_sequence.saturating_add(1)),
                }
            }
        };
        interface.highest_sequence = interface.highest_sequence.max(sequence);
        sequence
    }

    /// Moves a neighbour's updates into the queue as packets, because the neighbour is about to be forgotten.
    pub(super) fn send_pending_floods_last(&mut self, key: NeighborKey) {
        let acks = self.neighbor(key).is_some_and(|neighbor| !neighbor.queues.acks.is_empty());
        if acks {
            self.send_acks(self.now, key);
        }
        let position = self.outbox.normal.iter().position(|outgoing| {
            matches!(outgoing.body, OutgoingBody::Updates)
                && (outgoing.interface, outgoing.peer) == (key.0, Some(key.1))
        });
        if let Some(position) = position {
            self.outbox.normal.remove(position);
        }
        loop {
            let before = self.outbox.normal.len();
            let Some(body) = self.next_update(key) else { break };
            // `next_update` asks for a further turn at the front; it is taken here instead.
            if self.outbox.normal.len() > before {
                self.outbox.normal.pop_front();
            }
            self.send_normal(key, key.1, body);
        }
    }

    /// Like `kill_neighbor`, keeping the neighbour's entry so that what is queued can still be sealed for it.
    pub(super) fn kill_neighbor_after_sending(&mut self, now: Instant, key: NeighborKey, reason: DownReason) {
        if let Some(neighbor) = self.neighbor_mut(key) {
            neighbor.announced = true;
        }
        self.kill_neighbor(now, key, reason);
        if let Some(neighbor) = self.neighbor_mut(key) {
            neighbor.announced = false;
            neighbor.deadlines = Default::default();
        }
    }
}

/// The LSA with the age that it has when it arrives.
fn older(lsa: &Lsa, age: u16, delay: u16) -> Lsa {
    let mut lsa = lsa.clone();
    lsa.header.age = (age & DO_NOT_AGE) | (age & !DO_NOT_AGE).saturating_add(delay).min(MAX_AGE);
    lsa
}
