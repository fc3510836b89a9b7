//! The exact texts of the NHRP views.

use super::*;
use crate::views::PathState;
use crate::views::golden::{hub_cache, ip, s, spoke_cache};

#[test]
fn cache_with_the_spacing_of_ios() {
    assert_eq!(
        hub_cache().to_string(),
        "10.0.0.11/32 via 10.0.0.11
   Tunnel0 created 00:03:12, expire 00:04:47
   Type: dynamic, Flags: registered nhop
   NBMA address: 198.51.100.1
10.0.0.12/32 via 10.0.0.12
   Tunnel0 created 00:02:55, expire 00:05:04
   Type: dynamic, Flags: registered nhop
   NBMA address: 198.51.100.2
"
    );
}

#[test]
fn cache_in_detail() {
    assert_eq!(
        spoke_cache().to_string(),
        "10.0.0.1/32 via 10.0.0.1
   Tunnel0 created 00:05:01, never expire
   Type: static, Flags: used nhop
   NBMA address: 203.0.113.1
   Preference: 255
10.0.0.12/32 via 10.0.0.12
   Tunnel0 created 00:00:08, expire 00:01:51
   Type: dynamic, Flags: router nhop rib
   NBMA address: 198.51.100.2
   Preference: 255
   Direct path: proven
"
    );
}

/// Own, incomplete, NATed, IPv6: the entries of another form.
fn odd_cache(detail: bool) -> NhrpCache {
    let prefix = |text: &str| text.parse().unwrap();
    let mut local = NhrpEntry::new(prefix("10.0.0.11/32"), ip("10.0.0.11"), "Tunnel0", NhrpKind::Local);
    local.flags = vec![NhrpFlag::NoSocket, NhrpFlag::Local, NhrpFlag::Unique, NhrpFlag::Router];
    local.nbma = Some(ip("198.51.100.1"));
    local.created = s(42);
    local.requesters = vec![NhrpRequester { address: ip("10.0.0.12"), request_id: 97 }];
    let mut incomplete =
        NhrpEntry::new(prefix("10.0.0.13/32"), ip("10.0.0.13"), "Tunnel0", NhrpKind::Incomplete);
    incomplete.flags = vec![NhrpFlag::Negative];
    (incomplete.created, incomplete.expires, incomplete.cache_hits) = (s(3), Some(s(177)), 4);
    incomplete.path = Some(PathState::Resolving);
    let mut nated =
        NhrpEntry::new(prefix("2001:db8:c::/48"), ip("2001:db8::c"), "Tunnel10", NhrpKind::Dynamic);
    nated.flags = vec![NhrpFlag::Rib, NhrpFlag::Authoritative, NhrpFlag::Registered, NhrpFlag::Unique];
    (nated.nbma, nated.claimed_nbma) = (Some(ip("192.0.2.7")), Some(ip("10.1.1.7")));
    (nated.created, nated.expires) = (s(93_600), Some(s(2_160_000)));
    let bare = NhrpEntry::new(prefix("10.0.0.1/32"), ip("10.0.0.1"), "Tunnel0", NhrpKind::Static);
    NhrpCache { entries: vec![local, incomplete, nated, bare], detail }
}

#[test]
fn entries_of_another_form() {
    assert_eq!(
        odd_cache(true).to_string(),
        "10.0.0.11/32 via 10.0.0.11
   Tunnel0 created 00:00:42, never expire
   Type: static, Flags: router unique local
   NBMA address: 198.51.100.1
   Preference: 255
    (no-socket)
  Requester: 10.0.0.12 Request ID: 97
10.0.0.13/32
   Tunnel0 created 00:00:03, expire 00:02:57
   Type: incomplete, Flags: negative
   Cache hits: 4
   Direct path: resolving
2001:DB8:C::/48 via 2001:DB8::C
   Tunnel10 created 1d02h, expire 3w4d
   Type: dynamic, Flags: authoritative unique registered rib
   NBMA address: 192.0.2.7
    (Claimed NBMA address: 10.1.1.7)
   Preference: 255
10.0.0.1/32 via 10.0.0.1
   Tunnel0 created 00:00:00, never expire
   Type: static, Flags:
   Preference: 255
"
    );
    let text = odd_cache(false).to_string();
    for line in ["Preference", "Requester", "Direct path"] {
        assert!(!text.contains(line), "{line} is for detail");
    }
    assert!(text.contains("\n    (no-socket)\n"));
}

