//! One configuration that is right, and what is said when one line of it is changed.

use crate::config::{Rule, Severity, ios};

const SPOKE: &str = include_str!("../../../tests/data/guide/spoke1.cfg");
const HUB: &str = include_str!("../../../tests/data/guide/hub1.cfg");

/// What is said beyond what is said of the file as it is.
fn beyond(text: &str, from: &str, to: &str) -> Vec<(Severity, Rule)> {
    let changed = text.replace(from, to);
    assert_ne!(changed, text, "'{from}' is in the file");
    let parsed = ios::parse("t", &changed);
    assert!(!parsed.has_errors(), "{:?}", parsed.diagnostics);
    let known: Vec<String> =
        ios::parse("t", text).config.validate().into_iter().map(|one| one.message).collect();
    let found = parsed.config.validate().into_iter().filter(|one| !known.contains(&one.message));
    found.map(|one| (one.severity, one.rule)).collect()
}

#[track_caller]
fn spoke(from: &str, to: &str, expected: &[(Severity, Rule)]) {
    assert_eq!(beyond(SPOKE, from, to), expected, "'{from}' -> '{to}'");
}

#[track_caller]
fn hub(from: &str, to: &str, expected: &[(Severity, Rule)]) {
    assert_eq!(beyond(HUB, from, to), expected, "'{from}' -> '{to}'");
}

const ERROR: Severity = Severity::Error;
const WARNING: Severity = Severity::Warning;
const NOTE: Severity = Severity::Note;

#[test]
fn names_that_are_not_defined() {
    let unused = [(NOTE, Rule::UnusedName), (ERROR, Rule::UnresolvedName)];
    spoke("\n proposal DMVPN-PROP", "\n proposal OTHER", &unused);
    spoke("keyring local DMVPN-KEYRING", "keyring local OTHER", &unused);
    spoke("set transform-set DMVPN-TS", "set transform-set OTHER", &unused);
    spoke("set ikev2-profile DMVPN-IKEv2-PROFILE", "set ikev2-profile OTHER", &unused);
    spoke("protection ipsec profile DMVPN-IPSEC-PROFILE", "protection ipsec profile OTHER", &unused);
    spoke(
        "tunnel source GigabitEthernet0/0/0",
        "tunnel source GigabitEthernet0/0/7",
        &[(ERROR, Rule::UnresolvedName)],
    );
    spoke(
        "0.0.0.0 0.0.0.0 198.51.100.254",
        "0.0.0.0 0.0.0.0 GigabitEthernet0/0/7",
        &[(ERROR, Rule::UnresolvedName)],
    );
    spoke("router ospf 1", "router ospf 1\n passive-interface Vlan7", &[(WARNING, Rule::UnresolvedName)]);
    spoke(
        " ip ospf network",
        " ip ospf authentication key-chain K\n ip ospf network",
        &[(ERROR, Rule::UnresolvedName)],
    );
    spoke("hostname SPOKE1\n", "", &[(WARNING, Rule::Missing)]);
}

#[test]
fn what_a_tunnel_needs() {
    spoke(
        " ip address 10.0.0.11 255.255.255.0\n",
        "",
        &[
            (ERROR, Rule::Missing),
            (WARNING, Rule::Conflict),
            (WARNING, Rule::Missing),
            (NOTE, Rule::UnusedName),
        ],
    );
    spoke(" tunnel source GigabitEthernet0/0/0\n", "", &[(ERROR, Rule::Missing)]);
    spoke(" ip nhrp network-id 100\n", "", &[(ERROR, Rule::Missing)]);
    spoke(" tunnel mode gre multipoint\n", "", &[(ERROR, Rule::Missing)]);
    spoke(
        " tunnel key 100\n",
        " tunnel key 100\n tunnel destination 203.0.113.1\n",
        &[(ERROR, Rule::Conflict)],
    );
    spoke(" ip nhrp map 10.0.0.1 203.0.113.1\n", "", &[(ERROR, Rule::UnmappedNhs)]);
    spoke(" ip nhrp map multicast 203.0.113.1\n", "", &[(WARNING, Rule::Missing)]);
    hub(" ip nhrp map multicast dynamic\n", "", &[(WARNING, Rule::Missing)]);
    spoke("nhs 10.0.0.1", "nhs 10.0.0.11", &[(ERROR, Rule::UnmappedNhs), (ERROR, Rule::Conflict)]);
    spoke("nhs 10.0.0.1", "nhs 10.9.0.1 nbma 203.0.113.1", &[(WARNING, Rule::Conflict)]);
    spoke(" no ip redirects\n", "", &[(WARNING, Rule::Missing)]);
    spoke(
        " tunnel protection ipsec profile DMVPN-IPSEC-PROFILE\n",
        "",
        &[(NOTE, Rule::UnusedName), (WARNING, Rule::Weak)],
    );
    spoke(
        "ip address 192.168.11.1 255.255.255.0",
        "ip address 10.0.0.11 255.255.255.0",
        &[(ERROR, Rule::Conflict), (NOTE, Rule::UnusedName)],
    );
    spoke(
        "ip address 192.168.11.1 255.255.255.0",
        "ip address 10.0.0.130 255.255.255.128",
        &[(ERROR, Rule::Conflict), (NOTE, Rule::UnusedName)],
    );
    spoke(" description WAN\n", " description WAN\n shutdown\n", &[(WARNING, Rule::Conflict)]);
    spoke(" description DMVPN-PHASE2-SPOKE\n", " shutdown\n", &[]);
}

