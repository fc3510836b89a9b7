//! Secrets, places, identities, and what the gaps in a configuration mean.

use core::time::Duration;

use super::*;

#[test]
fn a_line_equals_every_other_line() {
    let (one, two) = (Line::new("a".into(), 1), Line::new("b".into(), 2));
    assert_eq!(one, two);
    assert_eq!(one.to_string(), "a:1");
    assert_eq!(Line::default().to_string(), "configuration");
    assert!(one.is_known() && !Line::default().is_known());
}

#[test]
fn an_origin_finds_settings_and_falls_back_to_the_element() {
    let mut origin = Origin::new(Line::new("f".into(), 5));
    for (number, name) in [(9, "b"), (7, "a"), (8, "c"), (10, "b")] {
        origin.record(name, Line::new("f".into(), number));
    }
    let numbers: Vec<u32> = ["a", "b", "c", "d"].iter().map(|name| origin.of(name).number).collect();
    assert_eq!(numbers, [7, 10, 8, 5]);
}

#[test]
fn diagnostics_print_in_one_line_and_compare_places() {
    let one = Diagnostic::new(Severity::Error, Rule::UnexpectedWord, Line::new("spoke1.cfg".into(), 24), "")
        .about("grup 14", 2)
        .expecting("one of encryption, integrity, prf, group");
    assert_eq!(
        one.to_string(),
        "spoke1.cfg:24: error: 'grup 14': expected one of encryption, integrity, prf, group"
    );
    let mut elsewhere = one.clone();
    elsewhere.line.number = 25;
    assert_ne!(one, elsewhere);
    assert!(Severity::Error > Severity::Warning && Severity::Warning > Severity::Note);
}

#[test]
fn secrets_compare_by_octets_and_stay_hidden() {
    assert_eq!(Secret::from("abc"), Secret::new(*b"abc"));
    assert_ne!(Secret::from("abc"), Secret::from("abd"));
    assert_ne!(Secret::from("abc"), Secret::from("ab"));
    assert_ne!(Secret::from("abc"), Secret::default());
    assert_eq!(format!("{:?}", Secret::from("abc")), "Secret(redacted)");
}

#[test]
fn secrets_in_hexadecimal() {
    assert_eq!(Secret::from_hex("0x00Ff10").as_ref().map(Secret::expose), Some(&[0, 255, 16][..]));
    for wrong in ["", "0x", "0", "0x0g", "zz", "\u{e9}"] {
        assert_eq!(Secret::from_hex(wrong), None, "{wrong}");
    }
}

/// Strings that routers made from the password `cisco`, as they are found all over.
#[test]
fn secrets_of_type_7() {
    for text in ["0822455D0A16", "094F471A1A0A", "02050D480809", "060506324F41"] {
        assert_eq!(Secret::from_type7(text).as_ref().map(Secret::expose), Some(&b"cisco"[..]), "{text}");
    }
    for wrong in ["", "0", "08224", "53AA", "9900", "0822455D0A1", "xx00", "\u{e9}\u{e9}"] {
        assert_eq!(Secret::from_type7(wrong), None, "{wrong}");
    }
}

#[test]
fn identities_match() {
    let address = Identity::Address("10.1.2.3".parse().expect("an address"));
    let fqdn = Identity::Fqdn("Spoke1.Example.net".into());
    let email = Identity::Email("spoke1@example.net".into());
    let prefix = |text: &str| IdentityMatch::Address(text.parse().expect("a prefix"));
    assert!(IdentityMatch::Any.accepts(&fqdn) && prefix("0.0.0.0/0").accepts(&address));
    assert!(prefix("10.1.0.0/16").accepts(&address) && !prefix("10.2.0.0/16").accepts(&address));
    assert!(!prefix("0.0.0.0/0").accepts(&fqdn));
    assert!(IdentityMatch::Fqdn("spoke1.example.NET".into()).accepts(&fqdn));
    assert!(IdentityMatch::FqdnDomain("example.net".into()).accepts(&fqdn));
    assert!(!IdentityMatch::FqdnDomain("ample.net".into()).accepts(&fqdn), "a domain begins after a dot");
    assert!(
        !IdentityMatch::FqdnDomain("spoke1.example.net".into()).accepts(&fqdn),
        "the domain itself is no host in it"
    );
    assert!(IdentityMatch::EmailDomain("example.net".into()).accepts(&email));
    assert!(!IdentityMatch::EmailDomain("net".into()).accepts(&email));
    assert!(IdentityMatch::KeyId("K".into()).accepts(&Identity::KeyId("K".into())));
    assert!(!IdentityMatch::KeyId("k".into()).accepts(&Identity::KeyId("K".into())));
}

