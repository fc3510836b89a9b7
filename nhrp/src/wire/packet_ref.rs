//! A packet read where it lies.

use std::fmt;
use std::net::IpAddr;

use bytes::Bytes;
use zerocopy::FromBytes;

use crate::error::DecodeError;
use crate::wire::address::Address;
use crate::wire::cie::{Cie, CieRef};
use crate::wire::code::{AddressFamily, Flags, PacketType, ProtocolType};
use crate::wire::extension::{Extension, ExtensionRef, ExtensionType};
use crate::wire::packet::{Body, HEADER_LEN, Header, Packet};

/// A packet whose structure is sound, without a copy of anything: what a server reads of a registration that only extends a
/// binding. [`Packet::decode`] is [`PacketRef::parse`] and a copy of the parts.
#[derive(Clone, Copy)]
pub(crate) struct PacketRef<'a> {
    pub(crate) header: &'a Header,
    pub(crate) source_nbma: &'a [u8],
    pub(crate) source_subaddress: &'a [u8],
    pub(crate) source_protocol: &'a [u8],
    pub(crate) destination_protocol: &'a [u8],
    body: &'a [u8],
    body_start: usize,
    /// From the first extension to the last, with its End where that is not a plain one.
    extensions: Option<&'a [u8]>,
    pub(crate) trailer: &'a [u8],
}

impl<'a> PacketRef<'a> {
    /// Checks one packet. Bytes behind its packet size are ignored.
    pub(crate) fn parse(received: &'a [u8]) -> Result<PacketRef<'a>, DecodeError> {
        let truncated = DecodeError::Truncated { field: "fixed header", offset: 0 };
        let (header, _) = Header::ref_from_prefix(received).map_err(|_| truncated)?;
        if header.version != 1 {
            return Err(DecodeError::Version(header.version));
        }
        let size = usize::from(header.packet_size.get());
        let bad_size = DecodeError::PacketSize { field: header.packet_size.get(), received: received.len() };
        let packet = received.get(..size).ok_or(bad_size)?;
        let mut rest = packet.get(HEADER_LEN..).ok_or(bad_size)?;
        // RFC 2332 section 5.1: an odd last byte counts as the upper half of a word.
        if internet_checksum::checksum(packet) != [0, 0] {
            return Err(DecodeError::Checksum);
        }

        let mut address = |len: u8, field| {
            let truncated = DecodeError::Truncated { field, offset: HEADER_LEN };
            let (head, tail) = rest.split_at_checked(usize::from(len)).ok_or(truncated)?;
            rest = tail;
            Ok(head)
        };
        let source_nbma = address(header.nbma_type_len & 0x3f, "source NBMA address")?;
        let source_subaddress = address(header.subaddress_type_len & 0x3f, "source NBMA subaddress")?;
        let source_protocol = address(header.source_protocol_len, "source protocol address")?;
        let destination_protocol = address(header.destination_protocol_len, "destination protocol address")?;

        let body_start = size - rest.len();
        let offset = header.extension_offset.get();
        let extension_start = match usize::from(offset) {
            0 => size,
            start if (body_start..size).contains(&start) => start,
            _ => return Err(DecodeError::ExtensionOffset { offset, earliest: body_start, size }),
        };
        // The range holds: body_start <= extension_start <= size was checked just above.
        let body = packet.get(body_start..extension_start).unwrap_or_default();
        if has_entries(header) {
            CieRef::check_all(body, body_start)?;
        }
        let (extensions, trailer) = match offset {
            0 => (None, &[][..]),
            _ => {
                let part = packet.get(extension_start..).unwrap_or_default();
                let (list, trailer) = ExtensionRef::check_list(part, extension_start)?;
                (Some(list), trailer)
            }
        };
        Ok(PacketRef {
            header,
            source_nbma,
            source_subaddress,
            source_protocol,
            destination_protocol,
            body,
            body_start,
            extensions,
            trailer,
        })
    }

    pub(crate) fn packet_type(&self) -> PacketType {
        PacketType(self.header.packet_type)
    }

    pub(crate) fn flags(&self) -> Flags {
        Flags(self.header.flags.get())
    }

    pub(crate) fn address_family(&self) -> AddressFamily {
        AddressFamily(self.header.address_family.get())
    }

    pub(crate) fn protocol_type(&self) -> ProtocolType {
        ProtocolType(self.header.protocol_type.get())
    }

    /// Underlay address of the originator, where it is an IP address.
    pub(crate) fn source_nbma(&self) -> Option<IpAddr> {
        ip(self.source_nbma)
    }

    /// Overlay address of the originator, where it is an IP address.
    pub(crate) fn source(&self) -> Option<IpAddr> {
        ip(self.source_protocol)
    }

    /// Overlay address of the destination, where it is an IP address.
    pub(crate) fn destination(&self) -> Option<IpAddr> {
        ip(self.destination_protocol)
    }

    /// The client information entries; none for the types that carry a packet.
    pub(crate) fn entries(&self) -> impl Iterator<Item = CieRef<'a>> + use<'a> {
        let body = if has_entries(self.header) { self.body } else { &[] };
        CieRef::iter(body)
    }

    /// The extensions without a plain End.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = ExtensionRef<'a>> + use<'a> {
        ExtensionRef::iter(self.extensions.unwrap_or_default())
    }

    /// Whether there is an extension part.
    pub(crate) fn has_extensions(&self) -> bool {
        self.extensions.is_some()
    }

    /// The first extension of a type.
    pub(crate) fn extension(&self, kind: ExtensionType) -> Option<ExtensionRef<'a>> {
        self.extensions().find(|extension| extension.kind == kind)
    }

    /// The packet with memory of its own.
    pub(crate) fn to_packet(self) -> Packet {
        let header = self.header;
        let body = if has_entries(header) {
            // Parsing checked the structure.
            Body::Entries(Cie::decode_all(self.body, self.body_start).unwrap_or_default())
        } else {
            Body::Payload(Bytes::copy_from_slice(self.body))
        };
        Packet {
            address_family: self.address_family(),
            protocol_type: self.protocol_type(),
            snap: header.snap,
            hop_count: header.hop_count,
            packet_type: self.packet_type(),
            source_nbma_type: header.nbma_type_len & 0xc0,
            source_nbma: Address::from_bytes(self.source_nbma),
            source_subaddress_type: header.subaddress_type_len & 0xc0,
            source_subaddress: Address::from_bytes(self.source_subaddress),
            source_protocol: Address::from_bytes(self.source_protocol),
            destination_protocol: Address::from_bytes(self.destination_protocol),
            flags: self.flags(),
            request_id: header.request_id.get(),
            body,
            extensions: self.extensions.map(Extension::copy_list),
            trailer: Bytes::copy_from_slice(self.trailer),
        }
    }
}

impl fmt::Debug for PacketRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_packet().fmt(f)
    }
}

fn has_entries(header: &Header) -> bool {
    (1..=6).contains(&header.packet_type)
}

/// An address field as IP address, if it is one.
pub(crate) fn ip(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}
