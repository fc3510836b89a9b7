//! Chained hubs: a regional one between some spokes and the central one.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;

use common::{World, hub_config, ip, secs, spoke_config};
use nhrp::Nhs;
use nhrp::wire::{ExtensionType, PacketType};

/// Node 0 is the central hub, 1 a regional hub below it, 2 a spoke of the region, 3 a spoke of the centre.
fn cloud() -> World {
    let mut regional = spoke_config(11);
    regional.server = Some(true);
    let mut below = spoke_config(12);
    below.maps.clear();
    below.nhs = vec![Nhs::new(Some(ip("10.0.0.11")), Some(regional.nbma))];
    let mut world = World::new(vec![hub_config(), regional, below, spoke_config(13)]);
    world.run(secs(5));
    world.forget();
    world
}

#[test]
fn request_climbs_until_somebody_knows_and_the_answer_comes_directly() {
    let mut world = cloud();
    world.resolve(2, "10.0.0.13");
    world.run(secs(1));
    let request = &world.packets(0, PacketType::RESOLUTION_REQUEST)[0];
    assert_eq!(request.hop_count, 253);
    let record = request.extension(ExtensionType::FORWARD_TRANSIT_RECORD).unwrap().entries().unwrap();
    let hops: Vec<_> = record.iter().map(|entry| entry.protocol.ip().unwrap()).collect();
    assert_eq!(hops, [ip("10.0.0.11"), ip("10.0.0.1")]);
    assert_eq!(world.reaches(2, "10.0.0.13"), Some(3));
}

#[test]
fn answer_without_a_direct_path_goes_back_hop_by_hop() {
    let mut world = cloud();
    world.cut.insert((2, 3));
    world.resolve(2, "10.0.0.13");
    world.run(secs(5));
    let reply = &world.packets(1, PacketType::RESOLUTION_REPLY)[0];
    let record = reply.extension(ExtensionType::REVERSE_TRANSIT_RECORD).unwrap().entries().unwrap();
    let hops: Vec<_> = record.iter().map(|entry| entry.protocol.ip().unwrap()).collect();
    assert_eq!(hops, [ip("10.0.0.1"), ip("10.0.0.11")]);
    assert!(world.events(2).iter().any(|e| matches!(e, nhrp::Event::Resolved { .. })));
    assert_eq!(world.reaches(2, "10.0.0.13"), None);
}

#[test]
fn nobody_knows_ends_in_one_refusal() {
    let mut world = cloud();
    world.resolve(2, "10.0.0.99");
    world.run(secs(5));
    assert!(world.events(2).iter().any(|e| matches!(e, nhrp::Event::ResolutionRefused { .. })));
    assert_eq!(world.sent_at(0, PacketType::RESOLUTION_REPLY).len(), 1);
    assert_eq!(world.sent_at(1, PacketType::RESOLUTION_REPLY).len(), 1, "passed on");
}
