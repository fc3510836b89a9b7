//! Extensions (RFC 2332 section 5.3).

use std::fmt;

use bytes::Bytes;

use crate::auth::Authentication;
use crate::error::{DecodeError, EncodeError};
use crate::wire::cie::Cie;

/// Type of an extension, 14 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtensionType(pub u16);

impl ExtensionType {
    /// Last of the list.
    pub const END: ExtensionType = ExtensionType(0);
    /// Who answered: empty in a request, one CIE in a reply.
    pub const RESPONDER_ADDRESS: ExtensionType = ExtensionType(3);
    /// Each server that forwards a request appends a CIE with itself.
    pub const FORWARD_TRANSIT_RECORD: ExtensionType = ExtensionType(4);
    /// The same for replies.
    pub const REVERSE_TRANSIT_RECORD: ExtensionType = ExtensionType(5);
    /// Authentication (in Cisco's layout: two zero bytes, SPI 1, the string).
    pub const AUTHENTICATION: ExtensionType = ExtensionType(7);
    /// Vendor private: a 3-byte OUI, then data.
    pub const VENDOR_PRIVATE: ExtensionType = ExtensionType(8);
    /// Cisco: addresses after NAT.
    pub const NAT_ADDRESS: ExtensionType = ExtensionType(9);

    /// Whether this crate gives the extension a meaning.
    #[must_use]
    pub fn is_known(self) -> bool {
        matches!(self.0, 0 | 3 | 4 | 5 | 7 | 8 | 9)
    }
}

impl fmt::Debug for ExtensionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            ExtensionType::END => "end",
            ExtensionType::RESPONDER_ADDRESS => "responder address",
            ExtensionType::FORWARD_TRANSIT_RECORD => "forward transit record",
            ExtensionType::REVERSE_TRANSIT_RECORD => "reverse transit record",
            ExtensionType::AUTHENTICATION => "authentication",
            ExtensionType::VENDOR_PRIVATE => "vendor private",
            ExtensionType::NAT_ADDRESS => "NAT address",
            _ => "unknown",
        };
        write!(f, "{} ({name})", self.0)
    }
}

/// One extension. `Debug` does not show the value of an authentication extension.
#[derive(Clone, PartialEq, Eq)]
pub struct Extension {
    /// A receiver that does not know the type must not ignore it (C bit).
    pub compulsory: bool,
    /// The reserved bit beside it.
    pub reserved: bool,
    /// Type.
    pub kind: ExtensionType,
    /// Value.
    pub value: Bytes,
}

impl Extension {
    /// An empty extension with the C bit that its type usually has.
    #[must_use]
    pub fn empty(kind: ExtensionType) -> Extension {
        let compulsory = !matches!(kind, ExtensionType::VENDOR_PRIVATE | ExtensionType::NAT_ADDRESS);
        Extension { compulsory, reserved: false, kind, value: Bytes::new() }
    }

    /// An extension that consists of client information entries.
    ///
    /// # Errors
    /// An address is longer than its length field can say.
    pub fn with_entries(kind: ExtensionType, entries: &[Cie]) -> Result<Extension, EncodeError> {
        let mut value = Vec::new();
        for entry in entries {
            entry.encode(&mut value)?;
        }
        Ok(Extension { value: value.into(), ..Extension::empty(kind) })
    }

    /// The authentication extension in Cisco's layout.
    #[must_use]
    pub fn authentication(secret: &Authentication) -> Extension {
        let mut value = Vec::with_capacity(4 + secret.len());
        value.extend_from_slice(&[0, 0, 0, 1]);
        value.extend_from_slice(secret.secret());
        Extension { value: value.into(), ..Extension::empty(ExtensionType::AUTHENTICATION) }
    }

    /// A vendor private extension with the group of a client, as IOS sends it for `nhrp group`: Cisco's OUI, type 1, length,
    /// text of at most 255 bytes.
    #[must_use]
    pub fn group(name: &str) -> Extension {
        let name = name.as_bytes();
        let name = name.get(..255).unwrap_or(name);
        let mut value = Vec::with_capacity(5 + name.len());
        // Not more than 255 by the line above.
        value.extend_from_slice(&[0x00, 0x00, 0x0c, 0x01, name.len() as u8]);
        value.extend_from_slice(name);
        Extension { value: value.into(), ..Extension::empty(ExtensionType::VENDOR_PRIVATE) }
    }

    /// The group in the value of a vendor private extension, if it is Cisco's and has one.
    pub(crate) fn group_in(value: &[u8]) -> Option<&[u8]> {
        let (&[0x00, 0x00, 0x0c, 0x01, len], rest) = value.split_first_chunk::<5>()? else { return None };
        rest.get(..usize::from(len)).filter(|name| !name.is_empty())
    }

    /// The entries of a responder, transit record or NAT extension; `None` if they do not fit.
    #[must_use]
    pub fn entries(&self) -> Option<Vec<Cie>> {
        Cie::list(&self.value)
    }

    /// The string of an authentication extension in Cisco's layout.
    #[must_use]
    pub fn authentication_data(&self) -> Option<&[u8]> {
        authentication_data(&self.value)
    }

    /// Bytes on the wire.
    pub(crate) fn wire_len(&self) -> usize {
        HEADER_LEN + self.value.len()
    }

