//! `show ip nhrp multicast`.

use core::fmt;
use core::net::IpAddr;

use crate::views::text::Address;

/// Who gets copies of the multicast packets of a tunnel: `show ip nhrp multicast`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NhrpMulticast {
    /// The members, in the order in which they are printed.
    pub members: Vec<NhrpMulticastMember>,
}

/// One who gets copies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NhrpMulticastMember {
    /// The tunnel.
    pub interface: String,
    /// The member's underlay address.
    pub nbma: IpAddr,
    /// Whether it registered (`ip nhrp map multicast dynamic`) and is not configured.
    pub dynamic: bool,
    /// Whether it gets copies now.
    pub enabled: bool,
    /// Copies that could not be sent, for want of an SA or of memory. IOS does not print them.
    pub dropped: u64,
}

impl fmt::Display for NhrpMulticast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  I/F     NBMA address")?;
        for NhrpMulticastMember { interface, nbma, dynamic, enabled, dropped } in &self.members {
            let flags = if *dynamic { "dynamic" } else { "static" };
            let enabled = if *enabled { "Enabled" } else { "Disabled" };
            write!(f, "{interface:<9} {:<15} Flags: {flags:<15} ({enabled})", Address(*nbma))?;
            if *dropped > 0 {
                write!(f, " dropped {dropped}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
