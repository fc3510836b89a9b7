use std::net::SocketAddr;

use dmvpn::UnderlayId;
use dmvpn::forward::Hop;

use super::*;

const TUNNEL: TunnelId = TunnelId(0);
const HUB: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 12);
const HUB_NBMA: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const FAR_NBMA: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);

fn path(path: u32, remote: Ipv4Addr) -> Action {
    let remote = SocketAddr::from((remote, 500));
    Action::AddPath { path: PathId(path), underlay: UnderlayId(0), remote, protected: true }
}

fn adjacency(tunnel_address: Ipv4Addr, path: u32) -> Action {
    Action::AddAdjacency { tunnel: TUNNEL, tunnel_address, path: PathId(path) }
}

fn gone(tunnel_address: Ipv4Addr) -> Action {
    Action::RemoveAdjacency { tunnel: TUNNEL, tunnel_address }
}

fn fallback(tunnel_address: Option<Ipv4Addr>) -> Action {
    Action::SetFallback { tunnel: TUNNEL, tunnel_address }
}

fn route(gateway: Ipv4Addr, fallbacks: &[Ipv4Addr]) -> Action {
    let hop = Hop { tunnel: TUNNEL, gateway, fallbacks: fallbacks.to_vec() };
    let prefix = "192.168.12.0/24".parse().expect("a prefix");
    Action::AddRoute { prefix, route: Route::Via(vec![hop]) }
}

fn direct(path: u32, nbma: Ipv4Addr) -> Option<Entry> {
    Some(Entry { path: PathId(path), nbma, is_direct: true })
}

fn borrowed(path: u32, nbma: Ipv4Addr) -> Option<Entry> {
    Some(Entry { path: PathId(path), nbma, is_direct: false })
}

fn update(next_hop: Ipv4Addr, entry: Option<Entry>) -> Update {
    Update { tunnel: TUNNEL, next_hop, entry }
}

/// A spoke with a live hub.
fn spoke() -> NextHops {
    let mut hops = NextHops::default();
    for action in [path(1, HUB_NBMA), adjacency(HUB, 1), fallback(Some(HUB))] {
        hops.follow(&action);
    }
    hops
}

#[test]
fn an_unproven_next_hop_borrows_the_hubs_address_until_it_is_proven() {
    let mut hops = spoke();
    let (answer, punts) = hops.ask(TUNNEL, FAR);
    assert_eq!(answer, update(FAR, borrowed(1, HUB_NBMA)));
    let asked =
        [Punt::Unresolved { tunnel: TUNNEL, next_hop: FAR }, Punt::Used { tunnel: TUNNEL, next_hop: HUB }];
    assert_eq!(punts, asked);

    hops.follow(&path(2, FAR_NBMA));
    assert_eq!(hops.follow(&adjacency(FAR, 2)), [update(FAR, direct(2, FAR_NBMA))]);
    let (answer, punts) = hops.ask(TUNNEL, FAR);
    assert_eq!(answer, update(FAR, direct(2, FAR_NBMA)));
    assert_eq!(punts, [Punt::Used { tunnel: TUNNEL, next_hop: FAR }]);

    assert_eq!(hops.follow(&gone(FAR)), [update(FAR, borrowed(1, HUB_NBMA))]);
}

#[test]
fn without_any_way_the_entry_goes_and_comes_back_with_the_hub() {
    let mut hops = spoke();
    hops.ask(TUNNEL, FAR);
    let both = [update(HUB, None), update(FAR, None)];
    assert_eq!(hops.follow(&gone(HUB)), both);
    assert_eq!(hops.ask(TUNNEL, FAR).0, update(FAR, None));
    assert_eq!(hops.ask(TUNNEL, FAR).1, [Punt::Unresolved { tunnel: TUNNEL, next_hop: FAR }]);
    let both = [update(HUB, direct(1, HUB_NBMA)), update(FAR, borrowed(1, HUB_NBMA))];
    assert_eq!(hops.follow(&adjacency(HUB, 1)), both);
}

#[test]
fn a_routes_own_fallback_comes_before_the_tunnels() {
    let other = Ipv4Addr::new(10, 0, 0, 2);
    let other_nbma = Ipv4Addr::new(203, 0, 113, 2);
    let mut hops = spoke();
    hops.follow(&path(3, other_nbma));
    hops.follow(&adjacency(other, 3));
    hops.follow(&route(FAR, &[other, HUB]));
    assert_eq!(hops.ask(TUNNEL, FAR).0.entry, borrowed(3, other_nbma));
    assert_eq!(hops.follow(&route(FAR, &[HUB])), [update(FAR, borrowed(1, HUB_NBMA))]);
    assert_eq!(hops.follow(&route(FAR, &[HUB])), [], "nothing changed");
}

#[test]
fn a_peer_that_moves_takes_its_next_hops_along() {
    let mut hops = spoke();
    hops.ask(TUNNEL, FAR);
    let elsewhere = Ipv4Addr::new(192, 0, 2, 1);
    let moved = |port| Action::MovePath { path: PathId(1), remote: SocketAddr::from((elsewhere, port)) };
    let both = [update(HUB, direct(1, elsewhere)), update(FAR, borrowed(1, elsewhere))];
    assert_eq!(hops.follow(&moved(4500)), both);
    assert_eq!(hops.follow(&moved(4501)), [], "the kernel's entries have no ports");
    assert_eq!(hops.path_to(TUNNEL, elsewhere), Some(PathId(1)));
    assert_eq!(hops.path_to(TUNNEL, HUB_NBMA), None);
}

#[test]
fn what_the_kernel_forgot_is_no_longer_followed() {
    let mut hops = spoke();
    hops.ask(TUNNEL, FAR);
    hops.forgotten(TUNNEL, FAR);
    assert_eq!(hops.follow(&fallback(None)), []);
}
