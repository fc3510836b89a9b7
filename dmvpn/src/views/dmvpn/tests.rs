//! The exact texts of `show dmvpn`.

use super::*;
use crate::views::NhsState;
use crate::views::golden::{hub_dmvpn, ip, s, spoke_sessions};

fn entry(address: &str, state: PeerState, since: Option<u64>, attributes: &[DmvpnAttribute]) -> DmvpnEntry {
    let tunnel_address = ip(address);
    let attributes = attributes.to_vec();
    DmvpnEntry { tunnel_address, state, since: since.map(s), attributes, target: IpNet::from(tunnel_address) }
}

#[test]
fn hub_with_the_spacing_of_ios() {
    assert_eq!(
        hub_dmvpn().to_string(),
        "Legend: Attrb --> S - Static, D - Dynamic, I - Incomplete
        N - NATed, L - Local, X - No Socket
        T1 - Route Installed, T2 - Nexthop-override
        C - CTS Capable, I2 - Temporary
        # Ent --> Number of NHRP entries with same NBMA peer
        NHS Status: E --> Expecting Replies, R --> Responding, W --> Waiting
        UpDn Time --> Up or Down Time for a Tunnel
==========================================================================

Interface: Tunnel0, IPv4 NHRP Details
Type:Hub, NHRP Peers:2,

 # Ent  Peer NBMA Addr Peer Tunnel Add State  UpDn Tm Attrb
 ----- --------------- --------------- ----- -------- -----
     1 198.51.100.1          10.0.0.11    UP 00:12:44     D
     1 198.51.100.2          10.0.0.12    UP 00:12:31     D
"
    );
}

/// Peers of every kind on one tunnel.
fn odd_peers() -> Vec<DmvpnPeer> {
    use DmvpnAttribute::*;
    let peer = |nbma: Option<&str>, entries| DmvpnPeer { nbma: nbma.map(ip), entries };
    vec![
        peer(Some("203.0.113.1"), vec![entry("10.0.0.1", PeerState::Ike, Some(2_246_400), &[Static])]),
        peer(
            Some("198.51.100.134"),
            vec![
                entry("172.30.172.172", PeerState::Up, Some(561_600), &[NexthopOverride, Dynamic, Dynamic]),
                entry("192.168.200.200", PeerState::Up, Some(1780), &[RouteInstalled, Dynamic, Nated]),
            ],
        ),
        peer(Some("2001:db8:1201::122"), vec![entry("10.0.0.9", PeerState::Ipsec, Some(139), &[Dynamic])]),
        peer(None, vec![entry("10.0.0.30", PeerState::Nhrp, None, &[NoSocket, Incomplete])]),
    ]
}

#[test]
fn peers_of_every_kind_stay_in_their_columns() {
    let mut interface = DmvpnInterface::new("Tunnel90", DmvpnRole::HubSpoke);
    interface.peers = odd_peers();
    let text = Dmvpn { interfaces: vec![interface], ..Dmvpn::default() }.to_string();
    let (_, table) = text.split_once("=\n").unwrap();
    assert_eq!(
        table,
        "
Interface: Tunnel90, IPv4 NHRP Details
Type:Hub/Spoke, NHRP Peers:4,

 # Ent  Peer NBMA Addr Peer Tunnel Add State  UpDn Tm Attrb
 ----- --------------- --------------- ----- -------- -----
     1 203.0.113.1            10.0.0.1   IKE     3w5d     S
     2 198.51.100.134   172.30.172.172    UP    6d12h   DT2
                       192.168.200.200    UP 00:29:40  DNT1
     1 2001:DB8:1201::122
                              10.0.0.9 IPSEC 00:02:19     D
     1 UNKNOWN               10.0.0.30  NHRP    never    IX
"
    );
}

