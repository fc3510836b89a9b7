//! The IOS-XE reader: every command by its own pattern, every range, and what is said of mistakes.

use std::collections::BTreeSet;

use dmvpn::config::ios;
use dmvpn::config::{Diagnostic, Rule, Severity};

/// The lines that lead to a section, by the words with which [`ios::commands`] names it.
fn opening(section: &str) -> &'static str {
    match section {
        "top level" => "",
        "crypto ikev2 keyring" => "crypto ikev2 keyring K\n",
        "peer (in a keyring)" => "crypto ikev2 keyring K\n peer P\n",
        "crypto ikev2 proposal" => "crypto ikev2 proposal P\n",
        "crypto ikev2 policy" => "crypto ikev2 policy P\n",
        "crypto ikev2 profile" => "crypto ikev2 profile P\n",
        "crypto ipsec transform-set" => "crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n",
        "crypto ipsec profile" => "crypto ipsec profile P\n",
        "interface" => "interface Tunnel7\n",
        "router ospf" => "router ospf 1\n",
        "key chain" => "key chain K\n",
        "key (in a key chain)" => "key chain K\n key 1\n",
        other => panic!("the section '{other}' is not known to this test"),
    }
}

/// Lines that fit a pattern: with the smallest numbers and nothing optional, and with the largest and everything.
fn examples(syntax: &str, full: bool) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut depth = 0;
    let spaced = syntax.replace('[', " [ ").replace(']', " ] ");
    for token in spaced.split_whitespace() {
        match token {
            "[" => depth += 1,
            "]" => depth -= 1,
            _ if depth > 0 && !full => {}
            token => words.push(example(token, full, &words)),
        }
    }
    words.join(" ")
}

fn example(token: &str, full: bool, before: &[String]) -> String {
    if let Some((low, high)) = range(token) {
        return if full { high } else { low };
    }
    if let Some(choices) = token.strip_prefix('(').and_then(|token| token.strip_suffix(')')) {
        let mut choices = choices.split('|');
        let first = choices.next().expect("a choice");
        return if full { choices.next_back().unwrap_or(first) } else { first }.to_owned();
    }
    let last = before.last().map_or("", String::as_str);
    let addresses = before.iter().filter(|word| word.starts_with("10.")).count();
    match token {
        "NAME..." if before.len() > 3 => "esp-gcm 256",
        "NAME..." => match last {
            "encryption" => "aes-cbc-128 aes-cbc-256",
            "integrity" | "prf" => "sha256 sha384",
            "group" => "14 19",
            _ => "T",
        },
        "NAME" if last == "address" => "2001:db8::/32",
        "NAME" if last == "pfs" => "group19",
        "NAME" if last == "summary-map" => "192.168.8.0/21",
        "NAME" => "N",
        "TEXT" if last.ends_with("-lifetime") => "00:00:00 Jan 1 2026 infinite",
        "TEXT" => "some words",
        "SECRET" => "s3cret",
        "HEX" => "0x0102",
        "ADDRESS" | "IPV4" if addresses > 0 => "10.0.0.9",
        // What a mask follows is a network for all commands but `ip address`.
        "IPV4" if last == "address" && before.first().is_some_and(|word| word == "ip") => "10.0.0.1",
        "ADDRESS" | "IPV4" => "10.0.0.0",
        "MASK" => "255.255.255.0",
        "WILDCARD" => "0.0.0.255",
        "INTERFACE" => "Tunnel7",
        "AREA" => "0",
        keyword => keyword,
    }
    .to_owned()
}

fn range(token: &str) -> Option<(String, String)> {
    let (low, high) = token.strip_prefix('<')?.strip_suffix('>')?.split_once('-')?;
    Some((low.to_owned(), high.to_owned()))
}

fn read(section: &str, line: &str) -> Vec<Diagnostic> {
    let opening = opening(section);
    let indent = " ".repeat(opening.lines().count());
    let number = u32::try_from(opening.lines().count() + 1).expect("few lines");
    let parsed = ios::parse("t", &format!("{opening}{indent}{line}\n"));
    parsed.diagnostics.into_iter().filter(|one| one.line.number == number).collect()
}

