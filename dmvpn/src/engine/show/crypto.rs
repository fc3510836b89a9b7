//! `show crypto session`, `show crypto ikev2 sa`, `show crypto ipsec sa`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use ::nhrp::NhsStatus;
use ikev2::{ChildState, ChildSuite, ChildView, Encryption, IkeSaView, IkeState, Integrity, PeerView};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{ago, count, until};
use crate::engine::{Engine, Tunnel, Underlay};
use crate::ids::{PathId, TunnelId};
use crate::views::{
    Capability, CryptoSession, CryptoSessions, FlowCounters, IkeAuthentication, IkeStatus, Ikev2Sa, Ikev2Sas,
    IpsecCounters, IpsecFlow, IpsecMode, IpsecSa, IpsecSas, MessageIds, Nat, SessionFlow, SessionIke,
    SessionStatus, TrafficSelector,
};

/// The IP protocol of what the tunnels protect.
const GRE: u8 = 47;

/// A peer, with what the engine knows of it.
struct Peer<'a> {
    underlay: &'a Underlay,
    endpoint: &'a ikev2::Endpoint,
    view: PeerView,
    path: Option<PathId>,
    session_id: u32,
    /// The tunnels that use it; the first protected one of the underlay while none does.
    tunnels: Vec<(TunnelId, &'a Tunnel)>,
    /// The number of the first of its IKE SAs on this router.
    first_ike: u32,
}

/// What is protected between two selectors, by one child SA or by several that replace one another.
struct Flow<'a> {
    local: TrafficSelector,
    remote: TrafficSelector,
    /// Oldest first, the one in use last.
    children: Vec<&'a ChildView>,
}

impl Engine {
    /// The crypto sessions, in the order in which they came up; then the servers and configured peers of protected
    /// tunnels with which there is none.
    ///
    /// A session keeps its number until it ends. Packets and bytes are those of the SAs that are there now, not of those
    /// that they replaced; packets that were dropped are not counted by session but in [`Engine::drops`], so `drops`
    /// is 0. IKEv2 does not tell with whom it negotiates: a server without session shows as negotiating for as long as
    /// NHRP waits for the path to it.
    #[must_use]
    pub fn crypto_sessions(&self, now: Instant) -> CryptoSessions {
        let peers = self.peers();
        let mut sessions: Vec<CryptoSession> = peers.iter().map(|peer| self.session(now, peer)).collect();
        let mut known: BTreeSet<(IpAddr, IpAddr)> =
            peers.iter().map(|peer| (peer.underlay.address, peer.view.remote.ip())).collect();
        for tunnel in self.tunnels.iter().filter(|tunnel| tunnel.profile.is_some()) {
            let Some(underlay) = self.underlays.get(tunnel.underlay.index()) else { continue };
            for (nbma, server) in configured_peers(tunnel) {
                if known.insert((underlay.address, nbma)) {
                    sessions.push(missing_session(underlay, tunnel, nbma, server));
                }
            }
        }
        CryptoSessions { sessions, detail: false }
    }

    /// The IKEv2 SAs, in the order in which their sessions came up, numbered from 1 in that order.
    ///
    /// Negotiations that have not proven an identity yet are not listed: the endpoint does not tell them. Of our
    /// requests it tells the next id, which stands for all three ids of that side.
    #[must_use]
    pub fn ikev2_sas(&self, now: Instant) -> Ikev2Sas {
        let peers = self.peers();
        let sas = peers.iter().flat_map(|peer| {
            (peer.first_ike..).zip(&peer.view.ike_sas).map(|(id, sa)| ike_sa(now, peer, id, sa))
        });
        Ikev2Sas { sas: sas.collect(), detail: false }
    }

