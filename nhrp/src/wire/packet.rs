//! Whole packets.

use bytes::Bytes;
use zerocopy::byteorder::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::error::{DecodeError, EncodeError};
use crate::wire::address::Address;
use crate::wire::cie::{Cie, protocol_len, type_and_len};
use crate::wire::code::{AddressFamily, Flags, PacketType, ProtocolType};
use crate::wire::extension::{Extension, ExtensionType};
use crate::wire::packet_ref::PacketRef;

/// The fixed header and the fixed part of the mandatory part (RFC 2332 sections 5.1 and 5.2.0.1).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------------------------------+-------------------------------+
/// |    address family of NBMA     |         protocol type         |
/// +-------------------------------+---------------+---------------+
/// |                        protocol SNAP                          |
/// +---------------+---------------+-------------------------------+
/// |  SNAP (cont.) |   hop count   |          packet size          |
/// +---------------+---------------+-------------------------------+
/// |           checksum            |       extension offset        |
/// +---------------+---------------+---------------+---------------+
/// |    version    |     type      | NBMA type+len | sub  type+len |
/// +---------------+---------------+---------------+---------------+
/// | src proto len | dst proto len |             flags             |
/// +---------------+---------------+-------------------------------+
/// |           request id  (error indication: code, offset)        |
/// +---------------------------------------------------------------+
/// | source NBMA, NBMA subaddress, source and destination protocol |
/// | addresses (variable), then CIEs or an embedded packet         |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) address_family: U16,
    pub(crate) protocol_type: U16,
    pub(crate) snap: [u8; 5],
    pub(crate) hop_count: u8,
    pub(crate) packet_size: U16,
    pub(crate) checksum: U16,
    pub(crate) extension_offset: U16,
    pub(crate) version: u8,
    pub(crate) packet_type: u8,
    pub(crate) nbma_type_len: u8,
    pub(crate) subaddress_type_len: u8,
    pub(crate) source_protocol_len: u8,
    pub(crate) destination_protocol_len: u8,
    pub(crate) flags: U16,
    pub(crate) request_id: U32,
}

impl Header {
    /// Extensions start here.
    pub(crate) fn set_extension_offset(&mut self, offset: usize) -> Result<(), EncodeError> {
        self.extension_offset = U16::new(u16::try_from(offset).map_err(|_| EncodeError::PacketSize(offset))?);
        Ok(())
    }

    /// Writes the header over the first bytes of a packet that is complete behind it, with packet size and checksum.
    pub(crate) fn finish(&mut self, out: &mut [u8]) -> Result<(), EncodeError> {
        let size = u16::try_from(out.len()).map_err(|_| EncodeError::PacketSize(out.len()))?;
        self.packet_size = U16::new(size);
        self.checksum = U16::ZERO;
        if let Some(head) = out.get_mut(..HEADER_LEN) {
            head.copy_from_slice(self.as_bytes());
        }
        let checksum = internet_checksum::checksum(out);
        if let Some(field) = out.get_mut(CHECKSUM) {
            field.copy_from_slice(&checksum);
        }
        Ok(())
    }
}

/// Bytes of [`Header`].
pub(crate) const HEADER_LEN: usize = 28;
/// Where the checksum stands.
pub(crate) const CHECKSUM: std::ops::Range<usize> = 12..14;

/// One NHRP packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Family of NBMA addresses.
    pub address_family: AddressFamily,
    /// Overlay protocol.
    pub protocol_type: ProtocolType,
    /// SNAP field; zero unless the protocol type is [`ProtocolType::SNAP`].
    pub snap: [u8; 5],
    /// Servers that the packet may still pass.
    pub hop_count: u8,
    /// Type.
    pub packet_type: PacketType,
    /// Top two bits of the source NBMA address type and length field; zero for IP.
    pub source_nbma_type: u8,
    /// Underlay address of the originator.
    pub source_nbma: Address,
    /// Top two bits of the source NBMA subaddress type and length field.
    pub source_subaddress_type: u8,
    /// NBMA subaddress of the originator; absent for IP.
    pub source_subaddress: Address,
    /// Overlay address of the originator of the request; a reply keeps it.
    pub source_protocol: Address,
    /// Overlay address of the destination, or what is asked for.
    pub destination_protocol: Address,
    /// Flags.
    pub flags: Flags,
    /// Joins replies to requests. In an error indication: code (upper half) and offset (lower half).
    pub request_id: u32,
    /// Entries, or an embedded packet.
    pub body: Body,
    /// Extensions without the End that closes them; `None` if the packet has no extension part.
    pub extensions: Option<Vec<Extension>>,
    /// Bytes within the packet size behind the End extension (opennhrp pads error indications).
    pub trailer: Bytes,
}