#[test]
fn every_command_fits_its_own_pattern() {
    let mut count = 0;
    for (section, syntax) in ios::commands() {
        for full in [false, true] {
            let line = examples(syntax, full);
            let found = read(section, &line);
            let harmless = |one: &Diagnostic| {
                matches!(one.rule, Rule::NoEffect | Rule::Unsupported)
                    || !one.is_error() && one.rule != Rule::UnknownLine
            };
            assert!(found.iter().all(harmless), "{section}: {line}: {found:?}");
            count += 1;
        }
    }
    assert!(count > 600, "{count}");
}

#[test]
fn every_command_has_a_no_form() {
    for (section, syntax) in ios::commands() {
        let line = format!("no {}", examples(syntax, true));
        let found = read(section, &line);
        assert!(
            found.iter().all(|one| !one.is_error() && one.rule != Rule::UnknownLine),
            "{section}: {line}: {found:?}"
        );
    }
}

#[test]
fn every_range_has_its_ends_and_nothing_beyond() {
    let mut count = 0;
    for (section, syntax) in ios::commands() {
        let mut before: Vec<String> = Vec::new();
        for token in syntax.split([' ', '[', ']']) {
            let Some((low, high)) = range(token) else { continue };
            let nth = before.iter().filter(|other| **other == high).count();
            before.push(high.clone());
            let whole = examples(syntax, true);
            // What changes nothing may be out of its range.
            if read(section, &whole).iter().any(|one| matches!(one.rule, Rule::NoEffect | Rule::Unsupported))
            {
                continue;
            }
            let below = if low == "0" {
                "-1".to_owned()
            } else {
                (low.parse::<u64>().expect("a number") - 1).to_string()
            };
            let above = (high.parse::<u64>().expect("a number") + 1).to_string();
            for outside in [below, above, "99999999999999999999999".to_owned()] {
                let mut words: Vec<&str> = whole.split(' ').collect();
                let slot =
                    words.iter_mut().filter(|word| **word == high).nth(nth).expect("the number in question");
                *slot = &outside;
                let line = words.join(" ");
                let found = read(section, &line);
                let message = found.iter().find(|one| one.rule == Rule::OutOfRange).map(ToString::to_string);
                let message = message.unwrap_or_else(|| panic!("{section}: {line}: {found:?}"));
                assert!(message.contains(&format!("from {low} to {high}")), "{section}: {line}: {message}");
                count += 1;
            }
        }
    }
    assert!(count > 150, "{count}");
}

/// What is said of one line in a section.
#[track_caller]
fn says(section: &str, line: &str, expected: &str) {
    let found: Vec<String> = read(section, line).iter().map(ToString::to_string).collect();
    let found: Vec<&str> =
        found.iter().map(|one| one.split_once(": ").map_or("", |(_, rest)| rest)).collect();
    assert_eq!(found, [expected], "{section}: {line}");
}

#[test]
fn mistakes_are_named() {
    let proposal = "crypto ikev2 proposal";
    says(proposal, "grup 14", "error: 'grup 14': expected one of encryption, integrity, prf, group");
    says(proposal, "group 13", "error: '13': expected one of 14, 15, 16, 19, 20, 21, 31");
    says(proposal, "group 2", "error: '2': not supported; expected one of 14, 15, 16, 19, 20, 21, 31");
    says(proposal, "integrity", "error: 'integrity': ends too early; expected a name");
    says(
        "interface",
        "ip address 10.0.0.1 255.0.255.0",
        "error: '255.0.255.0': not a mask: its bits are not contiguous; expected ones in front and zeros behind, 0.0.0.0 to 255.255.255.255, such as 255.255.255.0",
    );
    says(
        "interface",
        "ip address 10.0.0.1 0.0.0.255",
        "error: '0.0.0.255': this is a wildcard, not a mask; expected 255.255.255.0",
    );
    says(
        "interface",
        "ip address 10.0.0.255 255.255.255.0",
        "error: '10.0.0.255 255.255.255.0': this is the broadcast address of the network; expected an address from 10.0.0.1 to 10.0.0.254",
    );
    says(
        "interface",
        "ip nhrp athentication X",
        "error: 'athentication ...': did you mean 'authentication'?",
    );
    says(
        "interface",
        "ip tcp adjust-mss 1461",
        "error: '1461': out of range; expected a number from 500 to 1460",
    );
    says("interface", "ip nhrp holdtime 0", "error: '0': out of range; expected a number from 1 to 65535");
    says(
        "interface",
        "tunnel key 4294967296",
        "error: '4294967296': out of range; expected a number from 0 to 4294967295",
    );
    says(
        "interface",
        "ip nhrp map 10.0.0.1 224.0.0.1",
        "error: '224.0.0.1': no single host has this address; expected the address of a host",
    );
    says(
        "interface",
        "tunnel mode ipsec ipv4",
        "error: 'tunnel mode ipsec ...': tunnels are GRE here; use 'tunnel mode gre multipoint' or 'tunnel mode gre ip'",
    );
    says(
        "router ospf",
        "network 10.0.0.0 255.255.255.0 area 0",
        "error: '255.255.255.0 area 0': this is a mask, not a wildcard; expected 0.0.0.255",
    );
    says(
        "router ospf",
        "timers throttle spf 50 5000 200",
        "error: '200': the longest wait is shorter than the first; expected the times in growing order",
    );
    says(
        "top level",
        "ip nhrp network-id 1",
        "error: 'ip nhrp network-id 1': does not belong here; expected a line 'interface' before it",
    );
    says(
        "top level",
        "ip route 10.0.0.1 255.255.255.0 10.1.1.1",
        "error: '10.0.0.1 255.255.255.0 10.1.1.1': the mask leaves bits of the address over; expected 10.0.0.0 255.255.255.0",
    );
    says("top level", "interfcae Tunnel0", "error: 'interfcae ...': did you mean 'interface'?");
    says(
        "crypto ipsec profile",
        "set security-association replay window-size 100",
        "error: '100': expected one of 64, 128, 256, 512, 1024, 2048, 4096",
    );
}

