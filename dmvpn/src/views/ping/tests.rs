//! The exact texts of ping and traceroute.

use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn reply(millis: u64) -> PingReply {
    PingReply::Reply(Duration::from_millis(millis))
}

#[test]
fn ping_that_loses_nothing() {
    let mut ping = Ping::new(address("192.168.12.1"));
    ping.source = Some(address("192.168.11.1"));
    ping.replies = [81, 81, 41, 40, 40].map(reply).to_vec();
    assert_eq!(
        ping.to_string(),
        "Type escape sequence to abort.\n\
         Sending 5, 100-byte ICMP Echos to 192.168.12.1, timeout is 2 seconds:\n\
         Packet sent with a source address of 192.168.11.1\n\
         !!!!!\n\
         Success rate is 100 percent (5/5), round-trip min/avg/max = 40/56/81 ms\n"
    );
}

#[test]
fn ping_that_loses_some_or_all() {
    let mut ping = Ping::new(address("2001:db8::1"));
    ping.dont_fragment = true;
    ping.replies = vec![
        PingReply::Timeout,
        PingReply::Unreachable,
        PingReply::FragmentationNeeded,
        PingReply::TtlExceeded,
        PingReply::Unknown,
    ];
    assert_eq!(
        ping.to_string(),
        "Type escape sequence to abort.\n\
         Sending 5, 100-byte ICMP Echos to 2001:DB8::1, timeout is 2 seconds:\n\
         Packet sent with the DF bit set\n\
         .UM&?\n\
         Success rate is 0 percent (0/5)\n"
    );
    ping.replies = vec![PingReply::Timeout, reply(7), reply(8)];
    assert!(
        ping.to_string()
            .ends_with(".!!\nSuccess rate is 66 percent (2/3), round-trip min/avg/max = 7/7/8 ms\n")
    );
    ping.replies.clear();
    assert!(
        ping.to_string()
            .ends_with("seconds:\nPacket sent with the DF bit set\nSuccess rate is 0 percent (0/0)\n")
    );
}

#[test]
fn a_lost_packet_among_many_never_counts_as_all() {
    let mut ping = Ping::new(address("192.168.12.1"));
    ping.replies = vec![reply(1); 999];
    ping.replies.push(PingReply::Timeout);
    assert_eq!(ping.success_rate(), 99);
    let text = ping.to_string();
    assert_eq!(text.lines().filter(|line| line.starts_with('!')).map(str::len).max(), Some(70));
    assert_eq!(text.lines().count(), 2 + 1000_usize.div_ceil(70) + 1);
}

#[test]
fn trace_with_silence_two_routers_and_an_error() {
    let at =
        |text, millis| TracerouteProbe::Reply { address: address(text), time: Duration::from_millis(millis) };
    let mut trace = Traceroute::new(address("192.168.12.1"));
    trace.hops = vec![
        TracerouteHop {
            ttl: 1,
            probes: vec![at("10.0.0.1", 20), TracerouteProbe::Timeout, at("10.0.0.1", 21)],
        },
        TracerouteHop { ttl: 2, probes: vec![TracerouteProbe::Timeout; 3] },
        TracerouteHop { ttl: 3, probes: vec![at("10.1.2.6", 148), at("10.1.1.6", 120), at("10.1.1.6", 132)] },
        TracerouteHop {
            ttl: 10,
            probes: vec![TracerouteProbe::Unreachable {
                address: address("10.1.1.6"),
                what: Unreachable::Prohibited,
            }],
        },
    ];
    assert_eq!(
        trace.to_string(),
        "Type escape sequence to abort.\n\
         Tracing the route to 192.168.12.1\n\
         VRF info: (vrf in name/id, vrf out name/id)\n  \
         1 10.0.0.1 20 msec  * 21 msec\n  \
         2  *  *  *\n  \
         3 10.1.2.6 148 msec\n    \
         10.1.1.6 120 msec 132 msec\n \
         10 10.1.1.6 !A\n"
    );
}
