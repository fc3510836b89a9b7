//! No packet of users costs an allocation: from a LAN to the underlay, from the underlay to a LAN, and through a hub;
//! under each suite and in the clear, alone and in batches. It is the only test of its program, so that nobody else allocates.

#[path = "forwarding/cloud.rs"]
mod cloud;

use std::alloc::System;

use cloud::{Cloud, HOSTS, HUB, SPOKE1, SPOKE2, datagram, protections};
use dmvpn::{Arrival, Packet, Verdict};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const PACKETS: usize = 100;

/// How often memory was asked for while `work` ran.
fn allocations(work: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    work();
    let change = region.change();
    change.allocations + change.reallocations
}

#[test]
fn a_packet_costs_no_allocation() {
    for protection in protections() {
        let mut cloud = Cloud::new(protection);
        let now = cloud.now;
        let mut verdicts = Vec::with_capacity(PACKETS);
        let to_spoke = datagram(HOSTS[HUB], HOSTS[SPOKE1], 64, 1000);
        // The second round counts: the first one tells the control plane that the peers are in use.
        for round in 0..2 {
            let mut packets = vec![Packet::new(&to_spoke); PACKETS];
            let hub = &mut cloud.routers[HUB];
            let alone = allocations(|| {
                for packet in &mut packets {
                    assert!(matches!(hub.handle_lan(now, packet), Verdict::Transmit(_)));
                }
            });
            let mut packets = vec![Packet::new(&to_spoke); PACKETS];
            let batched = allocations(|| hub.handle_lan_batch(now, &mut packets, &mut verdicts));
            assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Transmit(_))));

            let arrive = |cloud: &mut Cloud, to: usize| -> Vec<Arrival> {
                let packet = datagram(HOSTS[SPOKE1], HOSTS[to], 64, 1000);
                (0..PACKETS).map(|_| cloud.leave(SPOKE1, &packet)).collect()
            };
            let mut counts = vec![("lan", alone), ("lan, batched", batched)];
            for (name, to) in [("deliver", HUB), ("hairpin", SPOKE2)] {
                let is_fine = |verdict: &Verdict| match verdict {
                    Verdict::Deliver(_) => to == HUB,
                    Verdict::Transmit(_) => to == SPOKE2,
                    _ => false,
                };
                let mut arrivals = arrive(&mut cloud, to);
                let hub = &mut cloud.routers[HUB];
                let alone = allocations(|| {
                    for Arrival { path, packet } in &mut arrivals {
                        assert!(is_fine(&hub.handle_wan(now, *path, packet)));
                    }
                });
                let mut arrivals = arrive(&mut cloud, to);
                let hub = &mut cloud.routers[HUB];
                let batched = allocations(|| hub.handle_wan_batch(now, &mut arrivals, &mut verdicts));
                assert!(verdicts.iter().all(is_fine), "{verdicts:?}");
                counts.extend([(name, alone), (name, batched)]);
            }
            if round == 1 {
                assert!(counts.iter().all(|(_, count)| *count == 0), "{protection:?}: {counts:?}");
            }
        }
    }
    // The count is a real one.
    assert_eq!(allocations(|| drop(std::hint::black_box(Packet::new(&[0; 100])))), 1);
}
