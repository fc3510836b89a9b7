//! A hub and its spokes, as in the DMVPN phase 2 design.

mod common;

use common::*;
use ospf_p2mp::{Direct, Event, Input, NeighborState, RouteChange};

#[test]
fn two_spokes_are_full_with_routes_well_within_a_second() {
    let mut cloud = Cloud::star(2);
    cloud.run_for(ms(500));
    let start = cloud.elapsed();
    cloud.register_all();
    let full = cloud.run_while_not(ms(2000), Cloud::all_full).expect("Full");
    assert!(full <= ms(250), "Full after {full:?}");
    let routes = cloud.run_while_not(ms(2000), Cloud::all_lans_reachable).expect("routes") + full;
    assert!(routes <= ms(600), "routes after {routes:?} (began at {start:?})");
    let route = cloud.route(1, "192.168.12.0/24").expect("a route");
    assert_eq!(route.metric, 21);
    assert_eq!(route.next_hops.len(), 1);
    let hop = &route.next_hops[0];
    assert_eq!(hop.gateway, Some(ip("10.0.0.12")));
    assert_eq!(hop.fallbacks, [ip("10.0.0.1")]);
    assert_eq!((hop.direct, hop.active), (Direct::Unknown, Some(ip("10.0.0.1"))));
    let of_hub = cloud.route(0, "192.168.12.0/24").expect("a route");
    assert_eq!(of_hub.next_hops[0].gateway, Some(ip("10.0.0.12")));
    assert!(of_hub.next_hops[0].fallbacks.is_empty());
}
