//! Extensions (RFC 2332 section 5.3).

use std::fmt;

use bytes::{Buf, Bytes};

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

    /// The entries of a responder, transit record or NAT extension; `None` if they do not fit.
    #[must_use]
    pub fn entries(&self) -> Option<Vec<Cie>> {
        Cie::list(&self.value)
    }

    /// The string of an authentication extension in Cisco's layout.
    #[must_use]
    pub fn authentication_data(&self) -> Option<&[u8]> {
        match self.value.split_first_chunk::<4>() {
            Some(([_, _, 0, 1], data)) => Some(data),
            _ => None,
        }
    }

    /// Bytes on the wire.
    pub(crate) fn wire_len(&self) -> usize {
        4 + self.value.len()
    }

    /// The End that everybody sends.
    fn is_plain_end(&self) -> bool {
        self.kind == ExtensionType::END && self.compulsory && !self.reserved && self.value.is_empty()
    }

    /// Reads a list up to and with its End. Returns what stands behind the End too.
    ///
    /// A plain End is implied by the list and not part of it; an End with other bits is kept, so that it survives.
    pub(crate) fn decode_list(
        mut buf: Bytes,
        mut offset: usize,
    ) -> Result<(Vec<Extension>, Bytes), DecodeError> {
        let mut list = Vec::with_capacity(6);
        loop {
            if buf.is_empty() {
                return Err(DecodeError::MissingEnd);
            }
            let truncated = |_| DecodeError::Truncated { field: "extension header", offset };
            let kind = buf.try_get_u16().map_err(truncated)?;
            let len = usize::from(buf.try_get_u16().map_err(truncated)?);
            if len > buf.len() {
                return Err(DecodeError::Truncated { field: "extension value", offset });
            }
            let extension = Extension {
                compulsory: kind & 0x8000 != 0,
                reserved: kind & 0x4000 != 0,
                kind: ExtensionType(kind & 0x3fff),
                value: buf.split_to(len),
            };
            offset += extension.wire_len();
            if extension.is_plain_end() {
                return Ok((list, buf));
            }
            let is_end = extension.kind == ExtensionType::END;
            list.push(extension);
            if is_end {
                return Ok((list, buf));
            }
        }
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

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let len = u16::try_from(self.value.len()).map_err(|_| EncodeError::PacketSize(self.value.len()))?;
        let bits = u16::from(self.compulsory) << 15 | u16::from(self.reserved) << 14;
        out.extend_from_slice(&(bits | (self.kind.0 & 0x3fff)).to_be_bytes());
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&self.value);
        Ok(())
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