    /// Copies a sound list: its values share one piece of memory.
    pub(crate) fn copy_list(list: &[u8]) -> Vec<Extension> {
        let memory = Bytes::copy_from_slice(list);
        let mut start = 0;
        ExtensionRef::iter(list)
            .map(|extension| {
                let value = start + HEADER_LEN;
                start = value + extension.value.len();
                Extension {
                    compulsory: extension.compulsory,
                    reserved: extension.reserved,
                    kind: extension.kind,
                    // The iterator walked over these bytes.
                    value: memory.slice(value..start),
                }
            })
            .collect()
    }

    /// Writes a list, with a plain End unless it brings its own.
    pub(crate) fn encode_list(list: &[Extension], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        for extension in list {
            extension.encode(out)?;
        }
        if list.last().is_none_or(|last| last.kind != ExtensionType::END) {
            Extension::empty(ExtensionType::END).encode(out)?;
        }
        Ok(())
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let len = u16::try_from(self.value.len()).map_err(|_| EncodeError::PacketSize(self.value.len()))?;
        let bits = u16::from(self.compulsory) << 15 | u16::from(self.reserved) << 14;
        out.extend_from_slice(&(bits | (self.kind.0 & 0x3fff)).to_be_bytes());
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&self.value);
        Ok(())
    }
}

/// Bytes before the value.
const HEADER_LEN: usize = 4;

/// An extension read where it lies.
#[derive(Clone, Copy)]
pub(crate) struct ExtensionRef<'a> {
    pub(crate) compulsory: bool,
    pub(crate) reserved: bool,
    pub(crate) kind: ExtensionType,
    pub(crate) value: &'a [u8],
}

impl<'a> ExtensionRef<'a> {
    /// Takes the next extension; `offset` is where `buf` starts in the packet.
    fn take(buf: &mut &'a [u8], offset: usize) -> Result<ExtensionRef<'a>, DecodeError> {
        let truncated = DecodeError::Truncated { field: "extension header", offset };
        let (&[k0, k1, l0, l1], rest) = buf.split_first_chunk::<HEADER_LEN>().ok_or(truncated)?;
        let (kind, len) = (u16::from_be_bytes([k0, k1]), u16::from_be_bytes([l0, l1]));
        let short = DecodeError::Truncated { field: "extension value", offset };
        let (value, rest) = rest.split_at_checked(usize::from(len)).ok_or(short)?;
        *buf = rest;
        Ok(ExtensionRef {
            compulsory: kind & 0x8000 != 0,
            reserved: kind & 0x4000 != 0,
            kind: ExtensionType(kind & 0x3fff),
            value,
        })
    }

    /// Checks a list up to and with its End. Returns it, and what stands behind the End.
    ///
    /// A plain End is implied by the list and not part of it; an End with other bits is kept, so that it survives.
    pub(crate) fn check_list(part: &'a [u8], offset: usize) -> Result<(&'a [u8], &'a [u8]), DecodeError> {
        let mut rest = part;
        loop {
            if rest.is_empty() {
                return Err(DecodeError::MissingEnd);
            }
            let start = part.len() - rest.len();
            let extension = ExtensionRef::take(&mut rest, offset + start)?;
            if extension.kind == ExtensionType::END {
                let end = if extension.is_plain_end() { start } else { part.len() - rest.len() };
                return Ok((part.get(..end).unwrap_or_default(), rest));
            }
        }
    }

    /// Extensions of a sound list.
    pub(crate) fn iter(mut list: &'a [u8]) -> impl Iterator<Item = ExtensionRef<'a>> + use<'a> {
        std::iter::from_fn(move || ExtensionRef::take(&mut list, 0).ok())
    }

    /// The string of an authentication extension in Cisco's layout.
    pub(crate) fn authentication_data(&self) -> Option<&'a [u8]> {
        authentication_data(self.value)
    }

    /// Appends the extension with this value in place of its own: `value` writes it.
    pub(crate) fn put_with(&self, out: &mut Vec<u8>, value: impl FnOnce(&mut Vec<u8>)) {
        let bits = u16::from(self.compulsory) << 15 | u16::from(self.reserved) << 14;
        out.extend_from_slice(&(bits | self.kind.0).to_be_bytes());
        let at = out.len();
        out.extend_from_slice(&[0, 0]);
        value(out);
        // A value longer than its length field can say makes the packet longer than its size field can.
        let len = u16::try_from(out.len() - at - 2).unwrap_or(u16::MAX);
        if let Some(field) = out.get_mut(at..at + 2) {
            field.copy_from_slice(&len.to_be_bytes());
        }
    }

    /// The End that everybody sends.
    fn is_plain_end(&self) -> bool {
        self.kind == ExtensionType::END && self.compulsory && !self.reserved && self.value.is_empty()
    }
}

/// The string in the value of an authentication extension in Cisco's layout.
fn authentication_data(value: &[u8]) -> Option<&[u8]> {
    match value.split_first_chunk::<4>() {
        Some(([_, _, 0, 1], data)) => Some(data),
        _ => None,
    }
}

impl fmt::Debug for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Extension");
        debug.field("kind", &self.kind).field("compulsory", &self.compulsory);
        if self.kind == ExtensionType::AUTHENTICATION {
            debug.field("value", &format_args!("redacted"));
        } else {
            debug.field("value", &self.value);
        }
        debug.finish()
    }
}