/// The variable end of the mandatory part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Client information entries: types 1 to 6.
    Entries(Vec<Cie>),
    /// The packet in error (type 7), the head of the data packet (type 8), or what an unknown type has there.
    Payload(Bytes),
}

impl Packet {
    /// Reads one packet. Bytes behind its packet size are ignored.
    ///
    /// # Errors
    /// The rule of the format that is broken, and where.
    pub fn decode(received: &[u8]) -> Result<Packet, DecodeError> {
        PacketRef::parse(received).map(PacketRef::to_packet)
    }

    /// Writes the packet with its size, extension offset and checksum.
    ///
    /// # Errors
    /// An address or the whole is too long for its length field.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::with_capacity(192);
        self.encode_into(&mut out)?;
        Ok(out)
    }

    /// Writes the packet into an empty buffer that may have been used before.
    ///
    /// # Errors
    /// As [`Packet::encode`]; the buffer's content is then undefined.
    pub fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.clear();
        let mut header = Header {
            address_family: U16::new(self.address_family.0),
            protocol_type: U16::new(self.protocol_type.0),
            snap: self.snap,
            hop_count: self.hop_count,
            packet_size: U16::ZERO,
            checksum: U16::ZERO,
            extension_offset: U16::ZERO,
            version: 1,
            packet_type: self.packet_type.0,
            nbma_type_len: type_and_len("source NBMA address", self.source_nbma_type, &self.source_nbma)?,
            subaddress_type_len: type_and_len(
                "source NBMA subaddress",
                self.source_subaddress_type,
                &self.source_subaddress,
            )?,
            source_protocol_len: protocol_len("source protocol address", &self.source_protocol)?,
            destination_protocol_len: protocol_len(
                "destination protocol address",
                &self.destination_protocol,
            )?,
            flags: U16::new(self.flags.0),
            request_id: U32::new(self.request_id),
        };
        out.extend_from_slice(header.as_bytes());
        self.source_nbma.put(out);
        self.source_subaddress.put(out);
        self.source_protocol.put(out);
        self.destination_protocol.put(out);
        match &self.body {
            Body::Entries(entries) => {
                for entry in entries {
                    entry.encode(out)?;
                }
            }
            Body::Payload(payload) => out.extend_from_slice(payload),
        }
        if let Some(list) = &self.extensions {
            header.set_extension_offset(out.len())?;
            Extension::encode_list(list, out)?;
            out.extend_from_slice(&self.trailer);
        }
        header.finish(out)
    }

    /// The first extension of a type.
    #[must_use]
    pub fn extension(&self, kind: ExtensionType) -> Option<&Extension> {
        self.extensions.as_deref()?.iter().find(|extension| extension.kind == kind)
    }

    /// The client information entries; none for the types that carry a packet.
    #[must_use]
    pub fn entries(&self) -> &[Cie] {
        match &self.body {
            Body::Entries(entries) => entries,
            Body::Payload(_) => &[],
        }
    }

    /// Where the first extension for which `wanted` holds starts, in bytes from the packet's start.
    pub(crate) fn extension_offset(&self, mut wanted: impl FnMut(&Extension) -> bool) -> Option<usize> {
        let body = match &self.body {
            Body::Entries(entries) => entries
                .iter()
                .map(|e| Cie::FIXED_LEN + e.nbma.len() + e.subaddress.len() + e.protocol.len())
                .sum(),
            Body::Payload(payload) => payload.len(),
        };
        let mut offset = HEADER_LEN
            + self.source_nbma.len()
            + self.source_subaddress.len()
            + self.source_protocol.len()
            + self.destination_protocol.len()
            + body;
        for extension in self.extensions.as_deref()? {
            if wanted(extension) {
                return Some(offset);
            }
            offset += extension.wire_len();
        }
        None
    }
}
