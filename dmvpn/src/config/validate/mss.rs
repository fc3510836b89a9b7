//! Sizes: what fits into a tunnel, and whether TCP is told.

use super::Report;
use crate::config::{
    Config, EspEncryption, EspIntegrity, Interface, Mode, Rule, TransformSet, Tunnel, TunnelSource,
};

/// TCP and IPv4 headers without options.
const TCP_IP: u16 = 40;
/// What an underlay carries where nothing is said.
const UNDERLAY: u16 = 1500;

pub(super) fn check(config: &Config, report: &mut Report) {
    let mut smallest: Option<(u16, &str)> = None;
    for (interface, tunnel) in config.tunnels().filter(|(interface, _)| !interface.shutdown) {
        let fits = config.tunnel_mtu(tunnel);
        let mtu = interface.ip_mtu.unwrap_or(fits).min(fits);
        let mss = mtu.saturating_sub(TCP_IP);
        if smallest.is_none_or(|(known, _)| mss < known) {
            smallest = Some((mss, &interface.name));
        }
        if let Some(ip_mtu) = interface.ip_mtu.filter(|ip_mtu| *ip_mtu > fits) {
            let message = format!(
                "{}: packets of {ip_mtu} octets do not fit: the encapsulation leaves {fits}",
                interface.name
            );
            let line = interface.origin.of("ip mtu");
            report.warning(Rule::Mss, line, message, format!("'ip mtu 1400', or at most 'ip mtu {fits}'"));
        }
        let expected = format!("a line 'ip tcp adjust-mss {}'", mss.min(1360));
        match interface.adjust_mss {
            None if !clamped_elsewhere(config, mss) => {
                let message = format!(
                    "{} does not clamp TCP's segment size: segments over {mss} octets do not fit, large transfers stall where ICMP is lost",
                    interface.name
                );
                report.warning(Rule::Mss, &interface.origin.line, message, expected);
            }
            Some(clamp) if clamp > mss => {
                let message = format!(
                    "{}: segments of {clamp} octets do not fit: the tunnel carries packets of {mtu} octets, segments of {mss}",
                    interface.name
                );
                report.warning(Rule::Mss, interface.origin.of("ip tcp adjust-mss"), message, expected);
            }
            _ => {}
        }
    }
    let Some((mss, tunnel)) = smallest else { return };
    for interface in config.interfaces.iter().filter(|interface| interface.tunnel.is_none()) {
        if let Some(clamp) = interface.adjust_mss.filter(|clamp| *clamp > mss) {
            let message = format!(
                "{}: segments of {clamp} octets do not fit into {tunnel}, which carries {mss}",
                interface.name
            );
            let line = interface.origin.of("ip tcp adjust-mss");
            report.warning(Rule::Mss, line, message, format!("'ip tcp adjust-mss {}'", mss.min(1360)));
        }
    }
}

/// Whether all that can send into a tunnel clamp on their own: the LAN interfaces, if there are any.
fn clamped_elsewhere(config: &Config, mss: u16) -> bool {
    let is_source = |name: &str| {
        config.tunnels().any(
            |(_, tunnel)| matches!(&tunnel.source, Some(TunnelSource::Interface(source)) if source == name),
        )
    };
    let mut lans = config
        .interfaces
        .iter()
        .filter(|one| one.tunnel.is_none() && one.address.is_some() && !one.name.starts_with("Loopback"))
        .filter(|one| !is_source(&one.name))
        .peekable();
    lans.peek().is_some() && lans.all(|lan: &Interface| lan.adjust_mss.is_some_and(|clamp| clamp <= mss))
}

impl Config {
    /// The largest IP packet that a tunnel carries without fragments: what the underlay's MTU (that of the source
    /// interface, 1500 octets where nothing is said) leaves after GRE and the worst transform set of its profile, without
    /// UDP encapsulation.
    ///
    /// For the guide's transform set and a key this is 1430 octets. Behind a NAT it is 16 octets less for AES-CBC.
    #[must_use]
    pub fn tunnel_mtu(&self, tunnel: &Tunnel) -> u16 {
        let source = match &tunnel.source {
            Some(TunnelSource::Interface(name)) => self.interface(name),
            _ => None,
        };
        let underlay = source.and_then(|source| source.ip_mtu.or(source.mtu)).unwrap_or(UNDERLAY);
        let gre = if tunnel.key.is_some() { 8 } else { 4 };
        let sets = tunnel
            .protection
            .as_deref()
            .and_then(|name| self.ipsec_profile(name))
            .map(|profile| profile.transform_sets.iter().filter_map(|name| self.transform_set(name)));
        let clear = underlay.saturating_sub(20);
        let inside = sets.into_iter().flatten().map(|set| esp_payload(set, clear)).min().unwrap_or(clear);
        inside.saturating_sub(gre)
    }
}

/// How many octets of payload fit into an ESP packet that has `room` octets behind the outer IP header (RFC 4303).
fn esp_payload(set: &TransformSet, room: u16) -> u16 {
    let (iv, block) = match set.encryption {
        EspEncryption::AesCbc128 | EspEncryption::AesCbc192 | EspEncryption::AesCbc256 => (16, 16),
        EspEncryption::AesGcm128 | EspEncryption::AesGcm256 | EspEncryption::ChaCha20Poly1305 => (8, 4),
    };
    let icv = match set.integrity {
        Some(EspIntegrity::Sha1) => 12,
        Some(EspIntegrity::Sha384) => 24,
        Some(EspIntegrity::Sha512) => 32,
        Some(EspIntegrity::Sha256) | None => 16,
    };
    // SPI and sequence number, IV and ICV; what is left holds whole blocks, two octets of them the trailer.
    let encrypted = room.saturating_sub(8 + iv + icv) / block * block;
    let inner_header = if set.mode == Mode::Tunnel { 20 } else { 0 };
    encrypted.saturating_sub(2 + inner_header)
}
