//! What an embedder can ask of an engine, and how IOS writes it.

use core::fmt;
use core::str::FromStr;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

/// What an embedder can ask for.
///
/// Those that a person types are read as IOS reads them, every keyword by any unambiguous beginning of it:
///
/// | line | command |
/// | --- | --- |
/// | `clear ip nhrp` | [`ClearNhrp`](Command::ClearNhrp) |
/// | `clear ip nhrp ADDRESS [MASK]`, `clear ip nhrp ADDRESS/LENGTH` | [`ClearNhrpPrefix`](Command::ClearNhrpPrefix) |
/// | `clear crypto session [remote ADDRESS]` | [`ClearCrypto`](Command::ClearCrypto) |
/// | `debug nhrp condition peer nbma ADDRESS` | [`DebugNhrpPeer`](Command::DebugNhrpPeer) |
/// | `undebug` or `no debug nhrp condition [peer nbma ADDRESS]` | [`UndebugNhrpPeer`](Command::UndebugNhrpPeer) |
///
/// ```
/// use dmvpn::Command;
/// assert_eq!("clear ip nhrp".parse(), Ok(Command::ClearNhrp));
/// assert!("cle ip nhrp 10.0.0.12".parse::<Command>().is_ok());
/// assert!("clear ip route".parse::<Command>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Leave the cloud in an orderly way: purge registrations, delete SAs, flush LSAs.
    Shutdown,
    /// Forget what was learnt by NHRP on all tunnels (`clear ip nhrp`).
    ClearNhrp,
    /// Forget what was learnt by NHRP of this address or of the networks in this prefix (`clear ip nhrp ADDRESS [MASK]`).
    ClearNhrpPrefix(IpNet),
    /// Delete the SAs with this underlay address, or with all (`clear crypto session`).
    ClearCrypto(Option<IpAddr>),
    /// Lock a router out: who has this IKE identity loses its SAs and gets none again. Its registrations can be used by
    /// nobody from then on, and expire.
    Revoke(ikev2::IdentityMatch),
    /// Take a revocation back.
    Reinstate(ikev2::IdentityMatch),
    /// NHRP's debug lines are wanted of this peer, by its underlay address, and of others that were named so; of nobody else
    /// (`debug nhrp condition peer nbma ADDRESS`). Debug lines are `tracing`'s; events are handed out whatever the condition.
    DebugNhrpPeer(IpAddr),
    /// Not of this peer any more; without an address, or after the last one, of all again.
    UndebugNhrpPeer(Option<IpAddr>),
    /// The answer to [`Output::ResolveName`](crate::Output::ResolveName).
    NameResolved {
        /// The name.
        name: String,
        /// Its addresses, best first; none if it is not known or nobody could be asked.
        addresses: Vec<IpAddr>,
    },
}

/// A line that is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandError {
    /// A word that is not possible there.
    Invalid,
    /// More words are needed.
    Incomplete,
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "% Invalid input detected.",
            Self::Incomplete => "% Incomplete command.",
        })
    }
}

impl core::error::Error for CommandError {}

impl FromStr for Command {
    type Err = CommandError;

    fn from_str(line: &str) -> Result<Self, CommandError> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut rest = words.as_slice();
        if take(&mut rest, "clear", 2) {
            return clear(rest);
        }
        let off = take(&mut rest, "undebug", 1) || (take(&mut rest, "no", 2) && take(&mut rest, "debug", 3));
        if off || take(&mut rest, "debug", 3) {
            return debug(rest, off);
        }
        Err(if words.is_empty() { CommandError::Incomplete } else { CommandError::Invalid })
    }
}