#[test]
fn flags_are_in_the_order_of_ios_each_once() {
    let mut cache = hub_cache();
    cache.entries.truncate(1);
    let printed = |flags: &[NhrpFlag], cache: &mut NhrpCache| {
        cache.entries[0].flags = flags.to_vec();
        let text = cache.to_string();
        text.lines().find_map(|line| line.split_once("Flags:")).map(|(_, flags)| flags.to_owned()).unwrap()
    };
    use NhrpFlag::*;
    assert_eq!(printed(&[Nhop, Used, Registered, Unique, Used], &mut cache), " unique registered used nhop");
    assert_eq!(printed(&[Nho, Rib, Implicit, Router], &mut cache), " router implicit rib nho");
    let all = [Used, Registered, Nat, Unique, Authoritative];
    assert_eq!(printed(&all, &mut cache), " authoritative unique nat registered used");
}

#[test]
fn brief_leaves_out_what_ios_leaves_out() {
    let mut cache = odd_cache(false);
    cache.entries.extend(hub_cache().entries);
    assert_eq!(
        cache.brief().to_string(),
        "****************************************************************************
    NOTE: Link-Local, No-socket and Incomplete entries are not displayed
****************************************************************************
Legend: Type --> S - Static, D - Dynamic
        Flags --> u - unique, r - registered, e - temporary, c - claimed
        a - authoritative, t - route
============================================================================

Intf     NextHop Address                                    NBMA Address
         Target Network                              T/Flag
-------- ------------------------------------------- ------ ----------------
Tu10     2001:DB8::C                                        192.0.2.7
         2001:DB8:C::/48                             D/urcat
Tu0      10.0.0.1
         10.0.0.1/32                                 S/
Tu0      10.0.0.11                                          198.51.100.1
         10.0.0.11/32                                D/r
Tu0      10.0.0.12                                          198.51.100.2
         10.0.0.12/32                                D/r
"
    );
}

fn servers(detail: bool) -> NhrpNhs {
    let mut first = NhsEntry::new(ip("10.0.0.1"));
    first.state = NhsState::Responding;
    first.nbma = Some(ip("203.0.113.1"));
    (first.requests_sent, first.replies_received, first.last_reply) = (105_434, 105_430, Some(s(49)));
    (first.request_id, first.acknowledged_id) = (Some(35_914), Some(35_914));
    first.protection_requested = true;
    let mut second = NhsEntry::new(ip("10.0.0.2"));
    (second.priority, second.cluster, second.requests_sent, second.requests_failed) = (10, 1, 7, 7);
    second.request_id = Some(57);
    second.refused = Some("unique internetworking layer address already registered".to_owned());
    let mut third = NhsEntry::new(ip("10.1.0.1"));
    (third.state, third.dynamic) = (NhsState::Waiting, true);
    let pending = |request_id, due| PendingRegistration {
        request_id,
        retry: s(64),
        nhs: ip("10.0.0.2"),
        due,
        interface: "Tunnel0".to_owned(),
    };
    NhrpNhs {
        interfaces: vec![
            NhsInterface { interface: "Tunnel0".to_owned(), servers: vec![first, second] },
            NhsInterface { interface: "Tunnel1".to_owned(), servers: vec![third] },
        ],
        pending: vec![pending(57, None), pending(58, Some(s(12)))],
        detail,
    }
}

