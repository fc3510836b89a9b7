//! The guide's configuration files: what they mean, and what is said about them.

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

use dmvpn::config::ios::{self, Parsed};
use dmvpn::config::{
    AreaId, Config, EspEncryption, EspIntegrity, Group, Hash, IdentityMatch, IkeEncryption, Interface,
    InterfaceAddress, Line, Mode, NextHopMode, OspfNetworkType, Rule, Severity, Tunnel, TunnelMode,
    TunnelSource,
};

const FILES: [(&str, &str); 7] = [
    ("hub1.cfg", include_str!("data/guide/hub1.cfg")),
    ("hub2.cfg", include_str!("data/guide/hub2.cfg")),
    ("spoke1.cfg", include_str!("data/guide/spoke1.cfg")),
    ("spoke2.cfg", include_str!("data/guide/spoke2.cfg")),
    ("spoke2-pasted.cfg", include_str!("data/guide/spoke2-pasted.cfg")),
    ("spoke1-dual-hub.cfg", include_str!("data/guide/spoke1-dual-hub.cfg")),
    ("spoke2-dual-hub.cfg", include_str!("data/guide/spoke2-dual-hub.cfg")),
];

fn text(name: &str) -> &'static str {
    FILES.iter().find(|(file, _)| *file == name).map(|(_, text)| *text).expect("a file of the guide")
}

fn read(name: &str) -> Config {
    let Parsed { config, diagnostics } = ios::parse(name, text(name));
    assert_eq!(diagnostics, [], "{name}");
    config
}

