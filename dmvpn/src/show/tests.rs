//! Command lines in, commands or complaints out; filters on answers.

use super::*;
use crate::views::Interface;

fn database(kind: LsaKind) -> ShowCommand {
    ShowCommand::OspfDatabase { kind: Some(kind) }
}

fn parse(line: &str) -> ShowCommand {
    ShowCommand::parse(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn refusal(line: &str) -> String {
    ShowCommand::parse(line).expect_err(line).to_string()
}

#[test]
fn every_command_in_full() {
    use ShowCommand as C;
    let address = "192.168.12.0".parse().unwrap();
    let prefix = "192.168.12.0/24".parse().unwrap();
    for (line, command) in [
        ("show ip nhrp", C::Nhrp),
        ("show ip nhrp detail", C::NhrpDetail),
        ("show ip nhrp brief", C::NhrpBrief),
        ("show ip nhrp nhs", C::NhrpNhs { detail: false }),
        ("show ip nhrp nhs detail", C::NhrpNhs { detail: true }),
        ("show ip nhrp multicast", C::NhrpMulticast),
        ("show ip nhrp traffic", C::NhrpTraffic),
        ("show dmvpn", C::Dmvpn { detail: false }),
        ("show dmvpn detail", C::Dmvpn { detail: true }),
        ("show crypto session", C::CryptoSession { detail: false }),
        ("show crypto session detail", C::CryptoSession { detail: true }),
        ("show crypto ikev2 sa", C::Ikev2Sa { detail: false }),
        ("show crypto ikev2 sa detail", C::Ikev2Sa { detail: true }),
        ("show crypto ikev2 sa detailed", C::Ikev2Sa { detail: true }),
        ("show crypto ipsec sa", C::IpsecSa),
        ("show ip ospf", C::Ospf),
        ("show ip ospf neighbor", C::OspfNeighbor { detail: false }),
        ("show ip ospf neighbor detail", C::OspfNeighbor { detail: true }),
        ("show ip ospf interface", C::OspfInterface { brief: false }),
        ("show ip ospf interface brief", C::OspfInterface { brief: true }),
        ("show ip ospf database", C::OspfDatabase { kind: None }),
        ("show ip ospf database router", database(LsaKind::Router)),
        ("show ip ospf database network", database(LsaKind::Network)),
        ("show ip ospf database summary", database(LsaKind::Summary)),
        ("show ip ospf database asbr-summary", database(LsaKind::AsbrSummary)),
        ("show ip ospf database external", database(LsaKind::External)),
        ("show ip ospf database nssa-external", database(LsaKind::Nssa)),
        ("show ip ospf database opaque-link", database(LsaKind::Opaque(9))),
        ("show ip route", C::Route),
        ("show ip route ospf", C::RouteOspf),
        ("show ip route 192.168.12.0", C::RouteAddress(address)),
        ("show ip route 192.168.12.0 255.255.255.0", C::RoutePrefix(prefix)),
        ("show ip route 192.168.12.7/24", C::RoutePrefix(prefix)),
        ("show interfaces", C::Interfaces),
        ("show interface Tunnel0", C::Interface("Tunnel0".to_owned())),
        ("show interfaces GigabitEthernet0/0/1.11", C::Interface("GigabitEthernet0/0/1.11".to_owned())),
        ("show ip interface brief", C::IpInterfaceBrief),
        ("show drops", C::Drops),
    ] {
        assert_eq!(parse(line), command, "{line}");
        let loud = line.to_uppercase();
        assert!(parse(&loud).is_same_question(&command), "{loud}");
    }
}

impl ShowCommand {
    /// Names of interfaces keep the letters that they were typed in.
    fn is_same_question(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Interface(one), Self::Interface(two)) => one.eq_ignore_ascii_case(two),
            _ => self == other,
        }
    }
}

#[test]
fn keywords_may_be_short() {
    assert_eq!(parse("sh ip nhrp det"), ShowCommand::NhrpDetail);
    assert_eq!(parse("  sho   ip nh\tn d "), ShowCommand::NhrpNhs { detail: true });
    assert_eq!(parse("sh cry ses"), ShowCommand::CryptoSession { detail: false });
    assert_eq!(parse("sh cr ike s d"), ShowCommand::Ikev2Sa { detail: true });
    assert_eq!(parse("sh ip os n"), ShowCommand::OspfNeighbor { detail: false });
    assert_eq!(parse("sh ip o d r"), database(LsaKind::Router));
    assert_eq!(parse("sh ip ro o"), ShowCommand::RouteOspf);
    assert_eq!(parse("sh ip int br"), ShowCommand::IpInterfaceBrief);
    assert_eq!(parse("sh int tu0"), ShowCommand::Interface("tu0".to_owned()));
    assert_eq!(parse("sh int tu 0"), ShowCommand::Interface("tu0".to_owned()));
    assert_eq!(parse("sh dm"), ShowCommand::Dmvpn { detail: false });
}

#[test]
fn a_keyword_that_is_too_short_is_ambiguous() {
    assert_eq!(refusal("sh i"), "% Ambiguous command:  \"sh i\"");
    assert_eq!(refusal("sh d"), "% Ambiguous command:  \"sh d\"");
    assert_eq!(refusal("sh cr i sa"), "% Ambiguous command:  \"sh cr i sa\"");
    assert_eq!(refusal("sh ip ospf data n | inc x"), "% Ambiguous command:  \"sh ip ospf data n\"");
    assert_eq!(refusal("sh ip ospf data opaque-a"), "% Ambiguous command:  \"sh ip ospf data opaque-a\"");
}

