//! A whole packet.

use std::net::Ipv4Addr;

use bytes::Bytes;
use zerocopy::IntoBytes;
use zerocopy::byteorder::network_endian::{U16, U32};

use super::header::{Header, RawHeader};
use super::{
    AuthField, DatabaseDescription, DecodeError, Field, HEADER_LEN, Hello, LsAck, LsRequest, LsUpdate,
    TooLong, auth_offsets, ip_checksum,
};
use crate::id::AreaId;

/// The five packet types (RFC 2328 section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum PacketType {
    /// Type 1.
    Hello = 1,
    /// Type 2.
    DatabaseDescription = 2,
    /// Type 3.
    LinkStateRequest = 3,
    /// Type 4.
    LinkStateUpdate = 4,
    /// Type 5.
    LinkStateAck = 5,
}

impl PacketType {
    pub(super) fn from_wire(value: u8) -> Result<Self, DecodeError> {
        match value {
            1 => Ok(Self::Hello),
            2 => Ok(Self::DatabaseDescription),
            3 => Ok(Self::LinkStateRequest),
            4 => Ok(Self::LinkStateUpdate),
            5 => Ok(Self::LinkStateAck),
            other => Err(DecodeError::PacketType(other)),
        }
    }
}

/// An OSPF packet.
///
/// ```text
/// | 2 | type | length | router id | area id | checksum | AuType | authentication (8) | body | digest | LLS |
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Who sent it.
    pub router_id: Ipv4Addr,
    /// The area of the link.
    pub area: AreaId,
    /// Authentication.
    pub auth: AuthField,
    /// Contents.
    pub body: PacketBody,
    /// What follows the length that the header gives: a digest, a link-local signalling block.
    pub trailer: Bytes,
}

/// The part behind the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketBody {
    /// Hello.
    Hello(Hello),
    /// Database Description.
    DatabaseDescription(DatabaseDescription),
    /// Link State Request.
    LinkStateRequest(LsRequest),
    /// Link State Update.
    LinkStateUpdate(LsUpdate),
    /// Link State Acknowledgment.
    LinkStateAck(LsAck),
}

impl PacketBody {
    /// Which of the five.
    pub fn packet_type(&self) -> PacketType {
        match self {
            Self::Hello(_) => PacketType::Hello,
            Self::DatabaseDescription(_) => PacketType::DatabaseDescription,
            Self::LinkStateRequest(_) => PacketType::LinkStateRequest,
            Self::LinkStateUpdate(_) => PacketType::LinkStateUpdate,
            Self::LinkStateAck(_) => PacketType::LinkStateAck,
        }
    }

    pub(crate) fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello(body) => body.encode_into(out),
            Self::DatabaseDescription(body) => body.encode_into(out),
            Self::LinkStateRequest(body) => body.encode_into(out),
            Self::LinkStateUpdate(body) => body.encode_into(out),
            Self::LinkStateAck(body) => body.encode_into(out),
        }
    }
}

impl Packet {
    /// Reads an IP payload of protocol 89.
    ///
    /// The checksum is not looked at; [`Packet::checksum_is_valid`] does, because whether it must hold depends on
    /// the authentication type.
    ///
    /// # Errors
    ///
    /// The first rule of RFC 2328 appendix A that the bytes break.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let header = Header::decode(bytes)?;
        let truncated = DecodeError::Truncated(Field::Packet);
        let body = bytes.get(HEADER_LEN..header.length).ok_or(truncated)?;
        let trailer = bytes.get(header.length..).ok_or(truncated)?;
        let body = match header.packet_type {
            PacketType::Hello => PacketBody::Hello(Hello::decode(body)?),
            PacketType::DatabaseDescription => {
                PacketBody::DatabaseDescription(DatabaseDescription::decode(body)?)
            }
            PacketType::LinkStateRequest => PacketBody::LinkStateRequest(LsRequest::decode(body)?),
            PacketType::LinkStateUpdate => PacketBody::LinkStateUpdate(LsUpdate::decode(body)?),
            PacketType::LinkStateAck => PacketBody::LinkStateAck(LsAck::decode(body)?),
        };
        Ok(Self {
            router_id: header.router_id,
            area: header.area,
            auth: header.auth,
            body,
            trailer: Bytes::copy_from_slice(trailer),
        })
    }

    /// Writes the packet, its length and, unless the authentication is cryptographic, its checksum. The trailer is
    /// written as it is.
    ///
    /// # Errors
    ///
    /// [`TooLong`] when the length does not fit into 16 bits.
    pub fn encode(&self) -> Result<Vec<u8>, TooLong> {
        let mut out = encode_packet(self.router_id, self.area, self.auth, &self.body)?;
        out.extend_from_slice(&self.trailer);
        Ok(out)
    }

    /// Whether the checksum of these bytes (which must decode) is right. Always for cryptographic authentication,
    /// which does not use it (RFC 2328 appendix D.4.3).
    pub fn checksum_is_valid(bytes: &[u8]) -> bool {
        let Ok(header) = Header::decode(bytes) else { return false };
        if matches!(header.auth, AuthField::Cryptographic { .. }) {
            return true;
        }
        let range = auth_offsets();
        match (bytes.get(..range.start), bytes.get(range.end..header.length)) {
            (Some(before), Some(after)) => ip_checksum(before, after) == [0, 0],
            _ => false,
        }
    }
}

/// Writes header and body.
pub(crate) fn encode_packet(
    router_id: Ipv4Addr,
    area: AreaId,
    auth: AuthField,
    body: &PacketBody,
) -> Result<Vec<u8>, TooLong> {
    let mut out = vec![0; HEADER_LEN];
    body.encode_into(&mut out);
    let length = u16::try_from(out.len()).map_err(|_| TooLong { what: Field::Packet, octets: out.len() })?;
    let mut header = RawHeader {
        version: 2,
        packet_type: body.packet_type() as u8,
        length: U16::new(length),
        router_id: U32::new(router_id.into()),
        area: U32::new(area.0.into()),
        checksum: U16::new(0),
        au_type: U16::new(auth.au_type()),
        auth: auth.to_wire(),
    };
    if !matches!(auth, AuthField::Cryptographic { .. }) {
        let before = header.as_bytes().get(..auth_offsets().start).unwrap_or_default();
        let sum = ip_checksum(before, out.get(HEADER_LEN..).unwrap_or_default());
        header.checksum = U16::from_bytes(sum);
    }
    if let Some(place) = out.get_mut(..HEADER_LEN) {
        place.copy_from_slice(header.as_bytes());
    }
    Ok(out)
}