fn tunnel<'c>(config: &'c Config, name: &str) -> (&'c Interface, &'c Tunnel) {
    let interface = config.interface(name).expect("the interface");
    (interface, interface.tunnel.as_ref().expect("a tunnel"))
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn ip4(text: &str) -> Ipv4Addr {
    text.parse().expect("an address")
}

fn said(config: &Config) -> Vec<String> {
    config.validate().iter().map(ToString::to_string).collect()
}

#[test]
fn every_line_of_every_file_is_understood() {
    for (name, text) in FILES {
        assert_eq!(ios::parse(name, text).diagnostics, [], "{name}");
    }
}

#[test]
fn hub1_means_what_the_guide_says() {
    let config = read("hub1.cfg");
    assert_eq!(config.hostname, "HUB1");

    let [keyring] = config.keyrings.as_slice() else { panic!("one keyring") };
    let [peer] = keyring.peers.as_slice() else { panic!("one peer") };
    assert_eq!((keyring.name.as_str(), peer.name.as_str()), ("DMVPN-KEYRING", "ANY"));
    assert_eq!(peer.address.map(|net| net.to_string()).as_deref(), Some("0.0.0.0/0"));
    for key in [&peer.local_key, &peer.remote_key] {
        assert_eq!(key.as_ref().map(|key| key.expose()), Some(&b"Sup3rS3cr3tDMVPN!"[..]));
    }

    let [proposal] = config.ike_proposals.as_slice() else { panic!("one proposal") };
    assert_eq!(proposal.encryption, [IkeEncryption::AesCbc256]);
    assert_eq!(proposal.integrity, [Hash::Sha256]);
    assert_eq!(proposal.effective_prf(), [Hash::Sha256]);
    assert_eq!(proposal.groups, [Group::G14]);
    assert_eq!(config.proposals_for(ip("203.0.113.1")), config.ike_proposals);

    let profile = config.ike_profile("DMVPN-IKEv2-PROFILE").expect("the profile");
    assert_eq!(profile.match_remote, [IdentityMatch::Address("0.0.0.0/0".parse().expect("a prefix"))]);
    assert!(profile.local_pre_share && profile.remote_pre_share);
    assert_eq!(profile.keyring.as_deref(), Some("DMVPN-KEYRING"));
    assert_eq!(profile.lifetime, Duration::from_secs(86_400));
    let (local, remote) = config.pre_shared_keys(profile, ip("198.51.100.1"), None);
    assert!(local.is_some() && local == remote);

    let set = config.transform_set("DMVPN-TS").expect("the transform set");
    assert_eq!((set.encryption, set.integrity), (EspEncryption::AesCbc256, Some(EspIntegrity::Sha256)));
    assert_eq!(set.mode, Mode::Transport);
    let ipsec = config.ipsec_profile("DMVPN-IPSEC-PROFILE").expect("the profile");
    assert_eq!(ipsec.transform_sets, ["DMVPN-TS"]);
    assert_eq!(ipsec.ike_profile.as_deref(), Some("DMVPN-IKEv2-PROFILE"));
    assert_eq!(config.sa_lifetime(ipsec), Duration::from_secs(3600));

    let (interface, tunnel) = tunnel(&config, "Tunnel0");
    assert_eq!(interface.description, "DMVPN-PHASE2-HUB");
    assert_eq!(interface.address, Some(InterfaceAddress { address: ip4("10.0.0.1"), prefix_len: 24 }));
    assert!(!interface.ip_redirects && !interface.shutdown);
    assert_eq!(interface.ospf.network, Some(OspfNetworkType::PointToMultipoint));
    assert_eq!(tunnel.source, Some(TunnelSource::Interface("GigabitEthernet0/0/0".into())));
    assert_eq!(config.tunnel_nbma(tunnel), Some(ip("203.0.113.1")));
    assert_eq!((tunnel.mode, tunnel.key), (TunnelMode::GreMultipoint, Some(100)));
    assert_eq!(tunnel.protection.as_deref(), Some("DMVPN-IPSEC-PROFILE"));
    assert!(!tunnel.is_spoke());
    assert_eq!(tunnel.effective_next_hop(), NextHopMode::Rfc2328);
    let nhrp = &tunnel.nhrp;
    assert_eq!(
        nhrp.authentication.as_ref().map(|secret| secret.expose()),
        Some(&b"DMVPN2026"[..]),
        "not cut"
    );
    assert_eq!(nhrp.network_id, Some(100));
    assert_eq!(nhrp.holdtime, Duration::from_secs(300));
    assert_eq!(nhrp.effective_registration_timeout(), Duration::from_secs(100));
    assert!(nhrp.multicast_dynamic && nhrp.unique && !nhrp.shortcut && nhrp.redirect.is_none());

    let ospf = config.ospf.as_ref().expect("OSPF");
    assert_eq!(ospf.process, 1);
    assert_eq!(config.ospf_area(interface), Some(AreaId::BACKBONE));
    assert_eq!(config.interface("GigabitEthernet0/0/0").and_then(|wan| config.ospf_area(wan)), None);
    assert_eq!(config.ospf_hello_interval(interface), Duration::from_secs(30));
    assert_eq!(config.ospf_dead_interval(interface), Duration::from_secs(120));
    assert_eq!(config.ospf_cost(interface), 1000, "as IOS shows it for a tunnel");
    assert_eq!(config.ospf_router_id(), Some(ip4("10.0.0.1")), "the tunnel's address");

    let [route] = config.static_routes.as_slice() else { panic!("one route") };
    assert_eq!(route.prefix.to_string(), "0.0.0.0/0");
    assert_eq!(route.next_hop, Some(ip4("203.0.113.254")));
    assert_eq!(route.distance, 1);
}

#[test]
fn spoke1_registers_with_the_hub() {
    let config = read("spoke1.cfg");
    let (interface, tunnel) = tunnel(&config, "Tunnel0");
    assert!(tunnel.is_spoke());
    assert_eq!(tunnel.effective_next_hop(), NextHopMode::Originator);
    assert_eq!(interface.adjust_mss, Some(1360));
    assert_eq!(config.tunnel_mtu(tunnel), 1430, "transport mode, with key");
    let [nhs] = tunnel.nhrp.nhs.as_slice() else { panic!("one server") };
    assert_eq!(nhs.address, Some(ip("10.0.0.1")));
    assert_eq!(tunnel.nhrp.nbma_of(nhs).map(|nbma| nbma.to_string()).as_deref(), Some("203.0.113.1"));
    let [multicast] = tunnel.nhrp.multicast_maps.as_slice() else { panic!("one member") };
    assert_eq!(multicast.nbma, ip("203.0.113.1"));
    assert!(!tunnel.nhrp.multicast_dynamic);
    let lan = config.interface("GigabitEthernet0/0/1").expect("the LAN");
    assert_eq!(config.ospf_area(lan), Some(AreaId::BACKBONE));
    assert_eq!(config.ospf_cost(lan), 1);
}

#[test]
fn places_are_remembered() {
    let config = read("spoke1.cfg");
    let (interface, tunnel) = tunnel(&config, "Tunnel0");
    let number = |line: &Line| (line.file.to_string(), line.number);
    assert_eq!(number(&interface.origin.line), ("spoke1.cfg".into(), 30));
    assert_eq!(number(interface.origin.of("ip nhrp authentication")), ("spoke1.cfg".into(), 34));
    assert_eq!(number(interface.origin.of("tunnel key")), ("spoke1.cfg".into(), 44));
    assert_eq!(interface.origin.setting("tunnel ttl"), None);
    assert_eq!(interface.origin.of("tunnel ttl").number, 30, "what is not set is missing in the section");
    assert_eq!(tunnel.nhrp.maps[0].line.number, 35);
    assert_eq!(tunnel.nhrp.nhs[0].line.number, 39);
    assert_eq!(config.static_routes[0].line.number, 60);
}

#[test]
fn pasted_text_means_the_same_as_indented_text() {
    assert_eq!(read("spoke2-pasted.cfg"), read("spoke2.cfg"));
    assert_ne!(read("spoke2-pasted.cfg"), read("spoke1.cfg"));
}

/// The way of each file from a running router over a web page: every file, not only the one that the guide has.
#[test]
fn indentation_blank_lines_and_line_ends_do_not_matter() {
    for (name, text) in FILES {
        let expected = read(name);
        let rows = || text.lines().map(str::trim);
        let variants = [
            ("none", rows().collect::<Vec<_>>().join("\n")),
            ("no separators", rows().filter(|row| *row != "!").collect::<Vec<_>>().join("\n")),
            ("blank lines", rows().collect::<Vec<_>>().join("\n\n")),
            ("carriage returns", text.replace('\n', "\r\n")),
            ("tabs", text.replace("\n ", "\n\t")),
            ("no-break spaces", text.replace(' ', "\u{a0}")),
            ("all moved right", text.lines().map(|row| format!("    {row}\n")).collect()),
            ("byte order mark", format!("\u{feff}{text}")),
            ("spaces behind", text.replace('\n', "   \n")),
            ("capital keywords", text.replace(" ip nhrp ", " IP NHRP ").replace("crypto ", "CRYPTO ")),
        ];
        for (variant, text) in variants {
            let parsed = ios::parse(name, &text);
            assert_eq!(parsed.diagnostics, [], "{name}: {variant}");
            assert_eq!(parsed.config, expected, "{name}: {variant}");
        }
    }
}

#[test]
fn what_validation_says_of_the_guide() {
    let long = |file: &str, line: u32, tunnel: &str| {
        format!(
            "{file}:{line}: warning: {tunnel}: the NHRP authentication has 9 characters; IOS takes 8 and would not talk to this \
             router; expected at most 8 characters, where a router of Cisco's is in the cloud"
        )
    };
    for file in ["hub1.cfg", "hub2.cfg"] {
        let expected = [
            format!(
                "{file}:30: warning: Tunnel0 does not clamp TCP's segment size: segments over 1390 octets do not fit, large \
                 transfers stall where ICMP is lost; expected a line 'ip tcp adjust-mss 1360'"
            ),
            long(file, 34, "Tunnel0"),
            format!("{file}:50: note: no interface has an address in 192.168.0.0"),
        ];
        assert_eq!(said(&read(file)), expected);
    }
    for file in ["spoke1.cfg", "spoke2.cfg", "spoke2-pasted.cfg"] {
        assert_eq!(said(&read(file)), [long(file, 34, "Tunnel0")]);
    }
    for file in ["spoke1-dual-hub.cfg", "spoke2-dual-hub.cfg"] {
        assert_eq!(said(&read(file)), [long(file, 34, "Tunnel0"), long(file, 52, "Tunnel1")]);
    }
}

#[test]
fn the_dual_hub_spoke_prefers_tunnel0() {
    let config = read("spoke1-dual-hub.cfg");
    let costs: Vec<_> = config.tunnels().map(|(one, tunnel)| (config.ospf_cost(one), tunnel.key)).collect();
    assert_eq!(costs, [(10, Some(100)), (20, Some(200))]);
}

#[test]
fn two_tunnels_on_one_source_need_keys_of_their_own() {
    // The guide's own dual-hub text leaves the keys out.
    let without: String = text("spoke1-dual-hub.cfg")
        .lines()
        .filter(|row| !row.contains("tunnel key"))
        .map(|row| format!("{row}\n"))
        .collect();
    let parsed = ios::parse("dual.cfg", &without);
    assert_eq!(parsed.diagnostics, []);
    let errors: Vec<_> =
        parsed.config.validate().into_iter().filter(|one| one.severity == Severity::Error).collect();
    let [error] = errors.as_slice() else { panic!("one error, not {errors:?}") };
    assert_eq!(error.rule, Rule::SharedSource);
    assert_eq!(
        error.to_string(),
        "dual.cfg:60: error: Tunnel0 (line 30) and Tunnel1 both send from 198.51.100.1 with no key: what arrives cannot be \
         told apart; expected a 'tunnel key' of its own on each of them"
    );
    // The same key on both is no better; by the address in place of the interface's name neither.
    let same = text("spoke1-dual-hub.cfg").replace("tunnel key 200", "tunnel key 100").replacen(
        "tunnel source GigabitEthernet0/0/0",
        "tunnel source 198.51.100.1",
        1,
    );
    let found = ios::parse("dual.cfg", &same).config.validate();
    assert_eq!(found.iter().filter(|one| one.rule == Rule::SharedSource).count(), 1);
}

#[test]
fn later_lines_change_a_tunnel_as_the_guide_does_it() {
    let more = "interface Tunnel0\nip nhrp holdtime 120\nip nhrp registration timeout 60\n";
    let parsed = ios::parse("spoke1.cfg", &format!("{}{more}", text("spoke1.cfg")));
    let lines: Vec<_> = parsed.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "spoke1.cfg:63: note: 'interface': goes on with what line 30 begins",
            "spoke1.cfg:64: warning: 'ip nhrp holdtime': replaces line 38",
        ]
    );
    let (_, tunnel) = tunnel(&parsed.config, "Tunnel0");
    assert_eq!(tunnel.nhrp.holdtime, Duration::from_secs(120));
    assert_eq!(tunnel.nhrp.effective_registration_timeout(), Duration::from_secs(60));
}

#[test]
fn secrets_are_not_shown() {
    for (name, _) in FILES {
        let shown = format!("{:?}", read(name));
        assert!(shown.contains("redacted"));
        assert!(!shown.contains("Sup3r") && !shown.contains("DMVPN2026"), "{name}");
    }
}
