use super::proposal::{decode_proposals, encode_proposals};
use super::reader::Reader;
use super::{
    AuthMethod, DecodeError, GroupId, IdType, Identification, Identity, MAX_PAYLOADS, MAX_SELECTORS,
    NotifyType, PayloadType, Proposal, ProtocolId, Spi, TrafficSelector,
};

/// One payload (RFC 7296 section 3), without the encrypted ones, which are messages of their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Payload {
    /// `SA`: the proposals.
    SecurityAssociation(Vec<Proposal>),
    /// `KE`: a public value.
    KeyExchange {
        /// Its group.
        group: GroupId,
        /// The value.
        data: Vec<u8>,
    },
    /// `IDi`.
    IdentificationInitiator(Identification),
    /// `IDr`.
    IdentificationResponder(Identification),
    /// `CERT`.
    Certificate {
        /// Certificate encoding.
        encoding: u8,
        /// Certificate data.
        data: Vec<u8>,
    },
    /// `CERTREQ`.
    CertificateRequest {
        /// Certificate encoding.
        encoding: u8,
        /// Certification authority.
        data: Vec<u8>,
    },
    /// `AUTH`.
    Authentication {
        /// The method.
        method: AuthMethod,
        /// The proof.
        data: Vec<u8>,
    },
    /// `Ni` or `Nr`: 16 to 256 bytes.
    Nonce(Vec<u8>),
    /// `N`.
    Notify(Notify),
    /// `D`.
    Delete(Delete),
    /// `V`: any bytes.
    VendorId(Vec<u8>),
    /// `TSi`.
    TrafficSelectorsInitiator(Vec<TrafficSelector>),
    /// `TSr`.
    TrafficSelectorsResponder(Vec<TrafficSelector>),
    /// `CP`.
    Configuration(Configuration),
    /// `EAP`: the EAP message.
    Eap(Vec<u8>),
    /// A type that is not known here.
    Unknown {
        /// The type.
        payload_type: PayloadType,
        /// Whether the receiver has to understand it.
        critical: bool,
        /// The body.
        body: Vec<u8>,
    },
}

/// A notify payload (RFC 7296 section 3.10).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Notify {
    /// Which protocol the SPI belongs to; none without SPI.
    pub protocol: ProtocolId,
    /// The SA that is meant.
    pub spi: Spi,
    /// What is notified.
    pub notify_type: NotifyType,
    /// Further data.
    pub data: Vec<u8>,
}

impl Notify {
    /// Without SPI and data.
    #[must_use]
    pub const fn new(notify_type: NotifyType) -> Self {
        Self::with_data(notify_type, Vec::new())
    }

    /// Without SPI.
    #[must_use]
    pub const fn with_data(notify_type: NotifyType, data: Vec<u8>) -> Self {
        Self { protocol: ProtocolId::NONE, spi: Spi::none(), notify_type, data }
    }

    /// About an ESP SA.
    #[must_use]
    pub fn for_esp(notify_type: NotifyType, spi: u32) -> Self {
        Self { protocol: ProtocolId::ESP, spi: Spi::esp(spi), notify_type, data: Vec::new() }
    }
}

/// A delete payload (RFC 7296 section 3.11).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delete {
    /// The IKE SA that carries it.
    Ike,
    /// ESP SAs: the sender's inbound SPIs.
    Esp(Vec<u32>),
    /// Something else.
    Other {
        /// The protocol.
        protocol: ProtocolId,
        /// Length of one SPI.
        spi_len: u8,
        /// Number of SPIs on the wire.
        count: u16,
        /// All SPIs.
        data: Vec<u8>,
    },
}

/// A configuration payload (RFC 7296 section 3.15).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Configuration {
    /// Request 1, reply 2, set 3, ack 4.
    pub cfg_type: u8,
    /// The attributes.
    pub attributes: Vec<Attribute>,
}

/// A configuration attribute: 15 bits of type, and a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attribute {
    /// The type.
    pub attribute: u16,
    /// The value.
    pub value: Vec<u8>,
}

/// Decodes a chain of payloads that fills `bytes`. Meant for the inside of `SK` as well as for clear text; an encrypted
/// payload in the chain is an error here (see [`Message`](super::Message)).
///
/// # Errors
/// The first rule that is broken.
pub fn decode_payloads(first: PayloadType, bytes: &[u8]) -> Result<Vec<Payload>, DecodeError> {
    let mut walk = Walk::new(first, bytes, 0);
    let mut payloads = Vec::new();
    while let Some(raw) = walk.next()? {
        payloads.push(raw.decode()?);
    }
    if !walk.is_at_end() {
        return Err(DecodeError::TrailingBytes { offset: walk.offset() });
    }
    Ok(payloads)
}

