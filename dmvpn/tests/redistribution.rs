//! Routes that a spoke brings into OSPF from elsewhere.
#![cfg(feature = "sim")]

mod common;

use std::net::Ipv4Addr;
use std::time::Duration;

use common::{cloud, config, finish, has_route, log};

#[test]
fn static_routes_and_a_default_route_reach_the_other_spoke_directly() {
    let edits = [
        (
            "router ospf 1\n",
            "router ospf 1\n redistribute static metric 5 metric-type 1\n default-information originate always\n",
        ),
        ("ip route 0.0.0.0", "ip route 172.16.7.0 255.255.255.0 192.168.12.9\nip route 0.0.0.0"),
    ];
    let mut network =
        cloud(1, [config("hub1.cfg", &[]), config("spoke1.cfg", &[]), config("spoke2.cfg", &edits)]);
    let behind = Ipv4Addr::new(172, 16, 7, 1);
    let both = |network: &dmvpn::sim::Network| has_route(network, "SPOKE1", behind);
    let at = network.run_until_condition(Duration::from_secs(10), both);
    assert!(at.is_some(), "{}", log(&network));
    let now = network.instant();
    let route = network.engine("SPOKE1").route(now, behind).route.expect("just seen");
    assert_eq!(route.prefix.to_string(), "172.16.7.0/24");
    assert_eq!(route.metric, 2005, "two tunnels of cost 1000 and the metric of the route itself");
    assert_eq!(route.paths[0].gateway, Some(Ipv4Addr::new(10, 0, 0, 12).into()));
    // SPOKE1's own static default is nearer than any of OSPF's; the hub's too.
    let text =
        network.engine("SPOKE1").show(now, &"show ip ospf database external".parse().expect("a command"));
    assert!(text.to_string().contains("Link State ID: 0.0.0.0"), "{text}");
    finish(&network);
}