    /// The IPsec SAs, by protected flow.
    ///
    /// `path_mtu` is that of the underlay interface; `plaintext_mtu` is what really fits now. Refused packets are counted
    /// for the whole router ([`Engine::drops`]), so the error counters of a flow are 0.
    #[must_use]
    pub fn ipsec_sas(&self, now: Instant) -> IpsecSas {
        let peers = self.peers();
        let mut flows = Vec::new();
        for peer in &peers {
            flows.extend(peer.flows().iter().map(|flow| self.ipsec_flow(now, peer, flow)));
        }
        // The text puts the flows of a tunnel below one heading.
        flows.sort_by(|one, next| one.interface.cmp(&next.interface));
        IpsecSas { flows }
    }

    /// How far IKE is with each underlay address that there is a peer at: whether a child SA is there.
    pub(super) fn ike_progress(&self) -> BTreeMap<(IpAddr, IpAddr), bool> {
        let mut progress = BTreeMap::new();
        for underlay in &self.underlays {
            for peer in underlay.endpoint.iter().flat_map(ikev2::Endpoint::peers) {
                let has_child = peer.children.iter().any(is_live);
                *progress.entry((underlay.address, peer.remote.ip())).or_default() |= has_child;
            }
        }
        progress
    }

    /// Every peer, in the order in which they came up.
    fn peers(&self) -> Vec<Peer<'_>> {
        let mut users: BTreeMap<PathId, Vec<TunnelId>> = BTreeMap::new();
        for (index, tunnel) in self.tunnels.iter().enumerate() {
            let paths: BTreeSet<PathId> =
                tunnel.adjacencies.values().map(|adjacency| adjacency.path).collect();
            for path in paths {
                users.entry(path).or_default().push(TunnelId(count(index)));
            }
        }
        let mut peers = Vec::new();
        for (place, underlay) in self.underlays.iter().enumerate() {
            let Some(endpoint) = &underlay.endpoint else { continue };
            for view in endpoint.peers() {
                let path = underlay.peers.get(&view.peer).copied();
                let tunnels = path.and_then(|path| users.get(&path));
                let tunnels = self.tunnels_of(underlay, tunnels.map_or(&[], Vec::as_slice), view.remote.ip());
                // Every endpoint counts its peers from 0: interleaved, their numbers stay apart, and each stays the same
                // for as long as the session does.
                let session_id =
                    view.peer.0.wrapping_mul(count(self.underlays.len())).wrapping_add(count(place + 1));
                peers.push(Peer { underlay, endpoint, view, path, session_id, tunnels, first_ike: 0 });
            }
        }
        peers.sort_by_key(|peer| (peer.view.since, peer.session_id));
        let mut next = 1;
        for peer in &mut peers {
            peer.first_ike = next;
            next += count(peer.view.ike_sas.len());
        }
        peers
    }

    /// The tunnels that a peer is a peer of: those that reach somebody through it; else those that are configured to.
    fn tunnels_of(
        &self,
        underlay: &Underlay,
        users: &[TunnelId],
        remote: IpAddr,
    ) -> Vec<(TunnelId, &Tunnel)> {
        let tunnel = |id: &TunnelId| self.tunnels.get(id.index()).map(|tunnel| (*id, tunnel));
        let mut tunnels: Vec<(TunnelId, &Tunnel)> = users.iter().filter_map(tunnel).collect();
        if tunnels.is_empty() {
            let protected =
                underlay.tunnels.iter().filter_map(tunnel).filter(|(_, own)| own.profile.is_some());
            tunnels = protected.collect();
            let configured =
                |(_, own): &(TunnelId, &Tunnel)| configured_peers(own).any(|(nbma, _)| nbma == remote);
            if tunnels.iter().any(configured) {
                tunnels.retain(configured);
            } else {
                tunnels.truncate(1);
            }
        }
        tunnels
    }

    fn session(&self, now: Instant, peer: &Peer<'_>) -> CryptoSession {
        let remote = peer.view.remote;
        let mut session = CryptoSession::new(peer.interface(), remote.ip());
        session.port = remote.port();
        session.profile = peer.profile().map(|profile| profile.name.clone());
        session.uptime = Some(ago(now, peer.view.since));
        let has_ike = peer.view.ike_sas.iter().any(|sa| sa.state == IkeState::Ready);
        session.status = match (has_ike, peer.view.children.iter().any(is_live)) {
            (true, true) => SessionStatus::UpActive,
            (true, false) => SessionStatus::UpIdle,
            (false, true) => SessionStatus::UpNoIke,
            (false, false) => SessionStatus::DownNegotiating,
        };
        session.session_id = peer.session_id;
        session.phase1_id = Some(peer.view.identity.to_string());
        session.ike = (peer.first_ike..)
            .zip(&peer.view.ike_sas)
            .map(|(id, sa)| SessionIke {
                local: (sa.path.local.ip(), sa.path.local.port()),
                remote: (sa.path.remote.ip(), sa.path.remote.port()),
                active: sa.state == IkeState::Ready,
                capabilities: capabilities(sa),
                connection_id: id,
                lifetime: until(now, sa.created + sa.lifetime),
            })
            .collect();
        session.flows = peer.flows().iter().map(|flow| self.session_flow(now, peer, flow)).collect();
        session
    }

    fn session_flow(&self, now: Instant, peer: &Peer<'_>, flow: &Flow<'_>) -> SessionFlow {
        let newest = flow.children.last();
        let lifetime = newest.map(|child| until(now, child.created + child.lifetime)).unwrap_or_default();
        let counters = |inbound: bool| {
            let packets =
                flow.children.iter().map(|child| self.sa_counters(peer, child, inbound).packets).sum();
            let used = newest.map(|child| self.sa_counters(peer, child, inbound).bytes).unwrap_or_default();
            FlowCounters { packets, drops: 0, kilobytes: peer.kilobytes_left(used), lifetime }
        };
        SessionFlow {
            local: flow.local,
            remote: flow.remote,
            active_sas: 2 * count(flow.children.len()),
            inbound: counters(true),
            outbound: counters(false),
            outbound_spi: newest.map(|child| child.outbound_spi),
            transform: newest.map(|child| transform(child.suite)).unwrap_or_default(),
        }
    }

    fn ipsec_flow(&self, now: Instant, peer: &Peer<'_>, flow: &Flow<'_>) -> IpsecFlow {
        let sum = |inbound: bool| {
            flow.children.iter().map(|child| self.sa_counters(peer, child, inbound).packets).sum()
        };
        let sas = |inbound: bool| {
            flow.children.iter().map(|child| self.ipsec_sa(now, peer, child, inbound)).collect()
        };
        let owner = self.interface_with(peer.underlay.address);
        IpsecFlow {
            interface: peer.interface(),
            local_address: peer.underlay.address,
            peer: peer.view.remote.ip(),
            port: peer.view.remote.port(),
            local: flow.local,
            remote: flow.remote,
            counters: IpsecCounters {
                encapsulated: sum(false),
                decapsulated: sum(true),
                ..IpsecCounters::default()
            },
            plaintext_mtu: self.plaintext_mtu(peer),
            path_mtu: self.link_mtu(peer.underlay.address),
            underlay_interface: owner.map(|owner| owner.name.clone()),
            pfs_group: peer.profile().and_then(|profile| profile.child.pfs.first()).map(|group| group.id().0),
            inbound: sas(true),
            outbound: sas(false),
        }
    }

    fn ipsec_sa(&self, now: Instant, peer: &Peer<'_>, child: &ChildView, inbound: bool) -> IpsecSa {
        // The slot is the SA's place on this router: two numbers for its two directions.
        let pair = 2 * u32::from(child.child.slot());
        IpsecSa {
            spi: if inbound { child.inbound_spi } else { child.outbound_spi },
            transform: transform(child.suite),
            mode: match child.mode {
                ikev2::Mode::Transport => IpsecMode::Transport,
                ikev2::Mode::Tunnel => IpsecMode::Tunnel,
            },
            udp: child.udp_encapsulation,
            extended_sequence: child.suite.esn,
            connection_id: pair + if inbound { 1 } else { 2 },
            initiator: peer.newest_ike().is_some_and(|sa| sa.initiator),
            kilobytes: peer.kilobytes_left(self.sa_counters(peer, child, inbound).bytes),
            lifetime: until(now, child.created + child.lifetime),
            iv_size: u8::try_from(child.suite.encryption.iv_len()).unwrap_or(u8::MAX),
            replay_detection: true,
        }
    }

    fn sa_counters(&self, peer: &Peer<'_>, child: &ChildView, inbound: bool) -> esp::Counters {
        let Some(path) = peer.path else { return esp::Counters::default() };
        let (received, sent) = self.plane.sa_counters(path, child.child);
        if inbound { received } else { sent }
    }

    /// The largest packet that is protected in one piece: the tunnel's, and around it GRE and an IP header. 0 while
    /// nothing can be sent.
    fn plaintext_mtu(&self, peer: &Peer<'_>) -> u16 {
        const IP_HEADER: u16 = 20;
        const GRE_HEADER: u16 = 4;
        const GRE_KEY: u16 = 4;
        let Some(((id, own), path)) = peer.tunnels.first().zip(peer.path) else { return 0 };
        let key = self.tunnel_settings(own).is_some_and(|settings| settings.key.is_some());
        let headers = IP_HEADER + GRE_HEADER + if key { GRE_KEY } else { 0 };
        self.plane.tunnel_mtu(*id, path).map_or(0, |mtu| mtu.saturating_add(headers))
    }
}

