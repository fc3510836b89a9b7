//! The exact texts of the crypto views.

use super::*;
use crate::views::golden::{ip, s, spoke_ikev2, spoke_sessions};

#[test]
fn sessions_with_the_spacing_of_ios() {
    assert_eq!(
        spoke_sessions().to_string(),
        "Crypto session current status

Interface: Tunnel0
Profile: DMVPN-IKEv2-PROFILE
Uptime: 00:00:41
Session status: UP-ACTIVE
Peer: 203.0.113.1 port 500
  Session ID: 1
  IKEv2 SA: local 198.51.100.1/500 remote 203.0.113.1/500 Active
  IPSEC FLOW: permit 47 host 198.51.100.1 host 203.0.113.1
        Active SAs: 2, origin: crypto map

Interface: Tunnel0
Profile: DMVPN-IKEv2-PROFILE
Uptime: 00:00:08
Session status: UP-ACTIVE
Peer: 198.51.100.2 port 500
  Session ID: 2
  IKEv2 SA: local 198.51.100.1/500 remote 198.51.100.2/500 Active
  IPSEC FLOW: permit 47 host 198.51.100.1 host 198.51.100.2
        Active SAs: 2, origin: crypto map
"
    );
}

#[test]
fn sessions_in_detail() {
    let mut view = spoke_sessions();
    view.detail = true;
    view.sessions.truncate(1);
    assert_eq!(
        view.to_string(),
        "Crypto session current status

Code: C - IKE Configuration mode, D - Dead Peer Detection
K - Keepalives, N - NAT-traversal, T - cTCP encapsulation
X - IKE Extended Authentication, F - IKE Fragmentation
R - IKE Auto Reconnect, U - IKE Dynamic Route Update
S - SIP VPN

Interface: Tunnel0
Profile: DMVPN-IKEv2-PROFILE
Uptime: 00:00:41
Session status: UP-ACTIVE
Peer: 203.0.113.1 port 500 fvrf: (none) ivrf: (none)
      Phase1_id: 203.0.113.1
      Desc: (none)
  Session ID: 1
  IKEv2 SA: local 198.51.100.1/500 remote 203.0.113.1/500 Active
          Capabilities:DF connid:1 lifetime:23:59:18
  IPSEC FLOW: permit 47 host 198.51.100.1 host 203.0.113.1
        Active SAs: 2, origin: crypto map
        Inbound:  #pkts dec'ed 12 drop 1 life (KB/Sec) 4607998/3559
        Outbound: #pkts enc'ed 14 drop 0 life (KB/Sec) KB Vol Rekey Disabled/3559
"
    );
}

#[test]
fn session_that_is_down_and_one_over_ipv6() {
    let mut down = CryptoSession::new("Tunnel0", ip("203.0.113.1"));
    down.problem = Some("no proposal chosen".to_owned());
    let mut wide = CryptoSession::new("Tunnel1", ip("2001:db8:acad:1::2"));
    wide.status = SessionStatus::DownNegotiating;
    wide.session_id = 15;
    wide.ike = vec![SessionIke {
        local: (ip("2001:db8:acad:1::1"), 500),
        remote: (ip("2001:db8:acad:1::2"), 500),
        active: false,
        capabilities: Vec::new(),
        connection_id: 4,
        lifetime: s(0),
    }];
    let any = TrafficSelector { prefix: "::/0".parse().unwrap(), protocol: 0, port: 0 };
    wide.flows = vec![SessionFlow {
        local: any,
        remote: any,
        active_sas: 0,
        inbound: FlowCounters::default(),
        outbound: FlowCounters::default(),
        outbound_spi: None,
        transform: String::new(),
    }];
    let view = CryptoSessions { sessions: vec![down, wide], detail: false };
    assert_eq!(
        view.to_string(),
        "Crypto session current status

Interface: Tunnel0
Session status: DOWN
Peer: 203.0.113.1 port 500
  Problem: no proposal chosen

Interface: Tunnel1
Session status: DOWN-NEGOTIATING
Peer: 2001:DB8:ACAD:1::2 port 500
  Session ID: 15
  IKEv2 SA: local 2001:DB8:ACAD:1::1/500
          remote 2001:DB8:ACAD:1::2/500 Inactive
  IPSEC FLOW: permit ipv6 ::/0 ::/0
        Active SAs: 0, origin: crypto map
"
    );
}