#[test]
fn detail_of_a_spoke() {
    let mut interface = DmvpnInterface::new("Tunnel0", DmvpnRole::Spoke);
    interface.tunnel_address = Some(ip("10.0.0.11"));
    interface.source = Some(ip("198.51.100.1"));
    interface.protection = Some("DMVPN-IPSEC-PROFILE".to_owned());
    let mut server = NhsEntry::new(ip("10.0.0.1"));
    server.state = NhsState::Responding;
    interface.nhs = vec![server];
    interface.peers = odd_peers();
    let mut sessions = spoke_sessions().sessions;
    sessions.truncate(1);
    sessions[0].problem = Some("the last rekey was not answered".to_owned());
    let pending = vec![("Tunnel0".to_owned(), ip("198.51.100.3"))];
    let text = Dmvpn { interfaces: vec![interface], sessions, pending, detail: true }.to_string();
    let (_, detail) = text.split_once("=\n").unwrap();
    assert_eq!(
        detail,
        "
Interface Tunnel0 is up/up, Addr. is 10.0.0.11, VRF \"\"
   Tunnel Src./Dest. addr: 198.51.100.1/Multipoint, Tunnel VRF \"\"
   Protocol/Transport: \"multi-GRE/IP\", Protect \"DMVPN-IPSEC-PROFILE\"
   Interface State Control: Disabled
   nhrp event-publisher : Disabled

IPv4 NHS:
10.0.0.1  RE priority = 0 cluster = 0
Type:Spoke, Total NBMA Peers (v4/v6): 4

# Ent  Peer NBMA Addr Peer Tunnel Add State  UpDn Tm Attrb    Target Network
----- --------------- --------------- ----- -------- ----- -----------------
    1 203.0.113.1            10.0.0.1   IKE     3w5d     S        10.0.0.1/32
    2 198.51.100.134   172.30.172.172    UP    6d12h   DT2  172.30.172.172/32
      198.51.100.134  192.168.200.200    UP 00:29:40  DNT1 192.168.200.200/32
    1 2001:DB8:1201::122
                             10.0.0.9 IPSEC 00:02:19     D        10.0.0.9/32
    1 UNKNOWN               10.0.0.30  NHRP    never    IX       10.0.0.30/32


Crypto Session Details:
--------------------------------------------------------------------------------

Interface: Tunnel0
Session: [0x00000001]
  Session ID: 1
  IKEv2 SA: local 198.51.100.1/500 remote 203.0.113.1/500 Active
          Capabilities:DF connid:1 lifetime:23:59:18
  Crypto Session Status: UP-ACTIVE
  Problem: the last rekey was not answered
  fvrf: (none),\tPhase1_id: 203.0.113.1
  IPSEC FLOW: permit 47 host 198.51.100.1 host 203.0.113.1
        Active SAs: 2, origin: crypto map
        Inbound:  #pkts dec'ed 12 drop 1 life (KB/Sec) 4607998/3559
        Outbound: #pkts enc'ed 14 drop 0 life (KB/Sec) KB Vol Rekey Disabled/3559
   Outbound SPI : 0x 623029E, transform : esp-256-aes esp-sha256-hmac
    Socket State: Open

Pending DMVPN Sessions:

Interface: Tunnel0
  Peer: 198.51.100.3
"
    );
}

#[test]
fn overlay_of_ipv6_has_its_own_form() {
    let mut interface = DmvpnInterface::new("Tunnel1", DmvpnRole::Hub);
    interface.tunnel_address = Some(ip("fd00:192::1"));
    interface.enabled = false;
    interface.up = false;
    interface.peers = vec![DmvpnPeer {
        nbma: Some(ip("2001:db8:1201::122")),
        entries: vec![entry("fd00:192::1201", PeerState::Up, Some(159), &[DmvpnAttribute::Dynamic])],
    }];
    let mut view = Dmvpn { interfaces: vec![interface], ..Dmvpn::default() };
    let peers = "Type:Hub, Total NBMA Peers (v4/v6): 1
    1.Peer NBMA Address: 2001:DB8:1201::122
        Tunnel IPv6 Address: FD00:192::1201
        IPv6 Target Network: FD00:192::1201/128
        # Ent: 1, Status: UP, UpDn Time: 00:02:39, Cache Attrib: D
";
    let text = view.to_string();
    assert_eq!(
        text.split_once("=\n").unwrap().1,
        format!("\nInterface: Tunnel1, IPv6 NHRP Details\n{peers}")
    );
    view.detail = true;
    let text = view.to_string();
    assert!(text.contains("\nInterface Tunnel1 is down/down, Addr. is FD00:192::1, VRF \"\"\n"));
    assert!(text.contains("addr: unassigned/Multipoint, Tunnel VRF"));
    assert!(text.contains(peers));
}

#[test]
fn tunnel_to_one_peer_is_not_multipoint() {
    let mut interface = DmvpnInterface::new("Tunnel0", DmvpnRole::Spoke);
    interface.source = Some(ip("2001:db8::11"));
    interface.destination = Some(ip("2001:db8::1"));
    let text = Dmvpn { interfaces: vec![interface], detail: true, ..Dmvpn::default() }.to_string();
    assert!(text.contains("   Tunnel Src./Dest. addr: 2001:DB8::11/2001:DB8::1, Tunnel VRF \"\"\n"));
    assert!(text.contains("   Protocol/Transport: \"GRE/IPv6\", Protect \"\"\n"));
    assert!(text.ends_with("\nPending DMVPN Sessions:\n"));
}