#[test]
fn a_line_that_ends_too_soon_is_incomplete() {
    for line in [
        "",
        "  ",
        "show",
        "sh ip",
        "sh crypto",
        "sh crypto ikev2",
        "sh ip int",
        "sh dmvpn |",
        "sh dmvpn | inc ",
    ] {
        assert_eq!(refusal(line), "% Incomplete command.", "{line:?}");
    }
}

#[test]
fn the_marker_stands_under_the_word() {
    let at = |line: &str| match ShowCommand::parse(line) {
        Err(ShowError::Invalid { line: said, column }) => {
            assert_eq!(said, line.trim_end());
            column
        }
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(at("ping 10.0.0.1"), 0);
    assert_eq!(at("show ip nhrpp"), 8);
    assert_eq!(at("show ip nhrp detail all "), 20);
    assert_eq!(at("show ip route 10.0.0"), 14);
    assert_eq!(at("show ip route 10.0.0.0 255.0.255.0"), 23);
    assert_eq!(at("show ip route 10.0.0.0 255.0.0.0 x"), 33);
    assert_eq!(at("show ip route 10.0.0.0/33"), 14);
    assert_eq!(at("show interface Tunnel"), 15);
    assert_eq!(at("show interface 0"), 15);
    assert_eq!(at("show interface Tunnel 0 1"), 24);
    assert_eq!(at("show drops x"), 11);
    assert_eq!(at("show drops | sort x"), 13);
    assert_eq!(at("show \u{fc}\u{fc} x"), 5, "characters are counted, not bytes");
    assert_eq!(at("show drops | \u{fc} x"), 13);
    assert_eq!(refusal("show ip nhrpp"), "show ip nhrpp\n        ^\n% Invalid input detected at '^' marker.");
}

#[test]
fn a_filter_keeps_or_drops_lines() {
    let filtered = |line: &str| match parse(line) {
        ShowCommand::Filtered { command, exclude, text } => (*command, exclude, text),
        other => panic!("{other:?}"),
    };
    let ikev2 = ShowCommand::Ikev2Sa { detail: true };
    assert_eq!(
        filtered("show crypto ikev2 sa detail | include NAT"),
        (ikev2.clone(), false, "NAT".to_owned())
    );
    assert_eq!(
        filtered("sh cry ikev2 sa det|exc  Local spi | x "),
        (ikev2, true, "Local spi | x".to_owned())
    );

    let drops = View::Drops(vec![("NHRP Tunnel0".to_owned(), vec![("loop".to_owned(), 7)])]);
    let show = |exclude, text: &str| {
        View::Filtered { view: Box::new(drops.clone()), exclude, text: text.to_owned() }.to_string()
    };
    assert_eq!(drops.to_string(), "NHRP Tunnel0: 7\n           7 loop\n");
    assert_eq!(show(false, "loop"), "           7 loop\n");
    assert_eq!(show(true, "loop"), "NHRP Tunnel0: 7\n");
    assert_eq!(show(false, "LOOP"), "");
    assert_eq!(show(false, "x|^NHRP"), "NHRP Tunnel0: 7\n");
    assert_eq!(show(false, "^loop|Tunnel0$"), "");
    assert_eq!(show(false, "loop$"), "           7 loop\n");
    assert_eq!(show(false, "^NHRP Tunnel0: 7$"), "NHRP Tunnel0: 7\n");
}

#[test]
fn interfaces_in_a_line_each() {
    let mut tunnel = Interface::new("Tunnel0", 1476);
    tunnel.address = Some("10.0.0.1/24".parse().unwrap());
    let mut wan = Interface::new("GigabitEthernet0/0/0", 1500);
    wan.enabled = false;
    assert_eq!(
        View::IpInterfaceBrief(vec![tunnel, wan]).to_string(),
        "\
Interface              IP-Address      OK? Method Status                Protocol
Tunnel0                10.0.0.1        YES NVRAM  up                    up
GigabitEthernet0/0/0   unassigned      YES unset  administratively down down
"
    );
    assert_eq!(View::Interface(None).to_string(), "% Interface does not exist\n");
    assert_eq!(View::Drops(Vec::new()).to_string(), "No packet was dropped\n");
    assert_eq!(View::OspfProcess(None).to_string(), "");
}

#[cfg(feature = "serde")]
#[test]
fn data_is_the_view_and_nothing_around_it() {
    let json = |view: &View| serde_json::to_string(view).unwrap();
    let drops = View::Drops(vec![("IKEv2".to_owned(), vec![("cookie".to_owned(), 1)])]);
    assert_eq!(json(&drops), r#"[["IKEv2",[["cookie",1]]]]"#);
    let filtered = View::Filtered { view: Box::new(drops.clone()), exclude: true, text: "x".to_owned() };
    assert_eq!(json(&filtered), json(&drops));
    assert_eq!(json(&View::Interface(None)), "null");
    assert_eq!(
        json(&View::NhrpCache(crate::views::NhrpCache::default())),
        r#"{"entries":[],"detail":false}"#
    );
}
