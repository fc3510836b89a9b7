//! A batch is the same as one packet after the other: two clouds with the same seeds, one of each kind.

use dmvpn::{Arrival, DropReason, Packet, Verdict};

use crate::cloud::{Cloud, HOSTS, HUB, SPOKE1, SPOKE2, datagram, protections};

/// Packets for both spokes in no order, and every kind that goes elsewhere in between.
fn from_hub_lan(count: usize) -> Vec<Packet> {
    let unreachable = [203, 0, 113, 200].into();
    let packet = |index: usize| {
        let len = [1360, 64, 28, 700, 1361, 100, 1430][index % 7];
        match index % 11 {
            0 | 3 | 4 | 8 => datagram(HOSTS[HUB], HOSTS[SPOKE1], 64, len),
            1 | 2 | 9 => datagram(HOSTS[HUB], HOSTS[SPOKE2], 64, len),
            5 => datagram(HOSTS[HUB], HOSTS[SPOKE1], 1, len),
            6 => datagram(HOSTS[HUB], unreachable, 64, len),
            7 => vec![0x45; len],
            // Larger than the tunnel carries, and must not be fragmented.
            _ => {
                let mut packet = datagram(HOSTS[HUB], HOSTS[SPOKE2], 64, 1600);
                packet[6] = 0x40;
                let sum = u16::from_be_bytes([packet[10], packet[11]]).wrapping_sub(0x4000);
                packet[10..12].copy_from_slice(&sum.to_be_bytes());
                packet
            }
        }
    };
    (0..count).map(|index| Packet::new(&packet(index))).collect()
}

#[test]
fn a_batch_from_a_lan_is_the_same_as_its_packets_one_by_one() {
    for protection in protections() {
        let (mut one, mut many) = (Cloud::new(protection), Cloud::new(protection));
        let mut verdicts = Vec::new();
        let mut seen = std::collections::BTreeMap::new();
        for count in [0, 1, 2, 8, 9, 63, 64, 65, 200] {
            let mut alone = from_hub_lan(count);
            let now = one.now;
            let expected: Vec<Verdict> =
                alone.iter_mut().map(|packet| one.routers[HUB].handle_lan(now, packet)).collect();
            let mut batch = from_hub_lan(count);
            many.routers[HUB].handle_lan_batch(many.now, &mut batch, &mut verdicts);
            for verdict in &verdicts {
                let kind = match verdict {
                    Verdict::Transmit(_) => "transmit",
                    Verdict::Deliver(_) => "deliver",
                    Verdict::Consumed => "consumed",
                    Verdict::Dropped(_) => "dropped",
                };
                *seen.entry(kind).or_insert(0) += 1;
            }
            assert_eq!(fates(&verdicts), fates(&expected), "{protection:?}, {count} packets");
            assert_eq!(batch, alone, "{protection:?}, {count} packets");
        }
        assert!(seen["transmit"] > 200 && seen["deliver"] > 20 && seen["dropped"] > 20, "{seen:?}");
    }
}

/// What the packets look like when they come out of their batches; clouds differ in when they began.
fn fates(verdicts: &[Verdict]) -> Vec<String> {
    verdicts.iter().map(|verdict| format!("{verdict:?}")).collect()
}

#[test]
fn a_batch_from_the_underlay_is_the_same_as_its_packets_one_by_one() {
    for protection in protections() {
        let (mut one, mut many) = (Cloud::new(protection), Cloud::new(protection));
        let arrivals = |cloud: &mut Cloud| -> Vec<Arrival> {
            let mut arrivals = Vec::new();
            for index in 0..150 {
                let len = [1360, 64, 28, 700][index % 4];
                let (from, to) = [(SPOKE1, SPOKE2), (SPOKE2, SPOKE1), (SPOKE1, HUB)][index % 3];
                arrivals.push(cloud.leave(from, &datagram(HOSTS[from], HOSTS[to], 64, len)));
                match index % 30 {
                    // The same again: a replay.
                    3 | 13 | 23 => arrivals.push(arrivals[index / 2].clone()),
                    // Damaged.
                    6 | 16 | 26 => {
                        let last = arrivals.len() - 1;
                        let mut damaged = arrivals[last].clone();
                        let middle = damaged.packet.len() / 2;
                        damaged.packet.bytes_mut()[middle] ^= 1;
                        arrivals.insert(last, damaged);
                    }
                    // A hello and whatever else is due at a spoke: control packets amid data.
                    29 => {
                        cloud.now += std::time::Duration::from_millis(700);
                        for router in [SPOKE1, SPOKE2] {
                            cloud.routers[router].handle_timeout(cloud.now);
                            while let Some(output) = cloud.routers[router].poll_output() {
                                if let dmvpn::Output::Transmit { path, payload } = output {
                                    let (path, packet) = (path.reversed(), Packet::new(&payload));
                                    arrivals.push(Arrival { path, packet });
                                }
                            }
                        }
                    }
                    _ => {}
                }
            }
            arrivals
        };
        let (mut alone, mut batch) = (arrivals(&mut one), arrivals(&mut many));
        assert_eq!(alone, batch, "{protection:?}: the clouds are the same");
        let expected: Vec<Verdict> = alone
            .iter_mut()
            .map(|arrival| one.routers[HUB].handle_wan(one.now, arrival.path, &mut arrival.packet))
            .collect();
        let mut verdicts = Vec::new();
        many.routers[HUB].handle_wan_batch(many.now, &mut batch, &mut verdicts);
        assert_eq!(fates(&verdicts), fates(&expected), "{protection:?}");
        for ((alone, batch), verdict) in alone.iter().zip(&batch).zip(&verdicts) {
            if matches!(verdict, Verdict::Transmit(_) | Verdict::Deliver(_)) {
                assert_eq!(batch.packet, alone.packet, "{protection:?}");
            }
        }
        let count = |wanted: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| wanted(verdict)).count();
        assert!(count(|verdict| matches!(verdict, Verdict::Transmit(_))) >= 100);
        assert!(count(|verdict| matches!(verdict, Verdict::Deliver(_))) >= 50);
        assert!(count(|verdict| matches!(verdict, Verdict::Consumed)) >= 4, "control packets");
        if protection != crate::cloud::Protection::Plain {
            for reason in [DropReason::EspReplay, DropReason::EspAuthentication] {
                let dropped = verdicts.iter().filter(|verdict| **verdict == Verdict::Dropped(reason)).count();
                assert_eq!(dropped, 15, "{protection:?} {reason}");
            }
        }
    }
}
