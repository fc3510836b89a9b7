//! The `show` commands: their words, and what they answer.
//!
//! A [`ShowCommand`] is read from a line as IOS reads it, every keyword by any unambiguous beginning of it
//! (`sh ip nhrp det`). [`Engine::show`](crate::Engine::show) answers it with a [`View`]: data that prints itself as IOS
//! does and (feature `serde`) serialises.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

use ipnet::Ipv4Net;

use crate::views::{
    CryptoSessions, Dmvpn, Ikev2Sas, Interface, IpsecSas, LsaKind, NhrpCache, NhrpMulticast, NhrpNhs,
    NhrpTraffic, OspfDatabase, OspfInterfaces, OspfNeighbors, OspfProcess, RouteLookup, RouteTable,
};

/// A question to a router.
///
/// ```
/// use dmvpn::ShowCommand;
/// assert_eq!("sh ip nhrp det".parse(), Ok(ShowCommand::NhrpDetail));
/// let error = "show ip nhrpp".parse::<ShowCommand>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "show ip nhrpp\n        ^\n% Invalid input detected at '^' marker."
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShowCommand {
    /// `show ip nhrp`
    Nhrp,
    /// `show ip nhrp detail`
    NhrpDetail,
    /// `show ip nhrp brief`
    NhrpBrief,
    /// `show ip nhrp nhs [detail]`
    NhrpNhs {
        /// With the lines of `detail`.
        detail: bool,
    },
    /// `show ip nhrp multicast`
    NhrpMulticast,
    /// `show ip nhrp traffic`
    NhrpTraffic,
    /// `show dmvpn [detail]`
    Dmvpn {
        /// With the lines of `detail`.
        detail: bool,
    },
    /// `show crypto session [detail]`
    CryptoSession {
        /// With the lines of `detail`.
        detail: bool,
    },
    /// `show crypto ikev2 sa [detail]`
    Ikev2Sa {
        /// With the lines of `detail`.
        detail: bool,
    },
    /// `show crypto ipsec sa`
    IpsecSa,
    /// `show ip ospf`
    Ospf,
    /// `show ip ospf neighbor [detail]`
    OspfNeighbor {
        /// With the lines of `detail`.
        detail: bool,
    },
    /// `show ip ospf interface [brief]`
    OspfInterface {
        /// A line for each.
        brief: bool,
    },
    /// `show ip ospf database [router | network | ...]`
    OspfDatabase {
        /// LSAs of this type in full; `None`: all in a line each.
        kind: Option<LsaKind>,
    },
    /// `show ip route`
    Route,
    /// `show ip route ospf`
    RouteOspf,
    /// `show ip route ADDRESS`: the most specific route for an address.
    RouteAddress(Ipv4Addr),
    /// `show ip route ADDRESS MASK`, `show ip route ADDRESS/LENGTH`: the route for exactly this prefix.
    RoutePrefix(Ipv4Net),
    /// `show interfaces`
    Interfaces,
    /// `show interfaces NAME`; the name may be short and in two words (`tu 0`).
    Interface(String),
    /// `show ip interface brief`
    IpInterfaceBrief,
    /// `show drops`: packets that were dropped, by reason. IOS does not have it.
    Drops,
    /// A command with `| include TEXT` or `| exclude TEXT` behind it.
    Filtered {
        /// The command.
        command: Box<ShowCommand>,
        /// Lines with the text are left out, rather than kept.
        exclude: bool,
        /// What to look for, in the letters as they stand: alternatives between strokes (`NAT|DPD`), each with `^` for
        /// the start and `$` for the end of a line. Nothing else of a regular expression is special.
        text: String,
    },
}

impl ShowCommand {
    /// Reads a command line. `show` itself may be short.
    ///
    /// # Errors
    /// What IOS says of a line that it does not understand.
    pub fn parse(line: &str) -> Result<Self, ShowError> {
        let (command, filter) = match line.find('|') {
            Some(at) => (&line[..at], Some(at + 1)),
            None => (line, None),
        };
        let command = parse_command(line, command)?;
        let Some(filter) = filter else { return Ok(command) };
        let (exclude, text) = parse_filter(line, filter)?;
        Ok(Self::Filtered { command: Box::new(command), exclude, text })
    }
}

