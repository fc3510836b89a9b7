//! The `show` commands: their words, and what they answer.
//!
//! A [`ShowCommand`] is read from a line as IOS reads it, every keyword by any unambiguous beginning of it
//! (`sh ip nhrp det`). [`Engine::show`](crate::Engine::show) answers it with a [`View`]: data that prints itself as IOS
//! does and (feature `serde`) serialises.

mod grammar;
#[cfg(test)]
mod tests;
mod view;

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

use ipnet::Ipv4Net;

pub use self::view::View;
use crate::views::LsaKind;

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
        let command = grammar::parse_command(line, command)?;
        let Some(filter) = filter else { return Ok(command) };
        let (exclude, text) = grammar::parse_filter(line, filter)?;
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