#[test]
fn timers_that_do_not_go_together() {
    let with = |line: &str| format!(" ip nhrp holdtime 300\n{line}");
    let hold = " ip nhrp holdtime 300\n";
    spoke(hold, &with(" ip nhrp registration timeout 100\n"), &[]);
    spoke(hold, &with(" ip nhrp registration timeout 200\n"), &[(WARNING, Rule::Timers)]);
    spoke(hold, &with(" ip nhrp registration timeout 300\n"), &[(ERROR, Rule::Timers)]);
    spoke(hold, " ip nhrp holdtime 20\n", &[(WARNING, Rule::Timers)]);
    hub(hold, &with(" ip nhrp registration timeout 60\n"), &[(NOTE, Rule::Timers)]);
    spoke(" ip ospf network", " ip ospf dead-interval 30\n ip ospf network", &[(ERROR, Rule::Timers)]);
    spoke(" ip ospf network", " ip ospf dead-interval 60\n ip ospf network", &[(WARNING, Rule::Timers)]);
    spoke(
        " ip ospf network",
        " ip ospf hello-interval 20000\n ip ospf network",
        &[(ERROR, Rule::OutOfRange)],
    );
}

#[test]
fn cryptography() {
    let missing = &[(ERROR, Rule::Missing)];
    spoke(" encryption aes-cbc-256\n", "", missing);
    spoke(" integrity sha256\n", "", missing);
    spoke(" group 14\n", "", missing);
    spoke(" integrity sha256\n", " integrity sha1\n", &[(WARNING, Rule::Weak)]);
    spoke(" encryption aes-cbc-256\n integrity sha256\n", " encryption aes-gcm-256\n prf sha256\n", &[]);
    spoke(
        " encryption aes-cbc-256\n",
        " encryption aes-gcm-256\n",
        &[(ERROR, Rule::Missing), (ERROR, Rule::Conflict)],
    );
    spoke(
        " encryption aes-cbc-256\n",
        " encryption aes-gcm-256 aes-cbc-256\n prf sha256\n",
        &[(ERROR, Rule::Conflict)],
    );
    spoke("  pre-shared-key local Sup3rS3cr3tDMVPN!\n", "", missing);
    spoke("  pre-shared-key remote Sup3rS3cr3tDMVPN!\n", "", missing);
    spoke("  address 0.0.0.0 0.0.0.0\n", "", missing);
    spoke(" match identity remote address 0.0.0.0\n", "", missing);
    spoke(" authentication local pre-share\n", "", missing);
    spoke(" keyring local DMVPN-KEYRING\n", "", &[(NOTE, Rule::UnusedName), (ERROR, Rule::Missing)]);
    spoke(" set transform-set DMVPN-TS\n", "", &[(NOTE, Rule::UnusedName), (ERROR, Rule::Missing)]);
    spoke(" mode transport\n", "", &[(WARNING, Rule::IpsecMode)]);
    spoke("esp-sha256-hmac", "esp-sha-hmac", &[(WARNING, Rule::Weak)]);
    spoke(
        " set transform-set",
        " set security-association replay disable\n set transform-set",
        &[(WARNING, Rule::Weak)],
    );
    spoke(" keyring local", " lifetime 3600\n keyring local", &[(NOTE, Rule::Timers)]);
}