#[test]
fn what_does_nothing_is_said() {
    says("top level", "ip cef", "note: 'ip cef': no effect here: it is always so");
    says(
        "top level",
        "service timestamps debug datetime msec",
        "note: 'service': no effect here: the host that this runs on has its own",
    );
    says("top level", "line vty 0 4", "note: 'line': no effect here: nobody logs in");
    says("interface", "ip pim sparse-mode", "warning: 'ip pim sparse-mode': multicast is not routed here");
    says("interface", "ip frobnicate 5", "warning: 'ip frobnicate 5': unknown, ignored");
    says("top level", "frobnicate", "warning: 'frobnicate': unknown, ignored");
}

#[test]
fn keys_are_not_said() {
    for (section, line) in [
        ("peer (in a keyring)", "pre-shared-key local hunter2 more"),
        ("peer (in a keyring)", "pre-shared-key local 6 hunter2"),
        ("peer (in a keyring)", "pre-shared-key local hex hunter2"),
        ("peer (in a keyring)", "pre-shared-kye local hunter2"),
        ("interface", "ip nhrp authentication hunter2 more"),
        ("interface", "ip nhrp athentication hunter2"),
        ("interface", "ip ospf message-digest-key 1 md5 hunter2-and-much-more"),
        ("interface", "ip ospf authentication-key hunter2-and-more"),
        ("top level", "username bob password 0 hunter2"),
        ("top level", "crypto isakmp key hunter2 address 0.0.0.0"),
    ] {
        let found = read(section, line);
        assert!(!found.is_empty(), "{line}");
        assert!(found.iter().all(|one| !one.to_string().contains("hunter2")), "{line}: {found:?}");
    }
}

#[test]
fn keys_in_disguise_are_read() {
    let text = "crypto ikev2 keyring K\n peer P\n  address 10.0.0.1\n  pre-shared-key local 7 0822455D0A16\n  pre-shared-key remote hex 0x00ff\n";
    let parsed = ios::parse("t", text);
    assert_eq!(parsed.diagnostics, []);
    let peer = &parsed.config.keyrings[0].peers[0];
    assert_eq!(peer.local_key.as_ref().map(|key| key.expose()), Some(&b"cisco"[..]));
    assert_eq!(peer.remote_key.as_ref().map(|key| key.expose()), Some(&[0, 255][..]));
}

#[test]
fn a_word_of_two_sections_goes_by_indentation_then_separator_then_section() {
    let hostnames = |text: &str| {
        let parsed = ios::parse("t", text);
        let notes: Vec<Rule> = parsed.diagnostics.iter().map(|one| one.rule).collect();
        (parsed.config.hostname, parsed.config.keyrings[0].peers[0].hostname.clone(), notes)
    };
    let peer = Some("R2".to_owned());
    let open = "crypto ikev2 keyring K\n peer P\n";
    assert_eq!(hostnames(&format!("{open}  hostname R2\n")), (String::new(), peer.clone(), vec![]));
    assert_eq!(hostnames(&format!("{open}  address 10.0.0.1\nhostname R2\n")), ("R2".into(), None, vec![]));
    let open = "crypto ikev2 keyring K\npeer P\n";
    assert_eq!(hostnames(&format!("{open}hostname R2\n")), (String::new(), peer, vec![Rule::TakenAs]));
    assert_eq!(hostnames(&format!("{open}!\nhostname R2\n")), ("R2".into(), None, vec![Rule::TakenAs]));
    assert_eq!(hostnames(&format!("{open}exit\nexit\nhostname R2\n")), ("R2".into(), None, vec![]));
}

