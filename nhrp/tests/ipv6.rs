//! IPv6 overlay over an IPv4 underlay, and IPv6 everywhere.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;

use common::{World, ip, net, secs};
use nhrp::wire::PacketType;
use nhrp::{Config, Event, MulticastMap, Nhs};

fn hub(nbma: &str) -> Config {
    let mut hub = Config::new(ip("2001:db8:10::1"), net("2001:db8:10::/64"), ip(nbma), 6);
    hub.link_local = Some("fe80::1".parse().unwrap());
    hub.multicast = vec![MulticastMap::Dynamic];
    hub
}

fn spoke(number: u16, nbma: &str, hub: &str) -> Config {
    let mut spoke = Config::new(ip(&format!("2001:db8:10::{number}")), net("2001:db8:10::/64"), ip(nbma), 6);
    spoke.link_local = Some(format!("fe80::{number}").parse().unwrap());
    spoke.nhs = vec![Nhs::new(Some(ip("2001:db8:10::1")), Some(ip(hub)))];
    spoke
}

#[test]
fn one_registration_binds_the_global_and_the_link_local_address() {
    let mut world = World::new(vec![
        hub("203.0.113.1"),
        spoke(11, "198.51.100.1", "203.0.113.1"),
        spoke(12, "198.51.100.2", "203.0.113.1"),
    ]);
    world.run(secs(3));
    let request = &world.packets(1, PacketType::REGISTRATION_REQUEST)[0];
    let reply = &world.packets(0, PacketType::REGISTRATION_REPLY)[0];
    // The sizes of the recorded IOS exchange without authentication: extensions start at 96, and at 128 in the reply.
    let offset = |packet: &nhrp::wire::Packet| {
        u16::from_be_bytes(packet.encode().unwrap()[14..16].try_into().unwrap())
    };
    assert_eq!((offset(request), offset(reply)), (96, 128));
    assert_eq!(reply.entries()[1].protocol.ip(), Some(ip("fe80::1")));
    let bound: Vec<_> = world.nodes[0].cache().map(|view| view.next_hop).collect();
    let expected = ["2001:db8:10::11", "2001:db8:10::12", "fe80::11", "fe80::12"].map(ip);
    assert_eq!(bound, expected);
    assert_eq!(world.nodes[0].multicast().count(), 2, "one copy per spoke, not per address");
    // Both kinds of next hop resolve.
    for next_hop in ["2001:db8:10::12", "fe80::12"] {
        world.resolve(1, next_hop);
        world.run(secs(1));
        assert_eq!(world.reaches(1, next_hop), Some(2), "{next_hop}");
    }
}

#[test]
fn ipv6_underlay_works_the_same() {
    let mut world = World::new(vec![
        hub("2001:db8::1"),
        spoke(11, "2001:db8::11", "2001:db8::1"),
        spoke(12, "2001:db8::12", "2001:db8::1"),
    ]);
    world.run(secs(3));
    world.resolve(1, "2001:db8:10::12");
    world.run(secs(1));
    assert_eq!(world.reaches(1, "2001:db8:10::12"), Some(2));
    assert!(!world.events(1).iter().any(|e| matches!(e, Event::PeerError { .. })));
}
