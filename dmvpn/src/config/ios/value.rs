//! The values in a command.

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

use super::lexer::Words;
use super::syntax::{Matched, Wrong};
use crate::config::{AreaId, Rule, Secret};

/// What kind of value stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number(u64, u64),
    Name,
    Text,
    Secret,
    Hex,
    Address,
    Ipv4,
    Mask,
    Wildcard,
    Interface,
    Area,
}

/// A value.
#[derive(Debug)]
pub(super) enum Arg<'a> {
    Number(u64),
    Text(&'a str),
    Secret(Secret),
    Address(IpAddr),
    PrefixLen(u8),
    Wildcard(u32),
    Interface(String),
}

impl Kind {
    /// The kind that a word of a pattern means, if it means one.
    pub(super) fn new(token: &str) -> Option<Self> {
        Some(match token {
            "NAME" => Self::Name,
            "TEXT" => Self::Text,
            "SECRET" => Self::Secret,
            "HEX" => Self::Hex,
            "ADDRESS" => Self::Address,
            "IPV4" => Self::Ipv4,
            "MASK" => Self::Mask,
            "WILDCARD" => Self::Wildcard,
            "INTERFACE" => Self::Interface,
            "AREA" => Self::Area,
            token => {
                let (low, high) = token.strip_prefix('<')?.strip_suffix('>')?.split_once('-')?;
                Self::Number(low.parse().ok()?, high.parse().ok()?)
            }
        })
    }

    /// In words, for a person.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Number(low, high) => format!("a number from {low} to {high}"),
            Self::Name => "a name".into(),
            Self::Text => "a text".into(),
            Self::Secret => "a key".into(),
            Self::Hex => "hexadecimal digits".into(),
            Self::Address => "an address".into(),
            Self::Ipv4 => "an IPv4 address".into(),
            Self::Mask => "a mask such as 255.255.255.0".into(),
            Self::Wildcard => "a wildcard such as 0.0.0.255".into(),
            Self::Interface => "an interface such as GigabitEthernet0/0/0".into(),
            Self::Area => "an area (0 to 4294967295, or like an address)".into(),
        }
    }

    pub(super) fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::Hex)
    }

    /// Reads the value at a word that exists; answers it with the word after it. `Err(None)`: the word is something
    /// else altogether.
    pub(super) fn read<'a>(self, line: &Words<'a>, at: usize) -> Result<(Arg<'a>, usize), Option<Wrong>> {
        let text = line.text(at);
        let arg = match self {
            Self::Number(low, high) => number(text, low, high).map(Arg::Number)?,
            Self::Name => Arg::Text(text),
            Self::Text => return Ok((Arg::Text(line.rest(at)), line.words.len())),
            Self::Secret => return secret(line, at),
            Self::Hex => Arg::Secret(Secret::from_hex(text).ok_or_else(|| {
                bad(
                    "not an even number of hexadecimal digits".into(),
                    "hexadecimal digits such as 0x0123456789abcdef",
                )
            })?),
            Self::Address => Arg::Address(text.parse().map_err(|_| None)?),
            Self::Ipv4 => Arg::Address(IpAddr::V4(text.parse().map_err(|_| None)?)),
            Self::Mask => mask(text).map(Arg::PrefixLen)?,
            Self::Wildcard => wildcard(text).map(Arg::Wildcard)?,
            Self::Interface => {
                let (name, next) = interface(line, at)?;
                return Ok((Arg::Interface(name), next));
            }
            Self::Area => match text.parse::<Ipv4Addr>() {
                Ok(address) => Arg::Number(u64::from(u32::from(address))),
                Err(_) => Arg::Number(number(text, 0, u64::from(u32::MAX))?),
            },
        };
        Ok((arg, at + 1))
    }
}

fn bad(message: String, expected: &str) -> Option<Wrong> {
    Some(Wrong { rule: Rule::BadValue, message, expected: expected.into() })
}

fn number(text: &str, low: u64, high: u64) -> Result<u64, Option<Wrong>> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(None);
    }
    match text.parse() {
        Ok(number) if (low..=high).contains(&number) => Ok(number),
        // A number too large for 64 bits, or a negative one, is out of every range.
        _ => Err(Some(Wrong {
            rule: Rule::OutOfRange,
            message: "out of range".into(),
            expected: Kind::Number(low, high).describe(),
        })),
    }
}

