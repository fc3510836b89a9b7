//! Error indications (RFC 2332 section 5.2.7).

use std::net::IpAddr;
use std::time::Instant;

use bytes::Bytes;

use crate::io::Event;
use crate::node::build::put_extension;
use crate::node::{Node, Request, Sender};
use crate::stats::DropReason;
use crate::wire::{Body, CieCode, ErrorCode, Extension, Flags, Packet, PacketType};

/// Bytes of the packet in error that are sent back: enough for any packet of a usual size.
const MAX_EMBEDDED: usize = 1200;

impl Node {
    /// Reports an error in a packet to its originator: never about an error, at most one per packet, within the rate limit.
    ///
    /// RFC 2332 wants no extensions here, but FRR, opennhrp and IOS drop errors without authentication where it is
    /// configured, so those carry it; except to somebody who does not know the string.
    pub(super) fn send_error(
        &mut self,
        now: Instant,
        from: Sender,
        about: &Packet,
        code: ErrorCode,
        offset: usize,
        raw: &[u8],
    ) {
        if about.packet_type == PacketType::ERROR_INDICATION {
            return;
        }
        if !self.error_bucket.take(now) {
            self.stats.errors_suppressed += 1;
            return;
        }
        let offset = u16::try_from(offset).unwrap_or_default();
        let id = u32::from(code.0) << 16 | u32::from(offset);
        let to = about.source_protocol.ip();
        let mut packet =
            self.originate(PacketType::ERROR_INDICATION, to, Flags::default(), id, Vec::new(), &[]);
        packet.body = Body::Payload(Bytes::copy_from_slice(raw.get(..MAX_EMBEDDED).unwrap_or(raw)));
        packet.extensions = None;
        if let Some(secret) = &self.config.authentication
            && code != ErrorCode::AUTHENTICATION
        {
            put_extension(&mut packet, Extension::authentication(secret));
        }
        let to = self.back(from);
        self.send(now, to, &packet);
    }

    /// An error about one of this node's packets.
    pub(super) fn error_indication(&mut self, now: Instant, from: Sender, packet: &Packet) {
        let Body::Payload(embedded) = &packet.body else { return };
        let code = ErrorCode((packet.request_id >> 16) as u16);
        let offset = (packet.request_id & 0xffff) as u16;
        // Only what this node may have sent counts.
        let Some((packet_type, id, source)) = peek(embedded) else {
            self.stats.count_drop(DropReason::Truncated);
            return;
        };
        if source != Some(self.config.tunnel_address) {
            self.stats.count_drop(DropReason::Unsolicited);
            return;
        }
        self.event(Event::PeerError { nbma: from.nbma, code, offset });
        if packet_type == PacketType::RESOLUTION_REQUEST
            && let Some(Request::Resolution(destination)) = self.requests.get(&id).copied()
            && self.server_on(from.path).is_some()
        {
            // opennhrp says no this way.
            let code = match code {
                ErrorCode::UNREACHABLE => CieCode::NO_BINDING,
                _ => CieCode::PROHIBITED,
            };
            self.resolution_refused(now, destination, code);
        }
    }

    /// A compulsory extension that is unknown here, in a packet that this node would have to answer.
    pub(super) fn unrecognized_extension(&mut self, now: Instant, from: Sender, packet: &Packet, raw: &[u8]) {
        self.stats.count_drop(DropReason::UnrecognizedExtension);
        let offset = packet
            .extension_offset(|extension| extension.compulsory && !extension.kind.is_known())
            .unwrap_or_default();
        self.send_error(now, from, packet, ErrorCode::UNRECOGNIZED_EXTENSION, offset, raw);
    }
}

/// Type, request id and source of an embedded packet, which may be cut short.
fn peek(embedded: &[u8]) -> Option<(PacketType, u32, Option<IpAddr>)> {
    let packet_type = PacketType(*embedded.get(17)?);
    let nbma = usize::from(*embedded.get(18)? & 0x3f) + usize::from(*embedded.get(19)? & 0x3f);
    let len = usize::from(*embedded.get(20)?);
    let id = u32::from_be_bytes(embedded.get(24..28)?.try_into().ok()?);
    let source = embedded.get(28 + nbma..28 + nbma + len)?;
    let source = match len {
        4 => <[u8; 4]>::try_from(source).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(source).ok().map(IpAddr::from),
        _ => None,
    };
    Some((packet_type, id, source))
}