#[test]
fn selectors_in_both_forms() {
    let net = TrafficSelector { prefix: "10.10.10.0/24".parse().unwrap(), protocol: 0, port: 0 };
    assert_eq!(net.to_string(), "(10.10.10.0/255.255.255.0/0/0)");
    assert_eq!((net.protocol_word(), net.words()), ("ip".to_owned(), "10.10.10.0 255.255.255.0".to_owned()));
    let host = TrafficSelector { port: 500, ..TrafficSelector::host(ip("2001:db8::1"), 17) };
    assert_eq!(host.to_string(), "(2001:DB8::1/128/17/500)");
    assert_eq!(
        (host.protocol_word(), host.words()),
        ("17".to_owned(), "host 2001:DB8::1 port 500".to_owned())
    );
}

#[test]
fn ikev2_in_detail() {
    assert_eq!(
        spoke_ikev2().to_string(),
        " IPv4 Crypto IKEv2  SA

Tunnel-id Local                 Remote                fvrf/ivrf            Status
1         198.51.100.1/4500     203.0.113.1/4500      none/none            READY
      Encr: AES-CBC, keysize: 256, PRF: SHA256, Hash: SHA256, DH Grp:14, Auth sign: PSK, Auth verify: PSK
      Life/Active Time: 86400/735 sec
      CE id: 0, Session-id: 1
      Status Description: Negotiation done
      Local spi: 000D3669857A0F82       Remote spi: E0419B1DB02DE6AE
      Local id: 198.51.100.1
      Remote id: 203.0.113.1
      Local req msg id:  3              Remote req msg id:  214
      Local next msg id: 3              Remote next msg id: 214
      Local req queued:  3              Remote req queued:  214
      Local window:      5              Remote window:      5
      DPD configured for 60 seconds, retry 3
      Fragmentation not  configured.
      Dynamic Route Update: disabled
      Extended Authentication not configured.
      NAT-T is enabled
      NAT-T is detected inside
      Cisco Trust Security SGT is disabled
      Initiator of SA : Yes

 IPv6 Crypto IKEv2  SA

"
    );
}

#[test]
fn ikev2_in_short_over_ipv6_with_a_combined_mode_cipher() {
    let mut view = spoke_ikev2();
    view.detail = false;
    let sa = &mut view.sas[0];
    (sa.local, sa.remote) = ((ip("2001:db8:1101::131"), 500), (ip("2001:db8:1201::122"), 500));
    (sa.integrity, sa.encryption, sa.group) = (None, "AES-GCM".to_owned(), 20);
    sa.fragmentation_mtu = Some(1272);
    assert_eq!(
        view.to_string(),
        " IPv4 Crypto IKEv2  SA

 IPv6 Crypto IKEv2  SA

Tunnel-id    fvrf/ivrf              Status
1          none/none             READY
Local  2001:DB8:1101::131/500
Remote  2001:DB8:1201::122/500
      Encr: AES-GCM, keysize: 256, PRF: SHA256, Hash: None, DH Grp:20, Auth sign: PSK, Auth verify: PSK
      Life/Active Time: 86400/735 sec
      CE id: 0, Session-id: 1
      Local spi: 000D3669857A0F82       Remote spi: E0419B1DB02DE6AE

"
    );
    view.detail = true;
    assert!(view.to_string().contains(
        "      IETF Std Fragmentation  enabled.\n      IETF Std Fragmentation MTU in use: 1272 bytes.\n"
    ));
}

fn ipsec_flow() -> IpsecFlow {
    let sa = |spi, id| IpsecSa {
        spi,
        transform: "esp-256-aes esp-sha256-hmac".to_owned(),
        mode: IpsecMode::Transport,
        udp: false,
        extended_sequence: false,
        connection_id: id,
        initiator: false,
        kilobytes: Some(4_607_999),
        lifetime: s(3191),
        iv_size: 16,
        replay_detection: true,
    };
    IpsecFlow {
        interface: "Tunnel0".to_owned(),
        local_address: ip("203.0.113.1"),
        peer: ip("198.51.100.1"),
        port: 500,
        local: TrafficSelector::host(ip("203.0.113.1"), 47),
        remote: TrafficSelector::host(ip("198.51.100.1"), 47),
        counters: IpsecCounters { encapsulated: 144, decapsulated: 131, ..IpsecCounters::default() },
        plaintext_mtu: 1458,
        path_mtu: 1500,
        underlay_interface: Some("GigabitEthernet0/0/0".to_owned()),
        pfs_group: None,
        inbound: vec![sa(0x658F_7C11, 2093)],
        outbound: vec![sa(0x397C_36EE, 2094)],
    }
}

