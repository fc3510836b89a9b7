//! Small typed names for the things a router has several of.

use core::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])+ $name:ident($inner:ty) $prefix:literal;)+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $inner);

        impl $name {
            pub(crate) const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    )+};
}

ids! {
    /// A tunnel of this router, in the order of the configuration.
    TunnelId(u32) "tunnel ";
    /// An underlay address of this router: the source of one or more tunnels.
    UnderlayId(u32) "underlay ";
    /// A way to one peer on the underlay: a pair of SAs, or a plain address where a tunnel has no protection.
    PathId(u32) "path ";
}
