//! `show ip ospf`, `show ip ospf neighbor`, `show ip ospf interface`, `show ip ospf database`.

mod database;
mod interface;
mod lsa;
mod neighbor;
mod process;
#[cfg(test)]
mod tests;

pub use self::database::{OspfDatabase, OspfDatabaseArea};
pub use self::interface::{OspfInterface, OspfInterfaces, OspfNetworkType};
pub use self::lsa::{Lsa, LsaBody, LsaHeader, LsaKind, OspfLink, OspfLinkKind};
pub use self::neighbor::{OspfNeighbor, OspfNeighborState, OspfNeighbors};
pub use self::process::{OspfArea, OspfAreaKind, OspfProcess, OspfThrottle};

words! {
    /// How OSPF packets are authenticated, in the words of `show ip ospf`.
    OspfAuthentication {
        /// Not at all.
        None = "no authentication",
        /// With a password in clear text.
        Simple = "simple password authentication",
        /// With a keyed digest.
        Cryptographic = "message digest authentication",
    }
}