#[test]
fn abbreviations_work_as_long_as_one_word_fits() {
    let short = "int tu0\n ip addr 10.0.0.1 255.255.255.0\n ip nhrp netw 5\n tun mode gre mult\n tun sou gi0/0/0\n no shut\n";
    let long = "interface Tunnel0\n ip address 10.0.0.1 255.255.255.0\n ip nhrp network-id 5\n tunnel mode gre multipoint\n tunnel source GigabitEthernet0/0/0\n no shutdown\n";
    let (short, long) = (ios::parse("t", short), ios::parse("t", long));
    assert_eq!((&short.diagnostics, &long.diagnostics), (&vec![], &vec![]));
    assert_eq!(short.config, long.config);
    let found = read("interface", "no ip nhrp re");
    assert!(matches!(found.as_slice(), [one] if one.rule == Rule::Ambiguous), "{found:?}");
}

#[test]
fn settings_made_twice_and_undone() {
    let rules = |text: &str| {
        ios::parse("t", text).diagnostics.iter().map(|one| (one.severity, one.rule)).collect::<Vec<_>>()
    };
    let open = "interface Tunnel0\n";
    assert_eq!(rules(&format!("{open} tunnel key 1\n tunnel key 2\n")), [(Severity::Error, Rule::SetTwice)]);
    assert_eq!(rules(&format!("{open} tunnel key 1\n tunnel key 1\n")), [(Severity::Note, Rule::Replaced)]);
    assert_eq!(
        rules(&format!("{open} tunnel key 1\n no tunnel key\n")),
        [(Severity::Warning, Rule::Replaced)]
    );
    assert_eq!(rules(&format!("{open} no tunnel key\n tunnel key 1\n")), []);
    assert_eq!(
        rules(&format!("{open} ip nhrp map 10.0.0.1 1.1.1.1\n ip nhrp map 10.0.0.1 1.1.1.2\n")),
        [(Severity::Error, Rule::SetTwice)]
    );
    let set = "crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n";
    assert_eq!(
        rules(&format!("{set}crypto ipsec transform-set T esp-gcm 256\n")),
        [(Severity::Error, Rule::SetTwice), (Severity::Note, Rule::Replaced)]
    );
}

#[test]
fn a_section_that_is_not_known_does_not_spill_into_the_one_before() {
    let text = "interface Tunnel0\n ip mtu 1400\nfrobnicator X\n ip mtu 1300\nrouter eigrp 1\n network 10.0.0.0\ninterfcae Tunnel1\n ip mtu 1200\n";
    let parsed = ios::parse("t", text);
    assert_eq!(parsed.config.interfaces.len(), 1);
    assert_eq!(parsed.config.interfaces[0].ip_mtu, Some(1400));
    let rules: Vec<_> = parsed.diagnostics.iter().map(|one| (one.line.number, one.rule)).collect();
    let expected = [
        (3, Rule::UnknownLine),
        (4, Rule::UnknownLine),
        (5, Rule::Unsupported),
        (6, Rule::NoEffect),
        (7, Rule::UnexpectedWord),
        (8, Rule::UnknownLine),
    ];
    assert_eq!(rules, expected);
}

#[test]
fn banners_are_left_out_whole() {
    let text = "banner motd ^C\ninterface Tunnel0\n ip mtu 1400\n^C\nhostname R1\n";
    let parsed = ios::parse("t", text);
    assert_eq!((parsed.config.hostname.as_str(), parsed.config.interfaces.len()), ("R1", 0));
    let open = ios::parse("t", "banner motd #\nhostname R1\n");
    assert_eq!(open.config.hostname, "R1");
    assert_eq!(open.diagnostics[0].severity, Severity::Warning);
}

#[test]
fn rules_have_names_of_their_own() {
    let names: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    assert_eq!(names.len(), Rule::ALL.len());
}
