//! What every packet must pass (RFC 2328 section 8.2).

use std::net::Ipv4Addr;
use std::time::Instant;

use super::Router;
use super::state::NeighborKey;
use crate::auth::Authentication;
use crate::event::{Event, Parameter, ParameterValue};
use crate::id::InterfaceId;
use crate::io::ALL_SPF_ROUTERS;
use crate::neighbor::{NeighborState, Proof};
use crate::stats::DropReason;
use crate::wire::{AuthField, DecodeError, Packet, PacketBody};

/// A mismatch is told again after this time, in seconds.
const TELL_AGAIN: u64 = 60;

/// Mismatches remembered at once.
const TOLD_LIMIT: usize = 1024;

impl Router {
    pub(super) fn receive(
        &mut self,
        now: Instant,
        id: InterfaceId,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        ttl: u8,
        payload: &[u8],
    ) {
        let Some(&index) = self.interface_index.get(&id) else {
            self.stats.drop(DropReason::UnknownInterface);
            return;
        };
        self.stats.octets_received += u64::try_from(payload.len()).unwrap_or(0);
        if let Err(reason) = self.accept(now, index, source, destination, ttl, payload) {
            self.stats.drop(reason);
            if let Some(neighbor) = self.neighbor_mut((index, source)) {
                neighbor.last_drop = Some(reason);
            }
        }
    }

    fn accept(
        &mut self,
        now: Instant,
        index: usize,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        ttl: u8,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        let interface = self.interfaces.get(index).ok_or(DropReason::UnknownInterface)?;
        let config = &interface.config;
        if !interface.up {
            return Err(DropReason::InterfaceDown);
        }
        if !config.is_active() {
            return Err(DropReason::PassiveInterface);
        }
        if self.interfaces.iter().any(|interface| interface.in_use && interface.config.address == source) {
            return Err(DropReason::OwnAddress);
        }
        let multicast = destination == ALL_SPF_ROUTERS;
        if !multicast && destination != config.address {
            return Err(DropReason::Destination);
        }
        if config.ttl_security.is_some_and(|hops| ttl < 255 - (hops - 1)) {
            return Err(DropReason::Ttl);
        }
        // An interface with a /32 has no subnet to compare with.
        if config.prefix.prefix_len() < 32 && !config.prefix.contains(&source) {
            return Err(DropReason::SourceOutsidePrefix);
        }
        let packet = Packet::decode(payload).map_err(|error| match error {
            DecodeError::Version(_) => DropReason::Version,
            _ => DropReason::Malformed,
        })?;
        if !Packet::checksum_is_valid(payload) {
            return Err(DropReason::Checksum);
        }
        if packet.area != config.area {
            let (ours, theirs) =
                (ParameterValue::Address(config.area.0), ParameterValue::Address(packet.area.0));
            self.mismatch(now, index, source, Parameter::Area, ours, theirs);
            return Err(DropReason::Area);
        }
        let proof = self.authenticate(now, (index, source), &packet, payload)?;
        if packet.router_id.is_unspecified() {
            return Err(DropReason::RouterId);
        }
        if packet.router_id == self.config.router_id {
            self.duplicate_router_id(now, Some(index), Some(source), packet.router_id);
            return Err(DropReason::RouterId);
        }
        let kind = packet.body.packet_type();
        if let Some(count) = self.stats.received.get_mut(kind as usize - 1) {
            *count += 1;
        }
        let key = (index, source);
        let result = match packet.body {
            PacketBody::Hello(hello) => self.hello_received(now, key, packet.router_id, multicast, &hello),
            body => {
                let known = self.neighbor(key).filter(|neighbor| neighbor.router_id == packet.router_id);
                if known.is_none_or(|neighbor| neighbor.state < NeighborState::Init) {
                    return Err(DropReason::UnknownNeighbor);
                }
                self.proof_of_life(now, key);
                match body {
                    PacketBody::DatabaseDescription(dd) => self.description_received(now, key, dd),
                    PacketBody::LinkStateRequest(request) => self.request_received(now, key, &request),
                    PacketBody::LinkStateUpdate(update) => self.update_received(now, key, update),
                    PacketBody::LinkStateAck(ack) => self.ack_received(now, key, &ack),
                    PacketBody::Hello(_) => Ok(()),
                }
            }
        };
        if let (Some(proof), Some(neighbor)) = (proof, self.neighbor_mut(key))
            && neighbor.state >= NeighborState::Init
        {
            neighbor.received.note(proof);
        }
        result
    }

