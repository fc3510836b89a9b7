//! `show dmvpn`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ::nhrp::{CacheKind, CacheView, NhsStatus, NhsView};
use ipnet::{IpNet, Ipv4Net};

use super::{ago, crypto, nhrp};
use crate::engine::{Engine, Tunnel};
use crate::rib::RouteSource;
use crate::views::{Dmvpn, DmvpnAttribute, DmvpnEntry, DmvpnInterface, DmvpnPeer, DmvpnRole, PeerState};

/// How far IKE is, by our and the peer's underlay address: whether there is a child SA.
type IkeProgress = BTreeMap<(IpAddr, IpAddr), bool>;

impl Engine {
    /// The clouds that this router is part of: every tunnel with its peers, the crypto sessions, and the peers for which
    /// a session is wanted and not there.
    #[must_use]
    pub fn dmvpn(&self, now: Instant) -> Dmvpn {
        let progress = self.ike_progress();
        let mut view = Dmvpn { sessions: self.crypto_sessions(now).sessions, ..Dmvpn::default() };
        for tunnel in &self.tunnels {
            view.interfaces.push(self.dmvpn_interface(now, tunnel, &progress));
            if tunnel.profile.is_none() {
                continue;
            }
            let Some(local) = self.underlay_address(tunnel) else { continue };
            for (nbma, server) in crypto::configured_peers(tunnel) {
                let pending = (tunnel.name.clone(), nbma);
                let wanted = server != Some(NhsStatus::Waiting);
                if wanted && !progress.contains_key(&(local, nbma)) && !view.pending.contains(&pending) {
                    view.pending.push(pending);
                }
            }
        }
        // Sessions that are not there stand among the pending ones.
        view.sessions.retain(|session| !session.ike.is_empty());
        view
    }

    fn dmvpn_interface(&self, now: Instant, tunnel: &Tunnel, progress: &IkeProgress) -> DmvpnInterface {
        let role = match (tunnel.node.config().is_server(), tunnel.node.config().nhs.is_empty()) {
            (true, true) => DmvpnRole::Hub,
            (true, false) => DmvpnRole::HubSpoke,
            (false, false) => DmvpnRole::Spoke,
            (false, true) => DmvpnRole::Unknown,
        };
        let mut view = DmvpnInterface::new(tunnel.name.clone(), role);
        let settings = self.tunnel_settings(tunnel);
        view.tunnel_address = Some(IpAddr::V4(tunnel.address));
        view.up = tunnel.is_up();
        view.source = self.underlay_address(tunnel);
        view.destination = settings.and_then(|settings| settings.destination);
        view.protection = settings.and_then(|settings| settings.protection.clone());
        view.nhs = nhrp::servers(tunnel, now);
        view.peers = self.dmvpn_peers(now, tunnel, progress);
        view
    }

    fn dmvpn_peers(&self, now: Instant, tunnel: &Tunnel, progress: &IkeProgress) -> Vec<DmvpnPeer> {
        let servers: Vec<NhsView> = tunnel.node.nhs().collect();
        let local = self.underlay_address(tunnel);
        let mut peers: Vec<DmvpnPeer> = Vec::new();
        let mut places: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for cached in tunnel.node.cache() {
            let server = servers.iter().find(|server| server.tunnel_address == Some(cached.next_hop));
            let ike = local.zip(cached.nbma).and_then(|addresses| progress.get(&addresses)).copied();
            let (state, since) = state(now, tunnel, &cached, server, ike);
            let entry = DmvpnEntry {
                tunnel_address: cached.next_hop,
                state,
                since,
                attributes: self.attributes(&cached),
                target: cached.prefix,
            };
            // An address that is not known yet is nobody's: such entries stand alone.
            let place = cached.nbma.and_then(|nbma| places.get(&nbma)).copied();
            match place.and_then(|place| peers.get_mut(place)) {
                Some(peer) => peer.entries.push(entry),
                None => {
                    if let Some(nbma) = cached.nbma {
                        places.insert(nbma, peers.len());
                    }
                    peers.push(DmvpnPeer { nbma: cached.nbma, entries: vec![entry] });
                }
            }
        }
        peers
    }

    /// What the legend's letters say. A route is installed from an entry (T1) only where the routing table has one of
    /// NHRP's for exactly its prefix; one that took the place of another source's next hop is an override (T2).
    fn attributes(&self, cached: &CacheView) -> Vec<DmvpnAttribute> {
        let route = match cached.prefix {
            IpNet::V4(prefix) => self.installed(prefix),
            IpNet::V6(_) => None,
        };
        let learned = cached.kind == CacheKind::Dynamic;
        [
            (cached.kind == CacheKind::Static, DmvpnAttribute::Static),
            (learned, DmvpnAttribute::Dynamic),
            (cached.kind == CacheKind::Incomplete, DmvpnAttribute::Incomplete),
            (cached.flags.nat, DmvpnAttribute::Nated),
            (cached.flags.local, DmvpnAttribute::Local),
            (cached.flags.no_socket && learned, DmvpnAttribute::NoSocket),
            (route == Some(false), DmvpnAttribute::RouteInstalled),
            (route == Some(true), DmvpnAttribute::NexthopOverride),
        ]
        .into_iter()
        .filter_map(|(set, attribute)| set.then_some(attribute))
        .collect()
    }

    /// Whether NHRP's route for a prefix is in force, and if so, whether it overrides another's next hop.
    pub(super) fn installed(&self, prefix: Ipv4Net) -> Option<bool> {
        let (route, overrides) = self.rib.best(prefix)?;
        (route.source == RouteSource::Nhrp).then_some(overrides)
    }

    fn underlay_address(&self, tunnel: &Tunnel) -> Option<IpAddr> {
        self.underlays.get(tunnel.underlay.index()).map(|underlay| underlay.address)
    }
}

/// How far a peer is, and since when. A peer that never got any further has no time.
///
/// | tunnel | packets can go | IKE | state |
/// |---|---|---|---|
/// | down | | | INTF |
/// | up | yes, and a server has accepted our registration | | UP |
/// | up | no | no SA with the address | IKE |
/// | up | no | an IKE SA without child | IPSEC |
/// | up | no | a child SA, or no protection | NHRP |
///
/// What is being resolved has no address that IKE could have begun with: NHRP.
fn state(
    now: Instant,
    tunnel: &Tunnel,
    cached: &CacheView,
    server: Option<&NhsView>,
    ike: Option<bool>,
) -> (PeerState, Option<Duration>) {
    let changed = server.map_or(cached.changed, |server| server.changed);
    let is_new = changed <= cached.created;
    let since = Some(ago(now, changed));
    if !tunnel.is_up() {
        return (PeerState::Intf, since);
    }
    // What is this router's own needs no path.
    if cached.flags.local {
        return (PeerState::Up, since);
    }
    let is_up = match server {
        Some(server) => server.status == NhsStatus::Up,
        None => cached.path.is_some(),
    };
    if is_up {
        return (PeerState::Up, since);
    }
    let state = match (tunnel.profile.is_some() && cached.nbma.is_some(), ike) {
        (true, None) => PeerState::Ike,
        (true, Some(false)) => PeerState::Ipsec,
        (true, Some(true)) | (false, _) => PeerState::Nhrp,
    };
    (state, since.filter(|_| !is_new))
}