impl FromStr for ShowCommand {
    type Err = ShowError;

    fn from_str(line: &str) -> Result<Self, ShowError> {
        Self::parse(line)
    }
}

/// Why a command line is not understood, in the words of IOS.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShowError {
    /// A word that is not possible there. The text has the line, and the marker under the word.
    Invalid {
        /// The line.
        line: String,
        /// Where the word starts, in characters.
        column: usize,
    },
    /// More words are needed.
    Incomplete,
    /// A keyword so short that several begin with it.
    Ambiguous {
        /// The line as far as it was read.
        line: String,
    },
}

impl fmt::Display for ShowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { line, column } => {
                let blanks = " ".repeat(*column);
                write!(f, "{line}\n{blanks}^\n% Invalid input detected at '^' marker.")
            }
            Self::Incomplete => f.write_str("% Incomplete command."),
            // Two blanks, as in IOS.
            Self::Ambiguous { line } => write!(f, "% Ambiguous command:  \"{line}\""),
        }
    }
}

impl core::error::Error for ShowError {}

/// An answer. `Display` is the text of IOS; serialised, it is the view inside and nothing around it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(untagged))]
#[non_exhaustive]
pub enum View {
    /// `show ip nhrp [detail]`
    NhrpCache(NhrpCache),
    /// `show ip nhrp brief`
    NhrpBrief(NhrpCache),
    /// `show ip nhrp nhs [detail]`
    NhrpNhs(NhrpNhs),
    /// `show ip nhrp multicast`
    NhrpMulticast(NhrpMulticast),
    /// `show ip nhrp traffic`
    NhrpTraffic(NhrpTraffic),
    /// `show dmvpn [detail]`
    Dmvpn(Dmvpn),
    /// `show crypto session [detail]`
    CryptoSessions(CryptoSessions),
    /// `show crypto ikev2 sa [detail]`
    Ikev2Sas(Ikev2Sas),
    /// `show crypto ipsec sa`
    IpsecSas(IpsecSas),
    /// `show ip ospf`; `None` (and no text) where OSPF does not run.
    OspfProcess(Option<Box<OspfProcess>>),
    /// `show ip ospf neighbor [detail]`
    OspfNeighbors(OspfNeighbors),
    /// `show ip ospf interface [brief]`
    OspfInterfaces(OspfInterfaces),
    /// `show ip ospf database [...]`; `None` (and no text) where OSPF does not run.
    OspfDatabase(Option<OspfDatabase>),
    /// `show ip route [ospf]`
    RouteTable(RouteTable),
    /// `show ip route ADDRESS [MASK]`
    RouteLookup(RouteLookup),
    /// `show interfaces NAME`; `None` where there is no such interface.
    Interface(Option<Box<Interface>>),
    /// `show interfaces`
    Interfaces(Vec<Interface>),
    /// `show ip interface brief`
    IpInterfaceBrief(Vec<Interface>),
    /// `show drops`: where packets were dropped, and there for each reason that occurred how many.
    Drops(Vec<(String, Vec<(String, u64)>)>),
    /// With `| include TEXT` or `| exclude TEXT`: only the text is filtered, the data is whole.
    #[cfg_attr(feature = "serde", serde(serialize_with = "without_filter"))]
    Filtered {
        /// The whole answer.
        view: Box<View>,
        /// See [`ShowCommand::Filtered`].
        exclude: bool,
        /// See [`ShowCommand::Filtered`].
        text: String,
    },
}

