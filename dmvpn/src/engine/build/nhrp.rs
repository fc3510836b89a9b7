//! NHRP: from a tunnel's `ip nhrp` lines to a node's configuration.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::{Nbma, Nhrp, NhrpMap};
use crate::forward::TunnelSettings;

pub(super) fn node_config(configured: &Nhrp, tunnel: &TunnelSettings, nbma: IpAddr) -> ::nhrp::Config {
    let mut node =
        ::nhrp::Config::new(IpAddr::V4(tunnel.address), tunnel.prefix.into(), nbma, tunnel.network_id);
    node.authentication =
        configured.authentication.as_ref().map(|secret| ::nhrp::Authentication::new(secret.expose()));
    node.holding_time = configured.holdtime;
    node.registration_timeout = configured.registration_timeout;
    node.start_delay = configured.registration_delay;
    node.unique = configured.unique;
    node.redirect = configured.redirect;
    node.admission = !configured.permits.is_empty();
    node.shortcut = configured.shortcut;
    node.server_only = configured.server_only;
    node.summaries = configured.summaries.iter().map(|prefix| IpNet::V4(*prefix)).collect();
    node.group = configured.group.clone();
    node.fallback = configured.nhs_fallback;
    node.cluster_max_connections =
        configured.clusters.iter().map(|cluster| (cluster.cluster, cluster.max_connections)).collect();
    if let Some(max_send) = &configured.max_send {
        node.limits.max_send = u32::from(max_send.packets);
        node.limits.max_send_interval = max_send.interval;
    }
    for nhs in &configured.nhs {
        let nhs_nbma = match configured.nbma_of(nhs) {
            Some(Nbma::Address(address)) => Some(address),
            Some(Nbma::Name(_)) | None => None,
        };
        let mut entry = ::nhrp::Nhs::new(nhs.address, nhs_nbma);
        if let Some(Nbma::Name(name)) = configured.nbma_of(nhs) {
            entry.name = Some(name);
        }
        entry.multicast = nhs.multicast;
        entry.priority = nhs.priority;
        entry.cluster = nhs.cluster;
        node.nhs.push(entry);
    }
    node.maps = configured.maps.iter().map(static_map).collect();
    if configured.multicast_dynamic {
        node.multicast.push(::nhrp::MulticastMap::Dynamic);
    }
    node.multicast.extend(configured.multicast_maps.iter().map(|map| ::nhrp::MulticastMap::Static(map.nbma)));
    node
}

fn static_map(map: &NhrpMap) -> ::nhrp::StaticMap {
    ::nhrp::StaticMap {
        tunnel_address: map.prefix.addr(),
        prefix_len: map.prefix.prefix_len(),
        nbma: map.nbma,
    }
}

/// Who may register which address.
pub(super) fn permits(configured: &Nhrp) -> Vec<(IpAddr, ikev2::IdentityMatch)> {
    configured
        .permits
        .iter()
        .map(|permit| (permit.address, super::crypto::identity_match(&permit.identity)))
        .collect()
}
