//! `show ip nhrp brief`.

use core::fmt;

use super::{NhrpEntry, NhrpFlag, NhrpKind};
use crate::views::text::{Address, Prefix, short_name};

const HEAD: &str = "\
****************************************************************************
    NOTE: Link-Local, No-socket and Incomplete entries are not displayed
****************************************************************************
Legend: Type --> S - Static, D - Dynamic
        Flags --> u - unique, r - registered, e - temporary, c - claimed
        a - authoritative, t - route
============================================================================

Intf     NextHop Address                                    NBMA Address
         Target Network                              T/Flag
-------- ------------------------------------------- ------ ----------------
";

/// The NHRP cache in two lines per entry: `show ip nhrp brief`. Made by
/// [`NhrpCache::brief`](super::NhrpCache::brief).
///
/// As in IOS, incomplete, link-local and no-socket entries are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NhrpBrief<'a> {
    entries: &'a [NhrpEntry],
}

impl<'a> NhrpBrief<'a> {
    pub(super) fn new(entries: &'a [NhrpEntry]) -> Self {
        Self { entries }
    }
}

impl fmt::Display for NhrpBrief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        for entry in self.entries.iter().filter(|entry| is_shown(entry)) {
            let name = short_name(&entry.interface);
            match entry.nbma {
                Some(nbma) => {
                    writeln!(f, "{name:<8} {:<50} {}", Address(entry.next_hop), Address(nbma))?;
                }
                None => writeln!(f, "{name:<8} {}", Address(entry.next_hop))?,
            }
            writeln!(f, "{:<8} {:<43} {}", "", Prefix(entry.prefix), letters(entry))?;
        }
        Ok(())
    }
}

fn is_shown(entry: &NhrpEntry) -> bool {
    let link_local = match entry.prefix.addr() {
        core::net::IpAddr::V4(address) => address.is_link_local(),
        core::net::IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(link_local || entry.kind == NhrpKind::Incomplete || entry.has(NhrpFlag::NoSocket))
}

/// The type's letter, a stroke, and the letters of the flags.
fn letters(entry: &NhrpEntry) -> String {
    let mut letters = String::from(if entry.kind == NhrpKind::Dynamic { "D/" } else { "S/" });
    let claimed = entry.claimed_nbma.is_some();
    let flags = [
        (entry.has(NhrpFlag::Unique), 'u'),
        (entry.has(NhrpFlag::Registered), 'r'),
        (entry.has(NhrpFlag::Temporary), 'e'),
        (claimed, 'c'),
        (entry.has(NhrpFlag::Authoritative), 'a'),
        (entry.has(NhrpFlag::Rib), 't'),
    ];
    letters.extend(flags.into_iter().filter_map(|(set, letter)| set.then_some(letter)));
    letters
}