impl<'a> Peer<'a> {
    /// Tunnels that share a session stand side by side, as in IOS.
    fn interface(&self) -> String {
        let names: Vec<&str> = self.tunnels.iter().map(|(_, tunnel)| tunnel.name.as_str()).collect();
        names.join(" ")
    }

    fn newest_ike(&self) -> Option<&IkeSaView> {
        self.view.ike_sas.last()
    }

    fn profile(&self) -> Option<&'a ikev2::Profile> {
        let endpoint: &'a ikev2::Endpoint = self.endpoint;
        endpoint.config().profiles.get(usize::from(self.newest_ike()?.profile.0))
    }

    /// What is left of an SA's volume after so many bytes.
    fn kilobytes_left(&self, used: u64) -> Option<u64> {
        let limit = self.profile()?.child.lifetime_bytes?;
        Some(limit.saturating_sub(used) / 1024)
    }

    fn flows(&self) -> Vec<Flow<'_>> {
        let mut flows: Vec<Flow<'_>> = Vec::new();
        for child in self.view.children.iter().filter(|child| is_live(child)) {
            for local in child.local_selectors.iter().filter_map(selector) {
                for remote in child.remote_selectors.iter().filter_map(selector) {
                    match flows.iter_mut().find(|flow| (flow.local, flow.remote) == (local, remote)) {
                        Some(flow) => flow.children.push(child),
                        None => flows.push(Flow { local, remote, children: vec![child] }),
                    }
                }
            }
        }
        for flow in &mut flows {
            flow.children.sort_by_key(|child| Some(child.child) == self.view.outbound);
        }
        flows
    }
}