    /// Section 8.2 and appendix D.5: type, password or digest, sequence number.
    fn authenticate(
        &mut self,
        now: Instant,
        key: NeighborKey,
        packet: &Packet,
        payload: &[u8],
    ) -> Result<Option<Proof>, DropReason> {
        let (index, source) = key;
        let interface = self.interfaces.get(index).ok_or(DropReason::UnknownInterface)?;
        let authentication = &interface.config.authentication;
        match authentication.verify(now, payload, packet.auth, &packet.trailer) {
            Ok(None) => Ok(None),
            Ok(Some(sequence)) => {
                let proof = Proof::new(sequence, &packet.trailer);
                let repeats = matches!(authentication, Authentication::Cryptographic(chain) if chain.accept_repeated_sequence);
                let known = interface.neighbors.get(&source);
                if known.is_some_and(|neighbor| !neighbor.received.admits(&proof, repeats)) {
                    return Err(DropReason::AuthReplay);
                }
                Ok(Some(proof))
            }
            Err(reason) => {
                let (au_type, key_id) = authentication.summary(now);
                let ours = ParameterValue::Authentication { au_type, key_id };
                let key_id = match packet.auth {
                    AuthField::Cryptographic { key_id, .. } => key_id,
                    _ => 0,
                };
                let theirs = ParameterValue::Authentication { au_type: packet.auth.au_type(), key_id };
                self.mismatch(now, index, source, Parameter::Authentication, ours, theirs);
                Err(reason)
            }
        }
    }

    /// Any packet shows that the neighbour lives (RFC 4222 recommends it for busy routers).
    pub(super) fn proof_of_life(&mut self, now: Instant, key: NeighborKey) {
        let Some(interface) = self.interfaces.get(key.0) else { return };
        let dead = now + interface.config.dead_interval;
        if let Some(neighbor) = self.neighbor_mut(key) {
            neighbor.deadlines.dead = Some(dead);
        }
    }

    /// Tells about a parameter mismatch, once a minute per peer and parameter.
    pub(super) fn mismatch(
        &mut self,
        now: Instant,
        index: usize,
        source: Ipv4Addr,
        what: Parameter,
        ours: ParameterValue,
        theirs: ParameterValue,
    ) {
        let Some(interface) = self.interfaces.get(index).map(|interface| interface.config.id) else { return };
        let recently = |at: &Instant| now.saturating_duration_since(*at).as_secs() < TELL_AGAIN;
        let told = &mut self.told.mismatches;
        if told.get(&(index, source, what)).is_some_and(recently) {
            return;
        }
        if told.len() >= TOLD_LIMIT {
            told.retain(|_, at| recently(at));
            if told.len() >= TOLD_LIMIT {
                return;
            }
        }
        told.insert((index, source, what), now);
        self.event(Event::ParameterMismatch { interface, source, what, ours, theirs });
    }

    pub(super) fn duplicate_router_id(
        &mut self,
        now: Instant,
        index: Option<usize>,
        source: Option<Ipv4Addr>,
        router_id: Ipv4Addr,
    ) {
        let recently = |at: Instant| now.saturating_duration_since(at).as_secs() < TELL_AGAIN;
        if self.told.duplicate.is_some_and(recently) {
            return;
        }
        self.told.duplicate = Some(now);
        let interface =
            index.and_then(|index| self.interfaces.get(index)).map(|interface| interface.config.id);
        self.event(Event::DuplicateRouterId { interface, source, router_id });
    }
}