/// Encodes a chain of payloads; returns the type of the first one and the bytes.
#[must_use]
pub fn encode_payloads(payloads: &[Payload]) -> (PayloadType, Vec<u8>) {
    let mut out = Vec::new();
    encode_chain(payloads, PayloadType::NONE, &mut out);
    (payloads.first().map_or(PayloadType::NONE, Payload::payload_type), out)
}

/// The first notify of a type.
#[must_use]
pub fn find_notify(payloads: &[Payload], notify_type: NotifyType) -> Option<&Notify> {
    payloads.iter().find_map(|payload| match payload {
        Payload::Notify(notify) if notify.notify_type == notify_type => Some(notify),
        _ => None,
    })
}

pub(super) fn encode_chain(payloads: &[Payload], last_next: PayloadType, out: &mut Vec<u8>) {
    for (index, payload) in payloads.iter().enumerate() {
        let next = payloads.get(index + 1).map_or(last_next, Payload::payload_type);
        let start = out.len();
        let critical = matches!(payload, Payload::Unknown { critical: true, .. });
        out.extend_from_slice(&[next.0, if critical { 0x80 } else { 0 }, 0, 0]);
        payload.encode_body(out);
        let length = u16::try_from(out.len() - start).unwrap_or(u16::MAX).to_be_bytes();
        if let Some(field) = out.get_mut(start + 2..start + 4) {
            field.copy_from_slice(&length);
        }
    }
}

/// A payload whose body has no meaning yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawPayload<'a> {
    pub(super) payload_type: PayloadType,
    pub(super) next: PayloadType,
    pub(super) critical: bool,
    /// Where the generic header starts.
    pub(super) offset: usize,
    pub(super) body: &'a [u8],
}

/// First of the two steps: lengths and structure of a chain. Every step goes at least four bytes ahead.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    reader: Reader<'a>,
    next: PayloadType,
    seen: usize,
}