/// Whether packets are meant to travel under it: neither deleted nor about to be.
fn is_live(child: &ChildView) -> bool {
    !matches!(child.state, ChildState::Deleting | ChildState::Draining)
}

/// The underlay addresses that a tunnel's configuration names, with the state of the server where it is one.
pub(super) fn configured_peers(tunnel: &Tunnel) -> impl Iterator<Item = (IpAddr, Option<NhsStatus>)> + '_ {
    let servers = tunnel.node.nhs().filter_map(|server| Some((server.nbma?, Some(server.status))));
    let maps = tunnel.node.config().maps.iter().map(|map| (map.nbma, None));
    servers.chain(maps)
}

/// A peer that the configuration names and that there is no session with.
fn missing_session(
    underlay: &Underlay,
    tunnel: &Tunnel,
    nbma: IpAddr,
    server: Option<NhsStatus>,
) -> CryptoSession {
    let mut session = CryptoSession::new(tunnel.name.clone(), nbma);
    if server == Some(NhsStatus::Probing) {
        session.status = SessionStatus::DownNegotiating;
    }
    if let Some(port) = underlay.endpoint.as_ref().map(|endpoint| endpoint.config().port) {
        session.port = port;
    }
    session.flows = vec![SessionFlow {
        local: TrafficSelector::host(underlay.address, GRE),
        remote: TrafficSelector::host(nbma, GRE),
        active_sas: 0,
        inbound: FlowCounters::default(),
        outbound: FlowCounters::default(),
        outbound_spi: None,
        transform: String::new(),
    }];
    session
}