fn mask(text: &str) -> Result<u8, Option<Wrong>> {
    let bits = u32::from(text.parse::<Ipv4Addr>().map_err(|_| None)?);
    if bits.leading_ones() + bits.trailing_zeros() == 32 {
        return Ok(u8::try_from(bits.leading_ones()).unwrap_or(32));
    }
    let inverted = Ipv4Addr::from(!bits);
    if (!bits).leading_ones() + (!bits).trailing_zeros() == 32 {
        let message = "this is a wildcard, not a mask".into();
        return Err(bad(message, &format!("{inverted}")));
    }
    Err(bad(
        "not a mask: its bits are not contiguous".into(),
        "ones in front and zeros behind, 0.0.0.0 to 255.255.255.255, such as 255.255.255.0",
    ))
}

fn wildcard(text: &str) -> Result<u32, Option<Wrong>> {
    let bits = u32::from(text.parse::<Ipv4Addr>().map_err(|_| None)?);
    if bits.leading_zeros() + bits.trailing_ones() == 32 {
        return Ok(bits);
    }
    if bits.leading_ones() + bits.trailing_zeros() == 32 {
        let message = "this is a mask, not a wildcard".into();
        return Err(bad(message, &Ipv4Addr::from(!bits).to_string()));
    }
    Err(bad(
        "not a wildcard: its bits are not contiguous".into(),
        "zeros in front and ones behind, 0.0.0.0 to 255.255.255.255, such as 0.0.0.255",
    ))
}

fn secret<'a>(line: &Words<'a>, at: usize) -> Result<(Arg<'a>, usize), Option<Wrong>> {
    let (kind, next) = (line.text(at), line.text(at + 1));
    match kind {
        "0" if !next.is_empty() => Ok((Arg::Secret(next.into()), at + 2)),
        "7" if !next.is_empty() => match Secret::from_type7(next) {
            Some(secret) => Ok((Arg::Secret(secret), at + 2)),
            None => {
                Err(bad("not a type 7 string".into(), "two decimal digits and pairs of hexadecimal digits"))
            }
        },
        "6" if !next.is_empty() => Err(Some(Wrong {
            rule: Rule::Unsupported,
            message: "a type 6 key can be read only by the router that has its master key".into(),
            expected: "the key in plain text".into(),
        })),
        text => Ok((Arg::Secret(text.into()), at + 1)),
    }
}

/// The kinds of interfaces of IOS-XE. Their names may be shortened as long as only one fits.
const INTERFACE_KINDS: &[&str] = &[
    "AppGigabitEthernet",
    "ATM",
    "BDI",
    "BVI",
    "Cellular",
    "Dialer",
    "Ethernet",
    "FastEthernet",
    "FiveGigabitEthernet",
    "FortyGigabitEthernet",
    "GigabitEthernet",
    "HundredGigE",
    "Loopback",
    "Multilink",
    "Null",
    "Port-channel",
    "Serial",
    "TenGigabitEthernet",
    "Tunnel",
    "TwentyFiveGigE",
    "TwoGigabitEthernet",
    "Virtual-PPP",
    "Virtual-Template",
    "VirtualPortGroup",
    "Vlan",
];

/// Reads an interface's name: `Tunnel0`, `Tunnel 0`, `gi0/0/1`, and any name of another system (`eth0`, `wan.100`).
fn interface(line: &Words<'_>, at: usize) -> Result<(String, usize), Option<Wrong>> {
    let text = line.text(at);
    let digits = text.find(|character: char| character.is_ascii_digit()).unwrap_or(text.len());
    let (kind, number) = text.split_at_checked(digits).ok_or(None)?;
    if !kind.starts_with(|character: char| character.is_ascii_alphabetic())
        || !text.chars().all(|character| character.is_ascii_alphanumeric() || "/.:-_@".contains(character))
    {
        return Err(None);
    }
    let (number, next) = match (number.is_empty(), line.text(at + 1)) {
        (true, following) if following.starts_with(|character: char| character.is_ascii_digit()) => {
            (following, at + 2)
        }
        (true, _) => return Err(None),
        (false, _) => (number, at + 1),
    };
    let of_ios = number.chars().all(|character| character.is_ascii_digit() || "/.:".contains(character));
    if !of_ios && next != at + 1 {
        return Err(None);
    }
    Ok((interface_name(kind, number, of_ios), next))
}