#[test]
fn servers_in_short_and_in_detail() {
    assert_eq!(
        servers(false).to_string(),
        "Legend: E=Expecting replies, R=Responding, W=Waiting, D=Dynamic
Tunnel0:
10.0.0.1  RE NBMA Address: 203.0.113.1 priority = 0 cluster = 0
10.0.0.2   E priority = 10 cluster = 1

Tunnel1:
10.1.0.1  WD priority = 0 cluster = 0
"
    );
    assert_eq!(
        servers(true).to_string(),
        "Legend: E=Expecting replies, R=Responding, W=Waiting, D=Dynamic
Tunnel0:
10.0.0.1  RE NBMA Address: 203.0.113.1 priority = 0 cluster = 0  \
req-sent 105434  req-failed 0  repl-recv 105430 (00:00:49 ago)
 Current Request ID: 35914 (Ack: 35914)
 Protection Socket Requested: TRUE
10.0.0.2   E priority = 10 cluster = 1  req-sent 7  req-failed 7  repl-recv 0
 Current Request ID: 57
 Protection Socket Requested: FALSE
 Registration refused: unique internetworking layer address already registered

Tunnel1:
10.1.0.1  WD priority = 0 cluster = 0  req-sent 0  req-failed 0  repl-recv 0
 Protection Socket Requested: FALSE


Pending Registration Requests:
Registration Request: Reqid 57, Ret 64  NHS 10.0.0.2 expired (Tu0)
Registration Request: Reqid 58, Ret 64  NHS 10.0.0.2 expires in 00:00:12 (Tu0)
"
    );
}

#[test]
fn multicast_members() {
    let member = |nbma: &str, dynamic, enabled, dropped| NhrpMulticastMember {
        interface: "Tunnel0".to_owned(),
        nbma: ip(nbma),
        dynamic,
        enabled,
        dropped,
    };
    let view = NhrpMulticast {
        members: vec![
            member("203.0.113.1", false, true, 0),
            member("198.51.100.100", true, false, 3),
            member("2001:db8:1201::122", true, true, 0),
        ],
    };
    assert_eq!(
        view.to_string(),
        "  I/F     NBMA address
Tunnel0   203.0.113.1     Flags: static          (Enabled)
Tunnel0   198.51.100.100  Flags: dynamic         (Disabled) dropped 3
Tunnel0   2001:DB8:1201::122 Flags: dynamic         (Enabled)
"
    );
}

#[test]
fn traffic_with_drops_by_reason() {
    let sent = NhrpCounts {
        resolution_request: 69,
        resolution_reply: 73,
        registration_request: 5083,
        purge_request: 41,
        redirect_suppress: 9,
        ..NhrpCounts::default()
    };
    let received = NhrpCounts {
        resolution_request: 73,
        registration_reply: 5055,
        purge_reply: 2,
        error_indication: 1,
        traffic_indication: 40,
        ..NhrpCounts::default()
    };
    let mut traffic = NhrpInterfaceTraffic {
        interface: "Tunnel0".to_owned(),
        max_send: 10_000,
        max_send_interval: s(10),
        sent,
        received,
        dropped: vec![("authentication mismatch".to_owned(), 12), ("hop count".to_owned(), 0)],
        ..NhrpInterfaceTraffic::default()
    };
    let head = "Tunnel0: Max-send limit:10000Pkts/10Sec, Usage:0%
   Sent: Total 5266
         69 Resolution Request  73 Resolution Reply  5083 Registration Request
         0 Registration Reply  41 Purge Request  0 Purge Reply
         0 Error Indication  0 Traffic Indication  9 Redirect Suppress
   Rcvd: Total 5171
         73 Resolution Request  0 Resolution Reply  0 Registration Request
         5055 Registration Reply  0 Purge Request  2 Purge Reply
         1 Error Indication  40 Traffic Indication  0 Redirect Suppress
";
    let drops = "   Dropped: Total 12
         12 authentication mismatch
";
    let text = |traffic: &NhrpInterfaceTraffic| NhrpTraffic { interfaces: vec![traffic.clone()] }.to_string();
    assert_eq!(text(&traffic), format!("{head}{drops}"));
    traffic.dropped.clear();
    assert_eq!(text(&traffic), head);
    traffic.forwarded.resolution_request = u64::MAX;
    traffic.forwarded.resolution_reply = 1;
    assert!(text(&traffic).contains(&format!("   Fwd: Total {}\n", u64::MAX)), "totals do not wrap");
}
