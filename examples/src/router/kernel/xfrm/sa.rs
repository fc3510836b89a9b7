//! An SA as the kernel wants it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ikev2::{EspCipher, EspIntegrity, Mode, SaParameters};
use netlink_packet_xfrm::constants::{
    AF_INET, IPPROTO_ESP, IPPROTO_GRE, UDP_ENCAP_ESPINUDP, XFRM_INF, XFRM_MODE_TRANSPORT, XFRM_MODE_TUNNEL,
    XFRM_STATE_ESN,
};
use netlink_packet_xfrm::state::ModifyMessage;
use netlink_packet_xfrm::{
    Alg, AlgAead, AlgAuth, EncapTmpl, LifetimeConfig, ReplayEsn, UserSaId, UserSaInfo, XfrmAttrs,
};
use zeroize::Zeroize;

use super::super::stand_ins::StandIn;
use super::REQID;

/// Packets that an inbound SA's replay window covers.
const REPLAY_WINDOW: u32 = 1024;
/// An inbound SA that is used is reported once in this many tenths of a second.
const REPORT_INTERVAL: u32 = 20;

/// One direction of a child SA, and what became of its path since IKE made it.
#[derive(Debug, Clone)]
pub(super) struct Sa {
    pub(super) parameters: Box<SaParameters>,
    pub(super) inbound: bool,
    /// Where the peer is now.
    pub(super) remote: SocketAddr,
    /// What stands in for the peer's address where it shares that one.
    pub(super) stand_in: Option<StandIn>,
}

impl Sa {
    pub(super) fn local(&self) -> io::Result<Ipv4Addr> {
        v4(self.parameters.local.ip())
    }

    /// The peer's address as the kernel knows it.
    pub(super) fn remote(&self) -> io::Result<Ipv4Addr> {
        self.stand_in.map_or_else(|| v4(self.remote.ip()), |stand_in| Ok(stand_in.address()))
    }

    /// The address that the SA's packets go to.
    pub(super) fn destination(&self) -> io::Result<Ipv4Addr> {
        if self.inbound { self.local() } else { self.remote() }
    }

    /// What names the SA for the kernel.
    pub(super) fn id(&self) -> io::Result<UserSaId> {
        let mut id = UserSaId { spi: self.parameters.spi, proto: IPPROTO_ESP, ..UserSaId::default() };
        id.destination(&IpAddr::V4(self.destination()?));
        Ok(id)
    }

    /// The whole SA. `replay` continues one that was taken out.
    pub(super) fn message(&self, replay: Vec<XfrmAttrs>) -> io::Result<ModifyMessage> {
        let parameters = &self.parameters;
        let local = self.local()?;
        // What comes in has the true address.
        let (source, destination) =
            if self.inbound { (v4(self.remote.ip())?, local) } else { (local, self.remote()?) };
        let mut info = UserSaInfo::default();
        info.source(&IpAddr::V4(source));
        info.destination(&IpAddr::V4(destination));
        info.id.spi = parameters.spi;
        info.id.proto = IPPROTO_ESP;
        info.selector.family = AF_INET;
        info.selector.proto = IPPROTO_GRE;
        info.mode = match parameters.mode {
            Mode::Transport => XFRM_MODE_TRANSPORT,
            Mode::Tunnel => XFRM_MODE_TUNNEL,
        };
        info.reqid = REQID;
        info.flags = if parameters.esn { XFRM_STATE_ESN } else { 0 };
        info.lifetime_cfg = self.lifetime();
        let mut nlas = algorithms(parameters);
        if parameters.udp_encapsulation {
            nlas.push(XfrmAttrs::EncapsulationTemplate(self.encapsulation()));
        }
        if replay.is_empty() {
            nlas.extend(self.fresh_replay());
        } else {
            nlas.extend(replay);
        }
        // Only inbound SAs are reported, by time alone.
        nlas.push(XfrmAttrs::EventTimeThreshold(if self.inbound { REPORT_INTERVAL } else { 0 }));
        nlas.push(XfrmAttrs::ReplayThreshold(0));
        if let (true, Some(stand_in)) = (self.inbound, self.stand_in) {
            // The packets that come out carry the mark, so that whose they are can be told.
            nlas.push(XfrmAttrs::MarkVal(stand_in.mark()));
            nlas.push(XfrmAttrs::MarkMask(u32::MAX));
        }
        Ok(ModifyMessage { user_sa_info: info, nlas })
    }