#[test]
fn sizes() {
    let clamp = " ip nhrp nhs 10.0.0.1\n ip tcp adjust-mss 1360\n";
    spoke(clamp, " ip nhrp nhs 10.0.0.1\n ip tcp adjust-mss 1390\n", &[]);
    spoke(clamp, " ip nhrp nhs 10.0.0.1\n ip tcp adjust-mss 1391\n", &[(WARNING, Rule::Mss)]);
    spoke(clamp, " ip nhrp nhs 10.0.0.1\n", &[]);
    spoke("ip tcp adjust-mss 1360", "no ip tcp adjust-mss", &[(WARNING, Rule::Mss)]);
    spoke(clamp, " ip nhrp nhs 10.0.0.1\n ip tcp adjust-mss 1360\n ip mtu 1450\n", &[(WARNING, Rule::Mss)]);
    spoke(
        " description WAN\n",
        " description WAN\n mtu 1400\n",
        &[(WARNING, Rule::Mss), (WARNING, Rule::Mss)],
    );
}

/// The table of the encapsulations on a link of 1500 octets.
#[test]
fn what_the_encapsulation_leaves() {
    let mtu = |transforms: &str, mode: &str, key: bool| {
        let text = SPOKE.replace("esp-aes 256 esp-sha256-hmac", transforms).replace("mode transport", mode);
        let text = if key { text } else { text.replace(" tunnel key 100\n", "") };
        let config = ios::parse("t", &text).config;
        let (_, tunnel) = config.tunnels().next().expect("a tunnel");
        config.tunnel_mtu(tunnel)
    };
    let cases = [
        ("esp-aes 256 esp-sha256-hmac", 1430, 1434),
        ("esp-aes 128 esp-sha-hmac", 1430, 1434),
        ("esp-aes 256 esp-sha512-hmac", 1414, 1418),
        ("esp-gcm 256", 1438, 1442),
        ("esp-chacha20-poly1305", 1438, 1442),
    ];
    for (transforms, with_key, without_key) in cases {
        assert_eq!(mtu(transforms, "mode transport", true), with_key, "{transforms}");
        assert_eq!(mtu(transforms, "mode transport", false), without_key, "{transforms}");
        assert_eq!(mtu(transforms, "mode tunnel", true), with_key - 20, "{transforms}");
    }
}

#[test]
fn phases_and_ospf() {
    let network = " ip ospf network point-to-multipoint\n";
    spoke(network, "", &[(WARNING, Rule::OspfNetworkType)]);
    spoke(network, " ip ospf network broadcast\n", &[(WARNING, Rule::OspfNetworkType)]);
    spoke(network, " ip ospf network point-to-multipoint non-broadcast\n", &[]);
    hub(network, " ip nhrp redirect\n ip ospf network point-to-multipoint\n", &[(WARNING, Rule::Phase)]);
    spoke(network, " ip nhrp redirect\n ip ospf network point-to-multipoint\n", &[(WARNING, Rule::Phase)]);
    spoke(
        network,
        " ip ospf next-hop rfc2328\n ip ospf network point-to-multipoint\n",
        &[(WARNING, Rule::Phase)],
    );
    spoke(
        network,
        " ip ospf authentication\n ip ospf network point-to-multipoint\n",
        &[(ERROR, Rule::Missing)],
    );
    spoke(
        network,
        " ip ospf authentication message-digest\n ip ospf network point-to-multipoint\n",
        &[(ERROR, Rule::Missing)],
    );
    spoke(
        network,
        " ip ospf message-digest-key 1 md5 K\n ip ospf network point-to-multipoint\n",
        &[(WARNING, Rule::Conflict)],
    );
    spoke("router ospf 1\n", "router ospf 1\n passive-interface Tunnel0\n", &[(WARNING, Rule::Conflict)]);
    spoke(
        "router ospf 1\n",
        "router ospf 1\n network 198.51.100.0 0.0.0.255 area 0\n",
        &[(WARNING, Rule::Conflict)],
    );
    spoke("DMVPN2026", "DMVPN202", &[]);
}
