//! `show ip ospf database [router, network, ...]`.

use core::fmt;
use core::net::Ipv4Addr;

use super::{Lsa, LsaKind};

/// The link state database: `show ip ospf database`, and with `kind` set the LSAs of that type in full, for example
/// `show ip ospf database router`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OspfDatabase {
    /// The router id.
    pub router_id: Ipv4Addr,
    /// The number of the process.
    pub process: u32,
    /// The areas.
    pub areas: Vec<OspfDatabaseArea>,
    /// LSAs that belong to no area: types 5 and 11.
    pub external: Vec<Lsa>,
    /// The type whose LSAs the text has in full; `None` is a line for each LSA of any type.
    pub kind: Option<LsaKind>,
}

/// The LSAs of one area.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OspfDatabaseArea {
    /// The number of the area.
    pub area: u32,
    /// Its LSAs. Printed by type, link state id and advertising router, whatever their order here.
    pub lsas: Vec<Lsa>,
}

impl OspfDatabase {
    /// An empty database.
    #[must_use]
    pub const fn new(process: u32, router_id: Ipv4Addr) -> Self {
        Self { router_id, process, areas: Vec::new(), external: Vec::new(), kind: None }
    }

    /// Writes LSAs type by type.
    fn write_sections(&self, f: &mut fmt::Formatter<'_>, lsas: &[Lsa], place: &str) -> fmt::Result {
        let mut lsas: Vec<&Lsa> =
            lsas.iter().filter(|lsa| self.kind.is_none_or(|kind| kind == lsa.header.kind)).collect();
        lsas.sort_by_key(|lsa| {
            (lsa.header.kind.number(), lsa.header.id, lsa.header.advertising_router, lsa.header.sequence)
        });
        for section in lsas.chunk_by(|one, next| one.header.kind == next.header.kind) {
            let Some(first) = section.first() else { continue };
            writeln!(f, "\n\t\t{}{place}\n", first.header.kind.heading())?;
            if self.kind.is_some() {
                section.iter().try_for_each(|lsa| lsa.write_in_full(f))?;
            } else {
                writeln!(f, "{}", first.columns())?;
                section.iter().try_for_each(|lsa| lsa.write_row(f))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for OspfDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { router_id, process, .. } = self;
        writeln!(f, "\n            OSPF Router with ID ({router_id}) (Process ID {process})")?;
        for OspfDatabaseArea { area, lsas } in &self.areas {
            self.write_sections(f, lsas, &format!(" (Area {area})"))?;
        }
        self.write_sections(f, &self.external, "")
    }
}