fn interface_name(kind: &str, number: &str, of_ios: bool) -> String {
    // `eth0` is what Linux calls an interface; IOS has no Ethernet interface without a slash any more.
    if !of_ios || (kind == "eth" && !number.contains('/')) {
        return format!("{kind}{number}");
    }
    let is_start = |full: &&&str| full.get(..kind.len()).is_some_and(|head| head.eq_ignore_ascii_case(kind));
    let exact = INTERFACE_KINDS.iter().find(|full| full.eq_ignore_ascii_case(kind));
    let mut fitting = INTERFACE_KINDS.iter().filter(is_start);
    match (exact, fitting.next(), fitting.next()) {
        (Some(full), _, _) | (None, Some(full), None) if exact.is_some() || kind.len() >= 2 => {
            format!("{full}{number}")
        }
        _ => format!("{kind}{number}"),
    }
}

/// Values of one setting: `None` where the line begins with `no`, so that the default returns.
impl<'a> Matched<'a> {
    fn set(&self, keyword: &str) -> Option<&Arg<'a>> {
        self.arg(keyword, 0).filter(|_| !self.negated)
    }

    /// A number behind a keyword. Ranges are those of the pattern: a type that is too small would be a mistake in the
    /// table, and reads as if nothing was there.
    pub(super) fn number<T: TryFrom<u64>>(&self, keyword: &str) -> Option<T> {
        match self.set(keyword)? {
            Arg::Number(number) => T::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A number of seconds behind a keyword.
    pub(super) fn seconds(&self, keyword: &str) -> Option<Duration> {
        self.number(keyword).map(Duration::from_secs)
    }

    /// The nth number behind a keyword as milliseconds.
    pub(super) fn milliseconds(&self, keyword: &str, nth: usize) -> Option<Duration> {
        match self.arg(keyword, nth).filter(|_| !self.negated)? {
            Arg::Number(number) => Some(Duration::from_millis(*number)),
            _ => None,
        }
    }

    /// A word or text behind a keyword, with or without `no`.
    pub(super) fn text(&self, keyword: &str) -> Option<&'a str> {
        match self.arg(keyword, 0)? {
            Arg::Text(text) => Some(text),
            _ => None,
        }
    }

    /// All words behind a keyword, with the index of each.
    pub(super) fn texts(&self, keyword: &str) -> Vec<(usize, &'a str)> {
        self.after(keyword)
            .filter_map(|(at, arg)| match arg {
                Arg::Text(text) => Some((at, *text)),
                _ => None,
            })
            .collect()
    }

    /// A key behind a keyword.
    pub(super) fn secret(&self, keyword: &str) -> Option<Secret> {
        self.after(keyword).filter(|_| !self.negated).find_map(|(_, arg)| match arg {
            Arg::Secret(secret) => Some(secret.clone()),
            _ => None,
        })
    }

    /// The nth value behind a keyword if it is an address, with or without `no`.
    pub(super) fn address(&self, keyword: &str, nth: usize) -> Option<IpAddr> {
        match self.arg(keyword, nth)? {
            Arg::Address(address) => Some(*address),
            _ => None,
        }
    }

    /// The nth value behind a keyword if it is an IPv4 address, with or without `no`.
    pub(super) fn ipv4(&self, keyword: &str, nth: usize) -> Option<Ipv4Addr> {
        match self.address(keyword, nth)? {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }

    /// The mask behind a keyword, as a prefix length, with or without `no`.
    pub(super) fn prefix_len(&self, keyword: &str) -> Option<u8> {
        self.after(keyword).find_map(|(_, arg)| match arg {
            Arg::PrefixLen(length) => Some(*length),
            _ => None,
        })
    }

    /// The wildcard behind a keyword.
    pub(super) fn wildcard(&self, keyword: &str) -> Option<u32> {
        self.after(keyword).find_map(|(_, arg)| match arg {
            Arg::Wildcard(wildcard) => Some(*wildcard),
            _ => None,
        })
    }

    /// The interface behind a keyword, with or without `no`.
    pub(super) fn interface(&self, keyword: &str) -> Option<String> {
        self.after(keyword).find_map(|(_, arg)| match arg {
            Arg::Interface(name) => Some(name.clone()),
            _ => None,
        })
    }

    /// The area behind a keyword, with or without `no`.
    pub(super) fn area(&self, keyword: &str) -> Option<AreaId> {
        match self.arg(keyword, 0)? {
            Arg::Number(number) => u32::try_from(*number).ok().map(AreaId),
            _ => None,
        }
    }

    /// The last number behind a keyword, with or without `no`: for optional numbers after other values.
    pub(super) fn last_number(&self, keyword: &str) -> Option<u64> {
        self.after(keyword)
            .filter_map(|(_, arg)| if let Arg::Number(number) = arg { Some(*number) } else { None })
            .last()
    }
}
