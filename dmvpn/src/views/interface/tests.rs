//! The exact texts of `show interface`.

use super::*;
use crate::views::golden::{ip, s};

fn tunnel() -> Interface {
    let mut interface = Interface::new("Tunnel0", 1400);
    interface.description = Some("DMVPN-PHASE2-HUB".to_owned());
    interface.address = Some("10.0.0.1/24".parse().unwrap());
    interface.tunnel = Some(TunnelDetails {
        source: Some(ip("203.0.113.1")),
        source_interface: Some("GigabitEthernet0/0/0".to_owned()),
        key: Some(100),
        ttl: 255,
        transport_mtu: 1472,
        adjust_mss: Some(1360),
        protection: Some("DMVPN-IPSEC-PROFILE".to_owned()),
        ..TunnelDetails::default()
    });
    interface.counters = InterfaceCounters {
        last_input: Some(s(1)),
        last_output: Some(s(0)),
        input_drops: 3,
        output_drops: 4,
        input_bits: 2000,
        input_rate: 3,
        output_bits: 1000,
        output_rate: 2,
        input_packets: 131,
        input_bytes: 13_100,
        input_multicasts: 22,
        input_errors: 1,
        output_packets: 144,
        output_bytes: 14_400,
        output_multicasts: 33,
        output_errors: 2,
        unknown_protocol: 5,
        ..InterfaceCounters::default()
    };
    interface.drops = vec![
        ("no route".to_owned(), 4),
        ("ESP replayed or too old".to_owned(), 0),
        ("malformed GRE".to_owned(), 3),
    ];
    interface
}

#[test]
fn tunnel_with_the_spacing_of_ios() {
    assert_eq!(
        tunnel().to_string(),
        "Tunnel0 is up, line protocol is up
  Hardware is Tunnel
  Description: DMVPN-PHASE2-HUB
  Internet address is 10.0.0.1/24
  MTU 1400 bytes, BW 100 Kbit/sec, DLY 50000 usec,
     reliability 255/255, txload 1/255, rxload 1/255
  Encapsulation TUNNEL, loopback not set
  Keepalive not set
  Tunnel linestate evaluation up
  Tunnel source 203.0.113.1 (GigabitEthernet0/0/0)
  Tunnel protocol/transport multi-GRE/IP
    Key 0x64, sequencing disabled
    Checksumming of packets disabled
  Tunnel TTL 255, Fast tunneling enabled
  Tunnel transport MTU 1472 bytes
  Tunnel TCP adjust-mss 1360 bytes
  Tunnel protection via IPSec (profile \"DMVPN-IPSEC-PROFILE\")
  Last input 00:00:01, output 00:00:00, output hang never
  Last clearing of \"show interface\" counters never
  Input queue: 0/375/3/0 (size/max/drops/flushes); Total output drops: 4
  Queueing strategy: fifo
  Output queue: 0/0 (size/max)
  5 minute input rate 2000 bits/sec, 3 packets/sec
  5 minute output rate 1000 bits/sec, 2 packets/sec
     131 packets input, 13100 bytes, 0 no buffer
     Received 0 broadcasts (22 IP multicasts)
     0 runts, 0 giants, 0 throttles
     1 input errors, 0 CRC, 0 frame, 0 overrun, 0 ignored, 0 abort
     144 packets output, 14400 bytes, 0 underruns
     Output 0 broadcasts (33 IP multicasts)
     2 output errors, 0 collisions, 0 interface resets
     5 unknown protocol drops
     0 output buffer failures, 0 output buffers swapped out
  Drops by reason: 7
     4 no route
     3 malformed GRE
"
    );
}

#[test]
fn tunnel_that_is_down_says_why() {
    let mut interface = tunnel();
    interface.up = false;
    interface.drops.clear();
    let details = interface.tunnel.as_mut().unwrap();
    details.down_because = Some("no output interface".to_owned());
    details.source_interface = None;
    details.source = Some(ip("2001:db8::1"));
    details.destination = Some(ip("2001:db8::2"));
    details.key = None;
    (details.sequencing, details.checksum, details.protection_shared) = (true, true, true);
    details.adjust_mss = None;
    let text = interface.to_string();
    assert!(text.starts_with("Tunnel0 is down, line protocol is down\n"));
    assert!(text.contains(
        "  Tunnel linestate evaluation down - no output interface
  Tunnel source 2001:DB8::1, destination 2001:DB8::2
  Tunnel protocol/transport GRE/IPv6
    Key disabled, sequencing enabled
    Checksumming of packets enabled
  Tunnel TTL 255, Fast tunneling enabled
  Tunnel transport MTU 1472 bytes
  Tunnel protection via IPSec (profile \"DMVPN-IPSEC-PROFILE\" shared)
  Last input 00:00:01"
    ));
    assert!(text.ends_with("output buffers swapped out\n"), "no drops, no heading for them");
}

#[test]
fn tunnel_that_is_shut_down() {
    let mut interface = tunnel();
    interface.enabled = false;
    interface.tunnel.as_mut().unwrap().source = None;
    interface.tunnel.as_mut().unwrap().source_interface = None;
    let text = interface.to_string();
    assert!(text.starts_with("Tunnel0 is administratively down, line protocol is down\n"));
    assert!(text.contains("\n  Tunnel source unknown\n"));
}

#[test]
fn lan_has_no_lines_of_a_tunnel() {
    let text = Interface::new("GigabitEthernet0/0/1", 1500).to_string();
    assert!(
        text.starts_with(
            "GigabitEthernet0/0/1 is up, line protocol is up\n  Hardware is Ethernet\n  MTU 1500"
        )
    );
    assert!(text.contains("\n  Encapsulation ARPA, loopback not set\n  Last input never, output never"));
    assert!(!text.contains("Tunnel"));
}