#[cfg(feature = "serde")]
fn without_filter<S: serde::Serializer>(
    view: &View,
    _exclude: &bool,
    _text: &String,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(view, serializer)
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NhrpCache(view) => view.fmt(f),
            Self::NhrpBrief(view) => view.brief().fmt(f),
            Self::NhrpNhs(view) => view.fmt(f),
            Self::NhrpMulticast(view) => view.fmt(f),
            Self::NhrpTraffic(view) => view.fmt(f),
            Self::Dmvpn(view) => view.fmt(f),
            Self::CryptoSessions(view) => view.fmt(f),
            Self::Ikev2Sas(view) => view.fmt(f),
            Self::IpsecSas(view) => view.fmt(f),
            Self::OspfProcess(view) => view.iter().try_for_each(|view| view.fmt(f)),
            Self::OspfNeighbors(view) => view.fmt(f),
            Self::OspfInterfaces(view) => view.fmt(f),
            Self::OspfDatabase(view) => view.iter().try_for_each(|view| view.fmt(f)),
            Self::RouteTable(view) => view.fmt(f),
            Self::RouteLookup(view) => view.fmt(f),
            Self::Interface(Some(view)) => view.fmt(f),
            Self::Interface(None) => writeln!(f, "% Interface does not exist"),
            Self::Interfaces(views) => views.iter().try_for_each(|view| view.fmt(f)),
            Self::IpInterfaceBrief(views) => write_ip_interface_brief(f, views),
            Self::Drops(places) => write_drops(f, places),
            Self::Filtered { view, exclude, text } => {
                let whole = view.to_string();
                let lines = whole.lines().filter(|line| matches(line, text) != *exclude);
                lines.into_iter().try_for_each(|line| writeln!(f, "{line}"))
            }
        }
    }
}

/// Whether a line has one of the alternatives in it.
fn matches(line: &str, pattern: &str) -> bool {
    pattern.split('|').any(|text| {
        let (text, at_start) = text.strip_prefix('^').map_or((text, false), |text| (text, true));
        let (text, at_end) = text.strip_suffix('$').map_or((text, false), |text| (text, true));
        match (at_start, at_end) {
            (true, true) => line == text,
            (true, false) => line.starts_with(text),
            (false, true) => line.ends_with(text),
            (false, false) => line.contains(text),
        }
    })
}

fn write_ip_interface_brief(f: &mut fmt::Formatter<'_>, interfaces: &[Interface]) -> fmt::Result {
    writeln!(f, "Interface              IP-Address      OK? Method Status                Protocol")?;
    for interface in interfaces {
        let name = &interface.name;
        let (address, method) = match interface.address {
            Some(address) => (address.addr().to_string(), "NVRAM"),
            None => ("unassigned".to_owned(), "unset"),
        };
        let status = match (interface.enabled, interface.up) {
            (false, _) => "administratively down",
            (true, true) => "up",
            (true, false) => "down",
        };
        let protocol = if interface.enabled && interface.up { "up" } else { "down" };
        writeln!(f, "{name:<22} {address:<15} YES {method:<6} {status:<21} {protocol}")?;
    }
    Ok(())
}

fn write_drops(f: &mut fmt::Formatter<'_>, places: &[(String, Vec<(String, u64)>)]) -> fmt::Result {
    if places.is_empty() {
        return writeln!(f, "No packet was dropped");
    }
    for (place, reasons) in places {
        let total = reasons.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        writeln!(f, "{place}: {total}")?;
        reasons.iter().try_for_each(|(reason, count)| writeln!(f, "  {count:>10} {reason}"))?;
    }
    Ok(())
}

/// A word of a command line and the byte that it starts at.
type Word<'a> = (usize, &'a str);