impl<'a> Walk<'a> {
    pub(super) const fn new(first: PayloadType, bytes: &'a [u8], offset: usize) -> Self {
        Self { reader: Reader::new(bytes, offset), next: first, seen: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Option<RawPayload<'a>>, DecodeError> {
        if self.next == PayloadType::NONE {
            return Ok(None);
        }
        let offset = self.reader.offset();
        if self.seen >= MAX_PAYLOADS {
            return Err(DecodeError::TooMany { offset });
        }
        self.seen += 1;
        let payload_type = self.next;
        let (next, flags, length) = (self.reader.u8()?, self.reader.u8()?, self.reader.u16()?);
        let wrong = DecodeError::PayloadLength { payload: payload_type, offset, length };
        let body_len = usize::from(length).checked_sub(4).ok_or(wrong)?;
        if body_len > self.reader.remaining() {
            return Err(wrong);
        }
        let body = self.reader.take(body_len)?;
        let next = PayloadType(next);
        // The next payload field of SK and SKF names the first payload inside: the chain ends here (RFC 7296 3.14).
        self.next = match payload_type {
            PayloadType::ENCRYPTED | PayloadType::ENCRYPTED_FRAGMENT => PayloadType::NONE,
            _ => next,
        };
        Ok(Some(RawPayload { payload_type, next, critical: flags & 0x80 != 0, offset, body }))
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.reader.is_empty()
    }

    pub(super) const fn offset(&self) -> usize {
        self.reader.offset()
    }
}

impl RawPayload<'_> {
    /// Second step: give meaning to the body.
    pub(super) fn decode(&self) -> Result<Payload, DecodeError> {
        let malformed = DecodeError::MalformedPayload { payload: self.payload_type, offset: self.offset + 4 };
        let mut reader = Reader::new(self.body, self.offset + 4);
        let cut = |_| malformed;
        Ok(match self.payload_type {
            PayloadType::SECURITY_ASSOCIATION => Payload::SecurityAssociation(decode_proposals(self.body)?),
            PayloadType::KEY_EXCHANGE => {
                let group = GroupId(reader.u16().map_err(cut)?);
                reader.u16().map_err(cut)?;
                Payload::KeyExchange { group, data: reader.rest().to_vec() }
            }
            PayloadType::IDENTIFICATION_INITIATOR | PayloadType::IDENTIFICATION_RESPONDER => {
                let id_type = IdType(reader.u8().map_err(cut)?);
                let reserved = reader.array().map_err(cut)?;
                let identity = Identity::from_wire(id_type, reader.rest());
                let identification = Identification { identity, reserved };
                if self.payload_type == PayloadType::IDENTIFICATION_INITIATOR {
                    Payload::IdentificationInitiator(identification)
                } else {
                    Payload::IdentificationResponder(identification)
                }
            }
            PayloadType::CERTIFICATE => {
                Payload::Certificate { encoding: reader.u8().map_err(cut)?, data: reader.rest().to_vec() }
            }
            PayloadType::CERTIFICATE_REQUEST => Payload::CertificateRequest {
                encoding: reader.u8().map_err(cut)?,
                data: reader.rest().to_vec(),
            },
            PayloadType::AUTHENTICATION => {
                let method = AuthMethod(reader.u8().map_err(cut)?);
                reader.array::<3>().map_err(cut)?;
                Payload::Authentication { method, data: reader.rest().to_vec() }
            }
            PayloadType::NONCE => {
                if !(16..=256).contains(&self.body.len()) {
                    return Err(DecodeError::NonceLength { length: self.body.len() });
                }
                Payload::Nonce(self.body.to_vec())
            }
            PayloadType::NOTIFY => {
                let protocol = ProtocolId(reader.u8().map_err(cut)?);
                let spi_len = reader.u8().map_err(cut)?;
                let notify_type = NotifyType(reader.u16().map_err(cut)?);
                let spi = Spi(reader.take(usize::from(spi_len)).map_err(cut)?.to_vec());
                Payload::Notify(Notify { protocol, spi, notify_type, data: reader.rest().to_vec() })
            }
            PayloadType::DELETE => Payload::Delete(decode_delete(&mut reader, malformed)?),
            PayloadType::VENDOR_ID => Payload::VendorId(self.body.to_vec()),
            PayloadType::TRAFFIC_SELECTOR_INITIATOR => {
                Payload::TrafficSelectorsInitiator(decode_selectors(&mut reader, malformed)?)
            }
            PayloadType::TRAFFIC_SELECTOR_RESPONDER => {
                Payload::TrafficSelectorsResponder(decode_selectors(&mut reader, malformed)?)
            }
            PayloadType::CONFIGURATION => {
                let cfg_type = reader.u8().map_err(cut)?;
                reader.array::<3>().map_err(cut)?;
                let mut attributes = Vec::new();
                while !reader.is_empty() {
                    let attribute = reader.u16().map_err(cut)? & 0x7fff;
                    let length = reader.u16().map_err(cut)?;
                    let value = reader.take(usize::from(length)).map_err(cut)?.to_vec();
                    attributes.push(Attribute { attribute, value });
                }
                Payload::Configuration(Configuration { cfg_type, attributes })
            }
            PayloadType::EAP => Payload::Eap(self.body.to_vec()),
            // A second envelope inside the first, or inside a clear chain, has no meaning.
            PayloadType::ENCRYPTED | PayloadType::ENCRYPTED_FRAGMENT => return Err(malformed),
            payload_type => {
                Payload::Unknown { payload_type, critical: self.critical, body: self.body.to_vec() }
            }
        })
    }
}

fn decode_delete(reader: &mut Reader<'_>, malformed: DecodeError) -> Result<Delete, DecodeError> {
    let protocol = ProtocolId(reader.u8().map_err(|_| malformed)?);
    let spi_len = reader.u8().map_err(|_| malformed)?;
    let count = reader.u16().map_err(|_| malformed)?;
    if reader.remaining() != usize::from(spi_len) * usize::from(count) {
        return Err(malformed);
    }
    match (protocol, spi_len, count) {
        (ProtocolId::IKE, 0, 0) => Ok(Delete::Ike),
        (ProtocolId::ESP, 4, _) => {
            let mut spis = Vec::with_capacity(usize::from(count).min(64));
            while !reader.is_empty() {
                spis.push(reader.u32().map_err(|_| malformed)?);
            }
            Ok(Delete::Esp(spis))
        }
        _ => Ok(Delete::Other { protocol, spi_len, count, data: reader.rest().to_vec() }),
    }
}

fn decode_selectors(
    reader: &mut Reader<'_>,
    malformed: DecodeError,
) -> Result<Vec<TrafficSelector>, DecodeError> {
    let count = reader.u8().map_err(|_| malformed)?;
    reader.array::<3>().map_err(|_| malformed)?;
    if usize::from(count) > MAX_SELECTORS {
        return Err(DecodeError::TooMany { offset: reader.offset() });
    }
    let mut selectors = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        selectors.push(TrafficSelector::decode(reader)?);
    }
    // An empty list means nothing could ever pass: RFC 7296 section 3.13 wants at least one.
    if selectors.is_empty() || !reader.is_empty() {
        return Err(malformed);
    }
    Ok(selectors)
}