    fn encapsulation(&self) -> EncapTmpl {
        let (local, remote) = (self.parameters.local.port(), self.remote.port());
        let (encap_sport, encap_dport) = if self.inbound { (remote, local) } else { (local, remote) };
        EncapTmpl { encap_type: UDP_ENCAP_ESPINUDP, encap_sport, encap_dport, ..EncapTmpl::default() }
    }

    fn lifetime(&self) -> LifetimeConfig {
        let limits = &self.parameters.limits;
        let limit = |limit: Option<u64>| limit.unwrap_or(XFRM_INF);
        LifetimeConfig {
            soft_byte_limit: limit(limits.soft_bytes),
            hard_byte_limit: limit(limits.hard_bytes),
            soft_packet_limit: limit(limits.soft_packets),
            hard_packet_limit: limit(limits.hard_packets),
            // IKE watches the time.
            ..LifetimeConfig::default()
        }
    }

    /// The replay window, and the form in which 64 bits of sequence number are kept.
    fn fresh_replay(&self) -> Option<XfrmAttrs> {
        const BITS: u32 = u32::BITS;
        let replay_window = match (self.inbound, self.parameters.esn) {
            (true, _) => REPLAY_WINDOW,
            // Nothing is replayed to an outbound SA, but the kernel wants a window with each 64-bit sequence number.
            (false, true) => BITS,
            (false, false) => return None,
        };
        let bmp_len = replay_window / BITS;
        let bmp = vec![0; usize::try_from(bmp_len).unwrap_or_default()];
        Some(XfrmAttrs::ReplayStateEsn(ReplayEsn { bmp_len, replay_window, bmp, ..ReplayEsn::default() }))
    }
}

/// Overwrites the keys of a message that was sent.
pub(super) fn wipe(nlas: &mut [XfrmAttrs]) {
    for nla in nlas {
        match nla {
            XfrmAttrs::EncryptionAlg(alg) => alg.alg_key.zeroize(),
            XfrmAttrs::EncryptionAlgAead(alg) => alg.alg_key.zeroize(),
            XfrmAttrs::AuthenticationAlgTrunc(alg) => alg.alg_key.zeroize(),
            _ => {}
        }
    }
}

pub(super) fn v4(address: IpAddr) -> io::Result<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Ok(address),
        IpAddr::V6(_) => Err(io::Error::new(io::ErrorKind::Unsupported, "the underlay has to be IPv4")),
    }
}

/// The algorithms by the kernel's names, and their keys.
fn algorithms(sa: &SaParameters) -> Vec<XfrmAttrs> {
    let (name, integrity_value) = match sa.cipher {
        EspCipher::AesCbc128 | EspCipher::AesCbc192 | EspCipher::AesCbc256 => ("cbc(aes)", None),
        EspCipher::AesGcm128 | EspCipher::AesGcm256 => ("rfc4106(gcm(aes))", Some(128)),
        EspCipher::ChaCha20Poly1305 => ("rfc7539esp(chacha20,poly1305)", Some(128)),
    };
    let key = sa.encryption_key.expose();
    let cipher = match integrity_value {
        None => XfrmAttrs::EncryptionAlg(Alg {
            alg_name: padded(name),
            alg_key_len: bits(key),
            alg_key: key.to_vec(),
        }),
        Some(alg_icv_len) => XfrmAttrs::EncryptionAlgAead(AlgAead {
            alg_name: padded(name),
            alg_key_len: bits(key),
            alg_icv_len,
            alg_key: key.to_vec(),
        }),
    };
    let (name, alg_trunc_len) = match sa.integrity {
        EspIntegrity::None => return vec![cipher],
        EspIntegrity::HmacSha1_96 => ("hmac(sha1)", 96),
        EspIntegrity::HmacSha256_128 => ("hmac(sha256)", 128),
        EspIntegrity::HmacSha384_192 => ("hmac(sha384)", 192),
        EspIntegrity::HmacSha512_256 => ("hmac(sha512)", 256),
    };
    let key = sa.integrity_key.expose();
    let integrity =
        AlgAuth { alg_name: padded(name), alg_key_len: bits(key), alg_trunc_len, alg_key: key.to_vec() };
    vec![cipher, XfrmAttrs::AuthenticationAlgTrunc(integrity)]
}

fn padded(name: &str) -> [u8; 64] {
    let mut padded = [0; 64];
    for (to, from) in padded.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    padded
}

fn bits(key: &[u8]) -> u32 {
    u32::try_from(key.len() * 8).unwrap_or(u32::MAX)
}
