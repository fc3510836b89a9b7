//! Against memory and processor time, in great numbers.

use super::*;

/// A flood from forged addresses would take all memory, or keep everybody out.
#[test]
fn half_open_flood_of_100_000_keeps_memory_bounded_and_lets_a_friend_in() {
    let mut net = Net::new(vec![fast(1), fast(2)], 13);
    let mut sent = 0;
    for index in 0..100_000u32 {
        let [_, b, c, d] = index.to_be_bytes();
        let source = IpAddr::V4(Ipv4Addr::new(10, b, c, d));
        let message = init_request(u64::from(index) + 1, vec![9; 32], vec![1; 32]);
        sent += inject(&mut net, 1, source, &message.encode()).len();
        if index == 50_000 {
            net.connect(0, 1);
        }
        if index % 1000 == 0 {
            net.run(Duration::from_millis(10));
        }
    }
    let stats = *net.nodes[1].endpoint.stats();
    let threshold = u64::try_from(net.nodes[1].endpoint.config().limits.cookie_threshold).unwrap();
    assert!(stats.half_open <= threshold, "{stats:?}");
    assert!(stats.cookies_sent >= 99_000, "{stats:?}");
    assert_eq!(stats.drops.cookie, stats.cookies_sent);
    assert!(sent <= 100_000, "never more answers than questions");
    net.run_secs(3);
    assert!(net.both_ways(0, 1), "a friend returns the cookie and gets in during the flood");
    net.run_secs(60);
    assert_eq!(net.nodes[1].endpoint.stats().half_open, 0, "strangers are forgotten");
}

/// One address could take all places of strangers.
#[test]
fn half_open_limits_per_source_and_in_all() {
    let mut config = fast(2);
    config.limits.cookie_threshold = 10_000;
    config.limits.half_open = 50;
    let mut net = Net::new(vec![fast(1), config], 14);
    for index in 0..100u64 {
        inject(&mut net, 1, ip(7), &init_request(index + 1, vec![9; 32], vec![1; 32]).encode());
    }
    assert_eq!(net.nodes[1].endpoint.stats().half_open, 10);
    assert_eq!(net.nodes[1].endpoint.stats().drops.source_limit, 90);
    for index in 0..100u8 {
        inject(&mut net, 1, ip(100 + index), &init_request(1000, vec![9; 32], vec![1; 32]).encode());
    }
    assert_eq!(net.nodes[1].endpoint.stats().half_open, 50);
    assert_eq!(net.nodes[1].endpoint.stats().drops.half_open_limit, 60);
}

/// A cookie that anybody can use shows nothing.
#[test]
fn cookies_are_demanded_bound_to_the_source_and_expire() {
    let mut config = guide(2);
    config.limits.cookie_threshold = 0;
    let mut net = Net::new(vec![guide(1), config], 15);
    net.connect(0, 1);
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
    assert_eq!(net.log.len(), 6);
    let retry = net.log[2].bytes.clone();
    assert!(matches!(Message::decode(&retry).unwrap().payloads.first(),
        Some(Payload::Notify(notify)) if notify.notify_type == NotifyType::COOKIE));
    let sent = inject(&mut net, 1, ip(77), &retry);
    assert_eq!(notify_of(&sent[0]), NotifyType::COOKIE, "the cookie of another source is worth nothing");
    net.run_secs(200);
    let sent = inject(&mut net, 1, ip(1), &init_request(77, vec![9; 32], vec![1; 32]).encode());
    assert_eq!(notify_of(&sent[0]), NotifyType::COOKIE);
}

/// We would be a loudspeaker towards a forged address.
#[test]
fn answers_to_strangers_are_rate_limited() {
    let mut net = Net::new(vec![fast(1), fast(2)], 16);
    let mut answers = 0;
    for index in 0..10_000u64 {
        let message = Message {
            header: header(index + 1, index + 2, ExchangeType::INFORMATIONAL, FLAG_INITIATOR, 5),
            payloads: vec![],
            sealed: Some(Sealed {
                first: PayloadType::NONE,
                fragment: None,
                body_offset: 32,
                body: vec![0; 64],
            }),
        };
        answers += inject(&mut net, 1, ip(7), &message.encode()).len();
    }
    assert_eq!(answers, 50);
}

/// swanny ends at number 7 of 1; libreswan CVE-2026-12413 and strongSwan CVE-2013-6076 kept what nobody had authenticated.
#[test]
fn unauthenticated_fragments_are_not_buffered_and_do_not_panic() {
    let mut net = up(17);
    let sa = net.nodes[1].endpoint.peers().next().unwrap().ike_sas[0].clone();
    for (number, total) in [(7, 1), (1, 1), (0, 0), (0, 9), (1, 65_535), (65_535, 65_535), (2, 3)] {
        for message_id in 2..8 {
            let message = Message {
                header: header(sa.spi_i, sa.spi_r, ExchangeType::INFORMATIONAL, FLAG_INITIATOR, message_id),
                payloads: vec![],
                sealed: Some(Sealed {
                    first: PayloadType::NONE,
                    fragment: Some((number, total)),
                    body_offset: 36,
                    body: vec![0; 64],
                }),
            };
            assert!(inject(&mut net, 1, ip(1), &message.encode()).is_empty());
        }
    }
    let drops = net.nodes[1].endpoint.stats().drops;
    assert_eq!(drops.fragment, 0, "none got past the integrity check: {drops:?}");
    let peer = net.peer(0);
    net.input(0, Input::CheckLiveness { peer });
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
}

/// Whoever has one IPv6 address has 2^64 of them.
#[test]
fn an_ipv6_prefix_is_one_source() {
    let mut config = ikev2::Config::new("2001:db8::1".parse().unwrap());
    config.profiles.push(ikev2::Profile::new("P", ikev2::Keyring::any("a long secret")));
    config.profiles[0].proposals[0].groups = vec![Group::Curve25519];
    let mut net = Net::new(vec![config], 50);
    for index in 0..100u64 {
        let from: IpAddr = format!("2001:db8:1:1::{index:x}").parse().unwrap();
        inject(&mut net, 0, from, &init_request(index + 1, vec![9; 32], vec![1; 32]).encode());
    }
    assert_eq!(net.nodes[0].endpoint.stats().half_open, 10);
    inject(
        &mut net,
        0,
        "2001:db8:1:2::1".parse().unwrap(),
        &init_request(1, vec![9; 32], vec![1; 32]).encode(),
    );
    assert_eq!(net.nodes[0].endpoint.stats().half_open, 11);
}