impl Payload {
    /// Its type on the wire.
    #[must_use]
    pub const fn payload_type(&self) -> PayloadType {
        match self {
            Self::SecurityAssociation(_) => PayloadType::SECURITY_ASSOCIATION,
            Self::KeyExchange { .. } => PayloadType::KEY_EXCHANGE,
            Self::IdentificationInitiator(_) => PayloadType::IDENTIFICATION_INITIATOR,
            Self::IdentificationResponder(_) => PayloadType::IDENTIFICATION_RESPONDER,
            Self::Certificate { .. } => PayloadType::CERTIFICATE,
            Self::CertificateRequest { .. } => PayloadType::CERTIFICATE_REQUEST,
            Self::Authentication { .. } => PayloadType::AUTHENTICATION,
            Self::Nonce(_) => PayloadType::NONCE,
            Self::Notify(_) => PayloadType::NOTIFY,
            Self::Delete(_) => PayloadType::DELETE,
            Self::VendorId(_) => PayloadType::VENDOR_ID,
            Self::TrafficSelectorsInitiator(_) => PayloadType::TRAFFIC_SELECTOR_INITIATOR,
            Self::TrafficSelectorsResponder(_) => PayloadType::TRAFFIC_SELECTOR_RESPONDER,
            Self::Configuration(_) => PayloadType::CONFIGURATION,
            Self::Eap(_) => PayloadType::EAP,
            Self::Unknown { payload_type, .. } => *payload_type,
        }
    }

    fn encode_body(&self, out: &mut Vec<u8>) {
        match self {
            Self::SecurityAssociation(proposals) => encode_proposals(proposals, out),
            Self::KeyExchange { group, data } => {
                out.extend_from_slice(&group.0.to_be_bytes());
                out.extend_from_slice(&[0, 0]);
                out.extend_from_slice(data);
            }
            Self::IdentificationInitiator(id) | Self::IdentificationResponder(id) => {
                out.extend_from_slice(&id.body());
            }
            Self::Certificate { encoding, data } | Self::CertificateRequest { encoding, data } => {
                out.push(*encoding);
                out.extend_from_slice(data);
            }
            Self::Authentication { method, data } => {
                out.extend_from_slice(&[method.0, 0, 0, 0]);
                out.extend_from_slice(data);
            }
            Self::Nonce(data) | Self::VendorId(data) | Self::Eap(data) | Self::Unknown { body: data, .. } => {
                out.extend_from_slice(data);
            }
            Self::Notify(notify) => {
                let spi_len = u8::try_from(notify.spi.0.len()).unwrap_or(u8::MAX);
                out.extend_from_slice(&[notify.protocol.0, spi_len]);
                out.extend_from_slice(&notify.notify_type.0.to_be_bytes());
                out.extend(notify.spi.0.iter().take(usize::from(spi_len)));
                out.extend_from_slice(&notify.data);
            }
            Self::Delete(delete) => encode_delete(delete, out),
            Self::TrafficSelectorsInitiator(selectors) | Self::TrafficSelectorsResponder(selectors) => {
                let count = u8::try_from(selectors.len()).unwrap_or(u8::MAX);
                out.extend_from_slice(&[count, 0, 0, 0]);
                for selector in selectors.iter().take(usize::from(count)) {
                    selector.encode(out);
                }
            }
            Self::Configuration(configuration) => {
                out.extend_from_slice(&[configuration.cfg_type, 0, 0, 0]);
                for attribute in &configuration.attributes {
                    let length = u16::try_from(attribute.value.len()).unwrap_or(u16::MAX);
                    out.extend_from_slice(&(attribute.attribute & 0x7fff).to_be_bytes());
                    out.extend_from_slice(&length.to_be_bytes());
                    out.extend(attribute.value.iter().take(usize::from(length)));
                }
            }
        }
    }
}

fn encode_delete(delete: &Delete, out: &mut Vec<u8>) {
    match delete {
        Delete::Ike => out.extend_from_slice(&[ProtocolId::IKE.0, 0, 0, 0]),
        Delete::Esp(spis) => {
            let count = u16::try_from(spis.len()).unwrap_or(u16::MAX);
            out.extend_from_slice(&[ProtocolId::ESP.0, 4]);
            out.extend_from_slice(&count.to_be_bytes());
            for spi in spis.iter().take(usize::from(count)) {
                out.extend_from_slice(&spi.to_be_bytes());
            }
        }
        Delete::Other { protocol, spi_len, count, data } => {
            out.extend_from_slice(&[protocol.0, *spi_len]);
            out.extend_from_slice(&count.to_be_bytes());
            out.extend_from_slice(data);
        }
    }
}