fn capabilities(sa: &IkeSaView) -> Vec<Capability> {
    [
        (sa.dpd.is_some(), Capability::DeadPeerDetection),
        (sa.nat_local || sa.nat_remote, Capability::NatTraversal),
        (sa.fragmentation, Capability::Fragmentation),
    ]
    .into_iter()
    .filter_map(|(has, capability)| has.then_some(capability))
    .collect()
}

fn ike_sa(now: Instant, peer: &Peer<'_>, id: u32, sa: &IkeSaView) -> Ikev2Sa {
    let (local, remote) = (sa.path.local, sa.path.remote);
    let mut view = Ikev2Sa::new(id, (local.ip(), local.port()), (remote.ip(), remote.port()));
    (view.status, view.description) = match sa.state {
        IkeState::Ready => (IkeStatus::Ready, "Negotiation done".to_owned()),
        IkeState::Deleting => (IkeStatus::Deleting, "Deleting IKE SA".to_owned()),
        _ => (IkeStatus::Negotiating, "Negotiation in progress".to_owned()),
    };
    view.encryption = match sa.suite.encryption {
        Encryption::AesCbc128 | Encryption::AesCbc192 | Encryption::AesCbc256 => "AES-CBC",
        Encryption::AesGcm128 | Encryption::AesGcm256 => "AES-GCM",
        Encryption::ChaCha20Poly1305 => "CHACHA20-POLY1305",
    }
    .to_owned();
    let has_one_length = sa.suite.encryption == Encryption::ChaCha20Poly1305;
    view.key_bits = (!has_one_length).then(|| sa.suite.encryption.key_bits());
    view.prf = sa.suite.prf.to_string();
    view.integrity = (sa.suite.integrity != Integrity::None).then(|| sa.suite.integrity.to_string());
    view.group = sa.suite.group.id().0;
    // Pre-shared keys are the only way to authenticate that the endpoint has.
    let is_proven = sa.state != IkeState::Negotiating;
    let authentication = if is_proven { IkeAuthentication::Psk } else { IkeAuthentication::Unknown };
    (view.local_authentication, view.remote_authentication) = (authentication, authentication);
    view.lifetime = sa.lifetime;
    view.age = ago(now, sa.created);
    view.session_id = peer.session_id;
    (view.local_spi, view.remote_spi) =
        if sa.initiator { (sa.spi_i, sa.spi_r) } else { (sa.spi_r, sa.spi_i) };
    view.local_id = sa.local_identity.to_string();
    view.remote_id = peer.view.identity.to_string();
    view.local_messages = message_ids(sa.next_request_id, u32::from(sa.local_window));
    view.remote_messages = message_ids(sa.next_expected_id, sa.remote_window);
    view.dpd_interval = sa.dpd.map(|dpd| dpd.interval);
    // IOS prints the interval between retries, in seconds, behind the word.
    let retry = sa.dpd.map(|dpd| dpd.retry.as_secs()).unwrap_or_default();
    view.dpd_retries = u32::try_from(retry).unwrap_or(u32::MAX);
    view.fragmentation_mtu =
        if sa.fragmentation { u16::try_from(peer.endpoint.config().fragmentation.size).ok() } else { None };
    view.nat = match (sa.nat_local, sa.nat_remote) {
        (false, false) => Nat::None,
        (true, false) => Nat::Inside,
        (false, true) => Nat::Outside,
        (true, true) => Nat::Both,
    };
    view.initiator = sa.initiator;
    view
}

