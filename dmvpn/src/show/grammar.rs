//! The grammar of `show` commands: a tree of keywords, and readers for what follows them.

use core::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{ShowCommand, ShowError};
use crate::views::LsaKind;

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
pub(super) fn parse_command(line: &str, command: &str) -> Result<ShowCommand, ShowError> {
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
pub(super) fn parse_filter(line: &str, start: usize) -> Result<(bool, String), ShowError> {
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