#[test]
fn the_longest_prefix_of_a_keyring_decides_and_an_identity_before_it() {
    let peer = |name: &str, net: Option<&str>, identity: Option<Identity>| KeyringPeer {
        name: name.into(),
        address: net.map(|net| net.parse().expect("a prefix")),
        identity,
        ..KeyringPeer::default()
    };
    let identity = Identity::Fqdn("s".into());
    let keyring = Keyring {
        name: "K".into(),
        peers: vec![
            peer("any", Some("0.0.0.0/0"), None),
            peer("site", Some("198.51.100.0/24"), None),
            peer("again", Some("198.51.100.0/24"), None),
            peer("named", None, Some(identity.clone())),
        ],
        origin: Origin::default(),
    };
    let name = |address: &str, identity: Option<&Identity>| {
        keyring.peer(address.parse().expect("an address"), identity).map(|peer| peer.name.clone())
    };
    assert_eq!(name("203.0.113.1", None).as_deref(), Some("any"));
    assert_eq!(name("198.51.100.7", None).as_deref(), Some("site"), "the first of equals");
    assert_eq!(name("198.51.100.7", Some(&identity)).as_deref(), Some("named"));
    assert_eq!(name("2001:db8::1", None), None);
}

#[test]
fn gaps_mean_what_the_documentation_says() {
    let config = Config::default();
    let profile = IpsecProfile::default();
    assert_eq!(config.sa_lifetime(&profile), Duration::from_secs(3600));
    assert_eq!(config.sa_volume(&profile), VolumeLimit::Kilobytes(4_608_000));
    assert_eq!(config.replay_window(&profile), ReplayWindow::Packets(1024));
    assert_eq!(config.proposals_for([10, 0, 0, 1].into()), [IkeProposal::smart_default()]);
    let tunnel = Interface::new("Tunnel0");
    assert_eq!(config.ospf_network_type(&tunnel), OspfNetworkType::PointToPoint);
    assert_eq!(config.ospf_cost(&tunnel), 1000);
    assert_eq!(config.ospf_cost(&Interface::new("GigabitEthernet0/0/0")), 1);
    assert_eq!(config.ospf_cost(&Interface::new("Ethernet0/0")), 10);
    assert_eq!(Nhrp::default().effective_registration_timeout(), Duration::from_secs(2400));
    let short = Nhrp { holdtime: Duration::from_secs(1), ..Nhrp::default() };
    assert_eq!(short.effective_registration_timeout(), Duration::from_secs(1));
}

#[test]
fn passive_interfaces_and_areas() {
    let mut ospf = Ospf::new(1);
    ospf.passive_interfaces.push("A".into());
    ospf.active_interfaces.push("B".into());
    assert!(ospf.is_passive("A") && !ospf.is_passive("B") && !ospf.is_passive("C"));
    ospf.passive_default = true;
    assert!(ospf.is_passive("A") && !ospf.is_passive("B") && ospf.is_passive("C"));
    let network = |address: &str, wildcard, area| OspfNetwork {
        address: address.parse().expect("an address"),
        wildcard,
        area: AreaId(area),
        line: Line::default(),
    };
    ospf.networks = vec![
        network("10.0.0.0", 0x00ff_ffff, 1),
        network("10.1.0.0", 0xffff, 2),
        network("0.0.0.0", u32::MAX, 3),
    ];
    assert_eq!(ospf.area_of([10, 1, 2, 3].into()), Some(AreaId(2)), "the most specific one");
    assert_eq!(ospf.area_of([10, 2, 2, 3].into()), Some(AreaId(1)));
    assert_eq!(ospf.area_of([11, 2, 2, 3].into()), Some(AreaId(3)));
    assert_eq!(ospf.networks[0].prefix().map(|net| net.to_string()).as_deref(), Some("10.0.0.0/8"));
}
