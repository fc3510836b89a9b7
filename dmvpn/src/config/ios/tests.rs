//! Words, patterns, and how far apart words are.

use std::collections::BTreeSet;

use super::complain::distance;
use super::lexer::Words;
use super::syntax::{Input, Matched, Misses, Pattern};
use crate::config::Rule;

fn read<'a>(syntax: &'static str, line: &Words<'a>) -> Result<Matched<'a>, Misses> {
    let keywords = BTreeSet::from(["ip", "ipv6", "mode"]);
    let mut misses = Misses::default();
    Pattern::new(syntax).read(Input { line, keywords: &keywords }, &mut misses).ok_or(misses)
}

#[test]
fn words_have_columns_in_characters() {
    let words = Words::new("\u{a0} ip\t\u{e9}\u{e9}  x \t");
    assert_eq!(words.indent, 2);
    let found: Vec<_> = words.words.iter().map(|word| (word.text, word.column)).collect();
    assert_eq!(found, [("ip", 3), ("\u{e9}\u{e9}", 6), ("x", 10)]);
    assert_eq!(words.rest(1), "\u{e9}\u{e9}  x");
    assert_eq!((words.text(3), words.rest(3), words.column(3)), ("", "", 11), "past the end");
    assert!(Words::new(" \t ").words.is_empty());
    assert!(Words::new("a  b").says_the_same(&Words::new(" a b")));
    assert!(!Words::new("a b").says_the_same(&Words::new("a")));
}

#[test]
fn the_name_of_a_setting_is_what_a_pattern_begins_with() {
    assert_eq!(Pattern::new("ip nhrp holdtime <1-65535>").setting, "ip nhrp holdtime");
    assert_eq!(Pattern::new("tunnel mode gre (ip|multipoint)").setting, "tunnel mode gre");
    assert_eq!(Pattern::new("shutdown").setting, "shutdown");
    assert_eq!(Pattern::new("ip ospf ttl-security [hops <1-254>]").setting, "ip ospf ttl-security");
}

#[test]
fn optional_parts_may_be_there_or_not() {
    let syntax = "nhs ADDRESS [nbma NAME [multicast]] [priority <0-255>]";
    for (text, fits) in [
        ("nhs 10.0.0.1", true),
        ("nhs 10.0.0.1 nbma hub", true),
        ("nhs 10.0.0.1 nbma hub multicast priority 1", true),
        ("nhs 10.0.0.1 priority 1", true),
        ("nhs 10.0.0.1 multicast", false),
        ("nhs 10.0.0.1 nbma", false),
        ("nhs 10.0.0.1 priority", false),
        ("nhs", false),
        ("no nhs 10.0.0.1", true),
        ("no nhs", true),
    ] {
        assert_eq!(read(syntax, &Words::new(text)).is_ok(), fits, "{text}");
    }
}

#[test]
fn a_miss_says_what_was_expected_at_the_furthest_word() {
    let syntax = "nhs ADDRESS [nbma NAME] [priority <0-255>]";
    let expected =
        |text: &'static str| read(syntax, &Words::new(text)).err().map(|miss| (miss.at, miss.expected));
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert_eq!(expected("nhs x"), Some((1, list(&["an address"]))));
    assert_eq!(expected("nhs 10.0.0.1 x"), Some((2, list(&["nbma", "priority", "end of line"]))));
    let wrong = read(syntax, &Words::new("nhs 10.0.0.1 priority 256")).err().and_then(|miss| miss.wrong);
    assert_eq!(wrong.map(|wrong| wrong.rule), Some(Rule::OutOfRange));
}

#[test]
fn abbreviations_have_two_letters_and_are_no_keywords_themselves() {
    for (text, fits) in [("ipv", true), ("ip", false), ("i", false), ("IPV6", true), ("ipv66", false)] {
        assert_eq!(read("ipv6", &Words::new(text)).is_ok(), fits, "{text}");
    }
    let ambiguous = read("(hmac-sha-1|hmac-sha-256)", &Words::new("hmac")).err().map(|miss| miss.ambiguous);
    assert_eq!(ambiguous, Some(vec!["hmac-sha-1", "hmac-sha-256"]));
}

#[test]
fn interface_names_are_written_in_full() {
    for (text, name) in [
        ("interface Tunnel0", Some("Tunnel0")),
        ("interface tunnel 0", Some("Tunnel0")),
        ("interface tu0", Some("Tunnel0")),
        ("interface gi0/0/1.100", Some("GigabitEthernet0/0/1.100")),
        ("interface te1/0", Some("TenGigabitEthernet1/0")),
        ("interface lo0", Some("Loopback0")),
        ("interface eth0", Some("eth0")),
        ("interface Ethernet0", Some("Ethernet0")),
        ("interface wan.100", Some("wan.100")),
        ("interface ens3f1", Some("ens3f1")),
        ("interface Tunnel", None),
        ("interface 0", None),
        ("interface Tunnel x", None),
        ("interface a\u{e9}0", None),
    ] {
        let found =
            read("interface INTERFACE", &Words::new(text)).ok().and_then(|one| one.interface("interface"));
        assert_eq!(found.as_deref(), name, "{text}");
    }
}

#[test]
fn masks_and_wildcards() {
    let mask = |text: &str| {
        let text = format!("m {text}");
        read("m MASK", &Words::new(&text)).ok().and_then(|one| one.prefix_len("m"))
    };
    for length in 0..=32_u8 {
        let bits = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
        assert_eq!(mask(&std::net::Ipv4Addr::from(bits).to_string()), Some(length));
    }
    for wrong in ["255.0.255.0", "0.0.0.255", "255.255.255.1", "24", "255.255.255"] {
        assert_eq!(mask(wrong), None, "{wrong}");
    }
    let wildcard = |text: &str| {
        let text = format!("w {text}");
        read("w WILDCARD", &Words::new(&text)).ok().and_then(|one| one.wildcard("w"))
    };
    for (text, bits) in [("0.0.0.0", Some(0)), ("0.0.0.255", Some(255)), ("255.255.255.255", Some(u32::MAX))]
    {
        assert_eq!(wildcard(text), bits, "{text}");
    }
    for wrong in ["0.255.0.255", "255.255.255.0", "0.0.0.254"] {
        assert_eq!(wildcard(wrong), None, "{wrong}");
    }
}

#[test]
fn distance_counts_edits() {
    assert_eq!(distance("grup", "group"), 1);
    assert_eq!(distance("goup", "group"), 1);
    assert_eq!(distance("gruop", "group"), 1, "neighbours exchanged");
    assert_eq!(distance("group", "group"), 0);
    assert_eq!(distance("", "prf"), 3);
    assert_eq!(distance("prf", ""), 3);
    assert_eq!(distance(&"x".repeat(100_000), "group"), usize::MAX);
}
