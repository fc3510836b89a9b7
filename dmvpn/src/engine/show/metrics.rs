//! Numbers for a monitoring system.

use std::collections::BTreeMap;
use std::time::Instant;

use super::{Engine, ago, count};
use crate::views::{Metrics, NhrpCounts};

type Labels = Vec<(&'static str, String)>;
/// A type of NHRP packet and its counter.
type CountOf = (&'static str, fn(&NhrpCounts) -> u64);

impl Engine {
    /// What the router counts, for a monitoring system: peers by state, SAs, drops by reason, packets and bytes, rekeys,
    /// NHRP packets by type, OSPF. `Display` writes it as Prometheus reads it.
    ///
    /// It goes over all peers, like the views that it is made of: once in some seconds, not for each packet.
    #[must_use]
    pub fn metrics(&self, now: Instant) -> Metrics {
        let mut metrics = Metrics::default();
        let info =
            vec![("router", self.config.hostname.clone()), ("version", env!("CARGO_PKG_VERSION").to_owned())];
        metrics.family("dmvpn_info", "The router and its version.", [(info, 1)]);
        let uptime = ago(now, self.started).as_secs();
        metrics.family(
            "dmvpn_uptime_seconds",
            "How long the router has been running.",
            [(Vec::new(), uptime)],
        );
        self.peer_states(now, &mut metrics);
        self.ike_numbers(now, &mut metrics);
        self.traffic(now, &mut metrics);
        self.nhrp_packets(now, &mut metrics);
        self.ospf_state(now, &mut metrics);
        let routes = self.routes(now).routes;
        let by_kind =
            tally(routes.iter().map(|route| vec![("source", format!("{:?}", route.kind).to_lowercase())]));
        metrics.family("dmvpn_routes", "Routes by their source.", by_kind);
        let drops = self.drops().into_iter().flat_map(|(place, reasons)| {
            reasons
                .into_iter()
                .map(move |(reason, count)| (vec![("place", place.clone()), ("reason", reason)], count))
        });
        metrics.family("dmvpn_drops_total", "Packets dropped, by place and reason.", drops);
        metrics
    }

    fn peer_states(&self, now: Instant, metrics: &mut Metrics) {
        let view = self.dmvpn(now);
        let states = view.interfaces.iter().flat_map(|tunnel| {
            let entries = tunnel.peers.iter().flat_map(|peer| &peer.entries);
            entries.map(|entry| {
                let state = entry.state.to_string().to_lowercase();
                vec![("interface", tunnel.interface.clone()), ("state", state)]
            })
        });
        metrics.family("dmvpn_peers", "Peers (overlay addresses) by tunnel and state.", tally(states));
        let nhs = view.interfaces.iter().flat_map(|tunnel| {
            tunnel.nhs.iter().map(|nhs| {
                let labels = vec![("interface", tunnel.interface.clone()), ("nhs", nhs.address.to_string())];
                (labels, u64::from(nhs.state == crate::views::NhsState::Responding))
            })
        });
        metrics.family("dmvpn_nhs_up", "Whether a next-hop server answers.", nhs);
    }

    fn ike_numbers(&self, now: Instant, metrics: &mut Metrics) {
        let endpoints = || {
            let all = self.underlays.iter();
            all.filter_map(|underlay| Some((underlay.address.to_string(), underlay.endpoint.as_ref()?)))
        };
        let each = |value: fn(&ikev2::Stats) -> u64| {
            endpoints().map(move |(local, endpoint)| (vec![("local", local)], value(endpoint.stats())))
        };
        let sessions = self.crypto_sessions(now).sessions;
        let statuses =
            sessions.iter().map(|session| vec![("status", session.status.to_string().to_lowercase())]);
        metrics.family("dmvpn_crypto_sessions", "Crypto sessions by status.", tally(statuses));
        let sas = endpoints().map(|(local, endpoint)| {
            let children = endpoint.peers().map(|peer| count(peer.children.len())).map(u64::from).sum();
            (vec![("local", local)], children)
        });
        metrics.family("dmvpn_ipsec_sas", "Child SAs, each a pair of directions.", sas);
        metrics.family("dmvpn_ike_half_open", "IKE SAs that others began.", each(|stats| stats.half_open));
        metrics.family(
            "dmvpn_ike_established_total",
            "IKE SAs established.",
            each(|stats| stats.ike_established),
        );
        let rekeys = endpoints().flat_map(|(local, endpoint)| {
            let stats = endpoint.stats();
            [("ike", stats.ike_rekeys), ("child", stats.child_rekeys)]
                .map(|(kind, count)| (vec![("local", local.clone()), ("sa", kind.to_owned())], count))
        });
        metrics.family("dmvpn_rekeys_total", "SAs that were renewed.", rekeys);
        metrics.family(
            "dmvpn_ike_retransmissions_total",
            "IKE requests sent again.",
            each(|stats| stats.retransmitted),
        );
    }

    fn traffic(&self, now: Instant, metrics: &mut Metrics) {
        let tunnels: Vec<_> =
            self.interfaces(now).into_iter().filter(|interface| interface.tunnel.is_some()).collect();
        let directions = |value: fn(&crate::views::InterfaceCounters) -> (u64, u64)| {
            tunnels.iter().flat_map(move |tunnel| {
                let (input, output) = value(&tunnel.counters);
                [("in", input), ("out", output)].map(|(direction, count)| {
                    (vec![("interface", tunnel.name.clone()), ("direction", direction.to_owned())], count)
                })
            })
        };
        metrics.family(
            "dmvpn_interface_packets_total",
            "Packets of the overlay.",
            directions(|counters| (counters.input_packets, counters.output_packets)),
        );
        metrics.family(
            "dmvpn_interface_bytes_total",
            "Bytes of the overlay's packets.",
            directions(|counters| (counters.input_bytes, counters.output_bytes)),
        );
        metrics.family(
            "dmvpn_interface_drops_total",
            "Packets of the overlay that were dropped.",
            directions(|counters| (counters.input_drops, counters.output_drops)),
        );
        let up =
            tunnels.iter().map(|tunnel| (vec![("interface", tunnel.name.clone())], u64::from(tunnel.up)));
        metrics.family("dmvpn_interface_up", "Whether a tunnel is up.", up);
    }

    fn nhrp_packets(&self, now: Instant, metrics: &mut Metrics) {
        let types: [CountOf; 8] = [
            ("resolution-request", |counts| counts.resolution_request),
            ("resolution-reply", |counts| counts.resolution_reply),
            ("registration-request", |counts| counts.registration_request),
            ("registration-reply", |counts| counts.registration_reply),
            ("purge-request", |counts| counts.purge_request),
            ("purge-reply", |counts| counts.purge_reply),
            ("error-indication", |counts| counts.error_indication),
            ("traffic-indication", |counts| counts.traffic_indication),
        ];
        let traffic = self.nhrp_traffic(now);
        let samples = traffic.interfaces.iter().flat_map(|tunnel| {
            let sides = [("in", &tunnel.received), ("out", &tunnel.sent)];
            sides.into_iter().flat_map(move |(direction, counts)| {
                types.map(|(kind, value)| {
                    let labels = vec![
                        ("interface", tunnel.interface.clone()),
                        ("direction", direction.to_owned()),
                        ("type", kind.to_owned()),
                    ];
                    (labels, value(counts))
                })
            })
        });
        metrics.family("dmvpn_nhrp_packets_total", "NHRP packets by type; resolutions among them.", samples);
    }

    fn ospf_state(&self, now: Instant, metrics: &mut Metrics) {
        let Some(ospf) = &self.ospf else { return };
        let neighbors = self.ospf_neighbors(now).neighbors;
        let states = neighbors.iter().map(|neighbor| {
            let state = neighbor.state.to_string().to_lowercase();
            vec![("interface", neighbor.interface.clone()), ("state", state)]
        });
        metrics.family("dmvpn_ospf_neighbors", "OSPF neighbors by state.", tally(states));
        let stats = ospf.router.stats();
        let runs = [("full", stats.spf_runs), ("partial", stats.partial_runs)];
        let runs = runs.map(|(kind, count)| (vec![("kind", kind.to_owned())], count));
        metrics.family("dmvpn_ospf_spf_runs_total", "Computations of routes.", runs);
        let lsas = [("originated", stats.originated), ("installed", stats.installed)];
        let lsas = lsas.map(|(what, count)| (vec![("what", what.to_owned())], count));
        metrics.family("dmvpn_ospf_lsas_total", "LSAs of our own, and taken from others.", lsas);
        let retransmissions = stats.retransmissions;
        metrics.family(
            "dmvpn_ospf_retransmissions_total",
            "LSAs sent again.",
            [(Vec::new(), retransmissions)],
        );
    }
}

/// How often each set of labels occurs.
fn tally(all: impl IntoIterator<Item = Labels>) -> Vec<(Labels, u64)> {
    let mut counts: BTreeMap<Labels, u64> = BTreeMap::new();
    for labels in all {
        *counts.entry(labels).or_default() += 1;
    }
    counts.into_iter().collect()
}