/// Reads the rest of a line; the start of a word that it does not understand comes back as an error.
type Argument = fn(&[Word<'_>]) -> Result<ShowCommand, usize>;

/// A keyword, and what may follow it.
struct Keyword {
    word: &'static str,
    /// The command if the line ends here.
    command: Option<fn() -> ShowCommand>,
    next: &'static [Keyword],
    /// Reads what is no keyword.
    argument: Option<Argument>,
}

const fn group(word: &'static str, next: &'static [Keyword]) -> Keyword {
    Keyword { word, command: None, next, argument: None }
}

const fn command(word: &'static str, command: fn() -> ShowCommand, next: &'static [Keyword]) -> Keyword {
    Keyword { word, command: Some(command), next, argument: None }
}

const SHOW: &[Keyword] = &[
    group(
        "crypto",
        &[
            group(
                "ikev2",
                &[command(
                    "sa",
                    || ShowCommand::Ikev2Sa { detail: false },
                    &[command("detailed", || ShowCommand::Ikev2Sa { detail: true }, &[])],
                )],
            ),
            group("ipsec", &[command("sa", || ShowCommand::IpsecSa, &[])]),
            command(
                "session",
                || ShowCommand::CryptoSession { detail: false },
                &[command("detail", || ShowCommand::CryptoSession { detail: true }, &[])],
            ),
        ],
    ),
    command(
        "dmvpn",
        || ShowCommand::Dmvpn { detail: false },
        &[command("detail", || ShowCommand::Dmvpn { detail: true }, &[])],
    ),
    command("drops", || ShowCommand::Drops, &[]),
    Keyword {
        word: "interfaces",
        command: Some(|| ShowCommand::Interfaces),
        next: &[],
        argument: Some(parse_interface),
    },
    group(
        "ip",
        &[
            group("interface", &[command("brief", || ShowCommand::IpInterfaceBrief, &[])]),
            command("nhrp", || ShowCommand::Nhrp, NHRP),
            command("ospf", || ShowCommand::Ospf, OSPF),
            Keyword {
                word: "route",
                command: Some(|| ShowCommand::Route),
                next: &[command("ospf", || ShowCommand::RouteOspf, &[])],
                argument: Some(parse_destination),
            },
        ],
    ),
];

const NHRP: &[Keyword] = &[
    command("brief", || ShowCommand::NhrpBrief, &[]),
    command("detail", || ShowCommand::NhrpDetail, &[]),
    command("multicast", || ShowCommand::NhrpMulticast, &[]),
    command(
        "nhs",
        || ShowCommand::NhrpNhs { detail: false },
        &[command("detail", || ShowCommand::NhrpNhs { detail: true }, &[])],
    ),
    command("traffic", || ShowCommand::NhrpTraffic, &[]),
];

const OSPF: &[Keyword] = &[
    command(
        "database",
        || ShowCommand::OspfDatabase { kind: None },
        &[
            command("asbr-summary", || database(LsaKind::AsbrSummary), &[]),
            command("external", || database(LsaKind::External), &[]),
            command("network", || database(LsaKind::Network), &[]),
            command("nssa-external", || database(LsaKind::Nssa), &[]),
            command("opaque-area", || database(LsaKind::Opaque(10)), &[]),
            command("opaque-as", || database(LsaKind::Opaque(11)), &[]),
            command("opaque-link", || database(LsaKind::Opaque(9)), &[]),
            command("router", || database(LsaKind::Router), &[]),
            command("summary", || database(LsaKind::Summary), &[]),
        ],
    ),
    command(
        "interface",
        || ShowCommand::OspfInterface { brief: false },
        &[command("brief", || ShowCommand::OspfInterface { brief: true }, &[])],
    ),
    command(
        "neighbor",
        || ShowCommand::OspfNeighbor { detail: false },
        &[command("detail", || ShowCommand::OspfNeighbor { detail: true }, &[])],
    ),
];

const fn database(kind: LsaKind) -> ShowCommand {
    ShowCommand::OspfDatabase { kind: Some(kind) }
}

/// Reads the part of a line that stands before its filter.
fn parse_command(line: &str, command: &str) -> Result<ShowCommand, ShowError> {
    const ROOT: &[Keyword] = &[group("show", SHOW)];
    let words = words(command);
    let mut here: Option<&Keyword> = None;
    for (index, (start, word)) in words.iter().enumerate() {
        let choices = here.map_or(ROOT, |keyword| keyword.next);
        match find(choices, word) {
            Found::One(keyword) => here = Some(keyword),
            Found::Several => {
                return Err(ShowError::Ambiguous { line: command.trim_end().to_owned() });
            }
            Found::None => {
                let Some(argument) = here.and_then(|keyword| keyword.argument) else {
                    return Err(invalid(line, *start));
                };
                let rest = words.get(index..).unwrap_or_default();
                return argument(rest).map_err(|start| invalid(line, start));
            }
        }
    }
    here.and_then(|keyword| keyword.command).map(|command| command()).ok_or(ShowError::Incomplete)
}

enum Found {
    None,
    One(&'static Keyword),
    Several,
}

/// The keyword that a word is, or is the only one to begin with it.
fn find(choices: &'static [Keyword], word: &str) -> Found {
    let word = word.to_ascii_lowercase();
    if let Some(exact) = choices.iter().find(|keyword| keyword.word == word) {
        return Found::One(exact);
    }
    let mut possible = choices.iter().filter(|keyword| keyword.word.starts_with(&word));
    match (possible.next(), possible.next()) {
        (None, _) => Found::None,
        (Some(one), None) => Found::One(one),
        (Some(_), Some(_)) => Found::Several,
    }
}

/// Reads the filter, which starts at this byte of the line.
fn parse_filter(line: &str, start: usize) -> Result<(bool, String), ShowError> {
    let rest = line.get(start..).unwrap_or_default();
    let Some((at, word)) = words(rest).first().copied() else { return Err(ShowError::Incomplete) };
    let lower = word.to_ascii_lowercase();
    let exclude = match ("include".starts_with(&lower), "exclude".starts_with(&lower)) {
        (true, _) => false,
        (_, true) => true,
        _ => return Err(invalid(line, start + at)),
    };
    let text = rest.get(at + word.len()..).unwrap_or_default().trim();
    if text.is_empty() {
        return Err(ShowError::Incomplete);
    }
    Ok((exclude, text.to_owned()))
}

/// An interface's name, in one word or two.
fn parse_interface(words: &[Word<'_>]) -> Result<ShowCommand, usize> {
    match words {
        [(start, name)] if name.contains(|c: char| c.is_ascii_digit()) => {
            if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                Ok(ShowCommand::Interface((*name).to_owned()))
            } else {
                Err(*start)
            }
        }
        [(_, kind), (start, number), rest @ ..] => {
            if !number.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(*start);
            }
            match rest {
                [] => Ok(ShowCommand::Interface(format!("{kind}{number}"))),
                [(start, _), ..] => Err(*start),
            }
        }
        [(start, _)] => Err(*start),
        [] => Err(0),
    }
}

/// An address, an address and a mask, or an address and a length.
fn parse_destination(words: &[Word<'_>]) -> Result<ShowCommand, usize> {
    match words {
        [(start, word)] => match (word.parse(), word.parse::<Ipv4Net>()) {
            (Ok(address), _) => Ok(ShowCommand::RouteAddress(address)),
            (_, Ok(prefix)) => Ok(ShowCommand::RoutePrefix(prefix.trunc())),
            _ => Err(*start),
        },
        [(start, address), (mask_start, mask), rest @ ..] => {
            let address: Ipv4Addr = address.parse().map_err(|_| *start)?;
            let mask: Ipv4Addr = mask.parse().map_err(|_| *mask_start)?;
            let prefix = Ipv4Net::with_netmask(address, mask).map_err(|_| *mask_start)?;
            match rest {
                [] => Ok(ShowCommand::RoutePrefix(prefix.trunc())),
                [(start, _), ..] => Err(*start),
            }
        }
        [] => Err(0),
    }
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(skipped) = rest.find(|c: char| !c.is_whitespace()) {
        let word = &rest[skipped..];
        let len = word.find(char::is_whitespace).unwrap_or(word.len());
        words.push((text.len() - word.len(), &word[..len]));
        rest = &word[len..];
    }
    words
}

fn invalid(line: &str, start: usize) -> ShowError {
    let column = line.get(..start).unwrap_or_default().chars().count();
    ShowError::Invalid { line: line.trim_end().to_owned(), column }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(
            refusal("show ip nhrpp"),
            "show ip nhrpp\n        ^\n% Invalid input detected at '^' marker."
        );
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
        assert_eq!(json(&View::NhrpCache(NhrpCache::default())), r#"{"entries":[],"detail":false}"#);
    }
}