#[test]
fn ipsec_sas() {
    let view = IpsecSas { flows: vec![ipsec_flow()] };
    assert_eq!(
        view.to_string(),
        "
interface: Tunnel0
    Crypto map tag: Tunnel0-head-0, local addr 203.0.113.1

   protected vrf: (none)
   local  ident (addr/mask/prot/port): (203.0.113.1/255.255.255.255/47/0)
   remote ident (addr/mask/prot/port): (198.51.100.1/255.255.255.255/47/0)
   current_peer 198.51.100.1 port 500
     PERMIT, flags={origin_is_acl,}
    #pkts encaps: 144, #pkts encrypt: 144, #pkts digest: 144
    #pkts decaps: 131, #pkts decrypt: 131, #pkts verify: 131
    #pkts compressed: 0, #pkts decompressed: 0
    #pkts not compressed: 0, #pkts compr. failed: 0
    #pkts not decompressed: 0, #pkts decompress failed: 0
    #send errors 0, #recv errors 0

     local crypto endpt.: 203.0.113.1, remote crypto endpt.: 198.51.100.1
     plaintext mtu 1458, path mtu 1500, ip mtu 1500, ip mtu idb GigabitEthernet0/0/0
     current outbound spi: 0x397C36EE(964441838)
     PFS (Y/N): N, DH group: none

     inbound esp sas:
      spi: 0x658F7C11(1703902225)
        transform: esp-256-aes esp-sha256-hmac ,
        in use settings ={Transport, }
        conn id: 2093, flow_id: SW:2093, sibling_flags 0, crypto map: Tunnel0-head-0, initiator : False
        sa timing: remaining key lifetime (k/sec): (4607999/3191)
        IV size: 16 bytes
        replay detection support: Y
        Status: ACTIVE(ACTIVE)

     inbound ah sas:

     inbound pcp sas:

     outbound esp sas:
      spi: 0x397C36EE(964441838)
        transform: esp-256-aes esp-sha256-hmac ,
        in use settings ={Transport, }
        conn id: 2094, flow_id: SW:2094, sibling_flags 0, crypto map: Tunnel0-head-0, initiator : False
        sa timing: remaining key lifetime (k/sec): (4607999/3191)
        IV size: 16 bytes
        replay detection support: Y
        Status: ACTIVE(ACTIVE)

     outbound ah sas:

     outbound pcp sas:
"
    );
}

#[test]
fn flows_of_one_tunnel_share_a_heading_and_errors_are_told_apart() {
    let mut second = ipsec_flow();
    second.peer = ip("198.51.100.2");
    second.pfs_group = Some(14);
    second.outbound.clear();
    second.counters.receive_errors = 5;
    (second.counters.replayed, second.counters.forged) = (3, 2);
    for sa in &mut second.inbound {
        (sa.udp, sa.extended_sequence, sa.kilobytes) = (true, true, None);
    }
    let mut other = ipsec_flow();
    other.interface = "Tunnel1".to_owned();
    let text = IpsecSas { flows: vec![ipsec_flow(), second, other] }.to_string();
    assert_eq!(text.matches("\ninterface: Tunnel0\n").count(), 1);
    assert_eq!(text.matches("\ninterface: Tunnel1\n").count(), 1);
    for lines in [
        "    #send errors 0, #recv errors 5\n    #pkts replay failed (rcv): 3\n    #pkts verify failed: 2\n",
        "     current outbound spi: 0x0(0)\n     PFS (Y/N): Y, DH group: group14\n",
        "        in use settings ={Transport UDP-Encaps, esn}\n",
        "(sec): 3191\n        Kilobyte Volume Rekey has been disabled\n        IV size: 16 bytes\n",
    ] {
        assert_eq!(text.matches(lines).count(), 1, "{lines}");
    }
}