const fn message_ids(next: u32, window: u32) -> MessageIds {
    MessageIds { request: next, next, queued: next, window }
}

/// The transforms in the words of IOS's outputs, which has the key length in the middle of the name.
fn transform(suite: ChildSuite) -> String {
    let encryption = match suite.encryption {
        Encryption::AesCbc128 => "esp-aes",
        Encryption::AesCbc192 => "esp-192-aes",
        Encryption::AesCbc256 => "esp-256-aes",
        Encryption::AesGcm128 => "esp-gcm",
        Encryption::AesGcm256 => "esp-gcm 256",
        Encryption::ChaCha20Poly1305 => "esp-chacha20-poly1305",
    };
    let integrity = match suite.integrity {
        Integrity::None => "",
        Integrity::HmacSha1_96 => " esp-sha-hmac",
        Integrity::HmacSha256_128 => " esp-sha256-hmac",
        Integrity::HmacSha384_192 => " esp-sha384-hmac",
        Integrity::HmacSha512_256 => " esp-sha512-hmac",
    };
    format!("{encryption}{integrity}")
}

/// A selector as an access list has it. A range of addresses that is no prefix shows as the smallest prefix around it, a
/// range of ports as any port. Selectors that are not of IP have no form.
fn selector(selector: &ikev2::TrafficSelector) -> Option<TrafficSelector> {
    let ikev2::TrafficSelector::Range { protocol, start_port, end_port, start, end } = selector else {
        return None;
    };
    let prefix = match (start, end) {
        (IpAddr::V4(start), IpAddr::V4(end)) => IpNet::V4(around_v4(*start, *end)),
        (IpAddr::V6(start), IpAddr::V6(end)) => IpNet::V6(around_v6(*start, *end)),
        _ => return None,
    };
    let port = if start_port == end_port { *start_port } else { 0 };
    Some(TrafficSelector { prefix, protocol: *protocol, port })
}

fn around_v4(start: Ipv4Addr, end: Ipv4Addr) -> Ipv4Net {
    let common = (start.to_bits() ^ end.to_bits()).leading_zeros();
    let length = u8::try_from(common).unwrap_or(32);
    Ipv4Net::new(start, length).map(|prefix| prefix.trunc()).unwrap_or_default()
}

fn around_v6(start: Ipv6Addr, end: Ipv6Addr) -> Ipv6Net {
    let common = (start.to_bits() ^ end.to_bits()).leading_zeros();
    let length = u8::try_from(common).unwrap_or(128);
    Ipv6Net::new(start, length).map(|prefix| prefix.trunc()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(start: &str, end: &str) -> String {
        let range = ikev2::TrafficSelector::range(GRE, start.parse().unwrap(), end.parse().unwrap()).unwrap();
        selector(&range).unwrap().prefix.to_string()
    }

    #[test]
    fn selectors_show_as_prefixes() {
        assert_eq!(shown("198.51.100.1", "198.51.100.1"), "198.51.100.1/32");
        assert_eq!(shown("10.0.0.0", "10.0.0.255"), "10.0.0.0/24");
        assert_eq!(shown("0.0.0.0", "255.255.255.255"), "0.0.0.0/0");
        assert_eq!(shown("10.0.0.3", "10.0.0.4"), "10.0.0.0/29", "no prefix: the smallest around it");
        assert_eq!(shown("2001:db8::", "2001:db8::ffff"), "2001:db8::/112");
        assert_eq!(shown("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "::/0");
    }

    #[test]
    fn transforms_in_the_words_of_ios() {
        let words = |encryption, integrity| transform(ChildSuite { encryption, integrity, esn: false });
        assert_eq!(words(Encryption::AesCbc256, Integrity::HmacSha256_128), "esp-256-aes esp-sha256-hmac");
        assert_eq!(words(Encryption::AesCbc128, Integrity::HmacSha1_96), "esp-aes esp-sha-hmac");
        assert_eq!(words(Encryption::AesGcm256, Integrity::None), "esp-gcm 256");
    }
}