fn clear(mut rest: &[&str]) -> Result<Command, CommandError> {
    if take(&mut rest, "ip", 2) {
        expect(&mut rest, "nhrp", 2)?;
        return match rest {
            [] => Ok(Command::ClearNhrp),
            [address] => {
                let host = address.parse::<IpAddr>().map(IpNet::from).ok();
                let prefix = || address.parse::<IpNet>().map(|prefix| prefix.trunc()).ok();
                host.or_else(prefix).map(Command::ClearNhrpPrefix).ok_or(CommandError::Invalid)
            }
            [address, mask] => {
                let address: Ipv4Addr = address.parse().map_err(|_| CommandError::Invalid)?;
                let mask = mask.parse().map_err(|_| CommandError::Invalid)?;
                let prefix = Ipv4Net::with_netmask(address, mask).map_err(|_| CommandError::Invalid)?;
                Ok(Command::ClearNhrpPrefix(IpNet::V4(prefix.trunc())))
            }
            _ => Err(CommandError::Invalid),
        };
    }
    expect(&mut rest, "crypto", 2)?;
    expect(&mut rest, "session", 1)?;
    if rest.is_empty() {
        return Ok(Command::ClearCrypto(None));
    }
    expect(&mut rest, "remote", 1)?;
    only_address(rest).map(|address| Command::ClearCrypto(Some(address)))
}

fn debug(mut rest: &[&str], off: bool) -> Result<Command, CommandError> {
    expect(&mut rest, "nhrp", 2)?;
    expect(&mut rest, "condition", 2)?;
    if off && rest.is_empty() {
        return Ok(Command::UndebugNhrpPeer(None));
    }
    expect(&mut rest, "peer", 1)?;
    expect(&mut rest, "nbma", 1)?;
    let address = only_address(rest)?;
    Ok(if off { Command::UndebugNhrpPeer(Some(address)) } else { Command::DebugNhrpPeer(address) })
}

/// Takes the next word if it is this keyword or a beginning of it of at least so many letters.
fn take(rest: &mut &[&str], keyword: &str, least: usize) -> bool {
    let [word, tail @ ..] = rest else { return false };
    let is_it = word.len() >= least && keyword.starts_with(&word.to_ascii_lowercase());
    if is_it {
        *rest = tail;
    }
    is_it
}

fn expect(rest: &mut &[&str], keyword: &str, least: usize) -> Result<(), CommandError> {
    match rest.is_empty() {
        true => Err(CommandError::Incomplete),
        false if take(rest, keyword, least) => Ok(()),
        false => Err(CommandError::Invalid),
    }
}

fn only_address(rest: &[&str]) -> Result<IpAddr, CommandError> {
    match rest {
        [] => Err(CommandError::Incomplete),
        [address] => address.parse().map_err(|_| CommandError::Invalid),
        _ => Err(CommandError::Invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn lines_of_ios_are_read_in_full_and_in_short() {
        let prefix = |text: &str| Ok(Command::ClearNhrpPrefix(text.parse().expect("a prefix")));
        for (line, command) in [
            ("clear ip nhrp", Ok(Command::ClearNhrp)),
            ("cl ip nh 10.0.0.12", prefix("10.0.0.12/32")),
            ("clear ip nhrp 192.168.12.0 255.255.255.0", prefix("192.168.12.0/24")),
            ("clear ip nhrp 192.168.12.7/24", prefix("192.168.12.0/24")),
            ("clear crypto session", Ok(Command::ClearCrypto(None))),
            ("clear crypto sess remote 198.51.100.2", Ok(Command::ClearCrypto(Some(ip("198.51.100.2"))))),
            ("debug nhrp condition peer nbma 198.51.100.2", Ok(Command::DebugNhrpPeer(ip("198.51.100.2")))),
            ("undebug nhrp condition", Ok(Command::UndebugNhrpPeer(None))),
            ("no debug nhrp cond peer nbma 1.2.3.4", Ok(Command::UndebugNhrpPeer(Some(ip("1.2.3.4"))))),
        ] {
            assert_eq!(line.parse(), command, "{line}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for line in ["", "clear", "clear ip", "clear crypto session remote", "debug nhrp condition peer nbma"]
        {
            assert_eq!(line.parse::<Command>(), Err(CommandError::Incomplete), "{line}");
        }
        for line in [
            "show ip nhrp",
            "no",
            "no ip nhrp",
            "clear ip nhrp 10.0.0",
            "clear ip nhrp 10.0.0.0 255.0.255.0",
            "clear ip nhrp 10.0.0.1 255.255.255.255 x",
            "debug nhrp condition peer tunnel 10.0.0.1",
        ] {
            assert_eq!(line.parse::<Command>(), Err(CommandError::Invalid), "{line}");
        }
    }
}
