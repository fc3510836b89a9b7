//! Several spokes behind one NAT address, seen from a spoke outside.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;

use common::{World, hub_config, ip, secs, spoke_config};
use nhrp::wire::PacketType;

fn cloud(proven: bool) -> World {
    let mut inside = [spoke_config(12), spoke_config(13)];
    for (index, config) in inside.iter_mut().enumerate() {
        config.nbma = format!("192.168.1.{}", index + 10).parse().unwrap();
    }
    let [two, three] = inside;
    let mut world = World::new(vec![hub_config(), spoke_config(11), two, three]);
    world.proven = proven;
    for node in [2, 3] {
        world.public[node] = ip("198.51.100.9");
        world.behind_nat.insert(node);
    }
    world.run(secs(5));
    world.forget();
    world
}

#[test]
fn each_direct_path_leads_to_its_own_spoke() {
    let mut world = cloud(true);
    for next_hop in ["10.0.0.12", "10.0.0.13"] {
        world.resolve(1, next_hop);
        world.run(secs(2));
    }
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
    assert_eq!(world.reaches(1, "10.0.0.13"), Some(3));
    assert_eq!(world.reaches(2, "10.0.0.11"), Some(1));
    assert_eq!(world.reaches(3, "10.0.0.11"), Some(1));
}

#[test]
fn crossed_resolutions_do_not_mix_them_up() {
    let mut world = cloud(true);
    world.resolve(1, "10.0.0.13");
    world.resolve(1, "10.0.0.12");
    world.resolve(2, "10.0.0.11");
    world.resolve(3, "10.0.0.11");
    world.run(secs(10));
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
    assert_eq!(world.reaches(1, "10.0.0.13"), Some(3));
    assert_eq!(world.reaches(2, "10.0.0.11"), Some(1));
    assert_eq!(world.reaches(3, "10.0.0.11"), Some(1));
}

#[test]
fn outside_spoke_renews_one_path_without_touching_the_other() {
    let mut world = cloud(true);
    for next_hop in ["10.0.0.12", "10.0.0.13"] {
        world.resolve(1, next_hop);
        world.run(secs(2));
    }
    world.sever(1, 2);
    assert_eq!(world.reaches(1, "10.0.0.12"), None);
    assert_eq!(world.reaches(1, "10.0.0.13"), Some(3));
    world.run(secs(6));
    world.resolve(1, "10.0.0.12");
    world.run(secs(5));
    assert_eq!(world.reaches(1, "10.0.0.12"), Some(2));
    assert_eq!(world.reaches(1, "10.0.0.13"), Some(3));
    assert!(!world.sent_at(2, PacketType::RESOLUTION_REPLY).is_empty());
}
