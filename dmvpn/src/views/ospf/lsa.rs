//! One LSA of `show ip ospf database`.

use core::fmt;
use core::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// A link state advertisement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Lsa {
    /// What all LSAs have.
    pub header: LsaHeader,
    /// What it says.
    pub body: LsaBody,
}

/// The header of an LSA (RFC 2328 section A.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct LsaHeader {
    /// Its age in seconds.
    pub age: u16,
    /// Its options.
    pub options: u8,
    /// Its type.
    pub kind: LsaKind,
    /// Its link state id.
    pub id: Ipv4Addr,
    /// Who originated it.
    pub advertising_router: Ipv4Addr,
    /// Its sequence number.
    pub sequence: u32,
    /// Its checksum.
    pub checksum: u16,
    /// Its length in bytes, header included.
    pub length: u16,
}

/// What an LSA says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum LsaBody {
    /// The links of a router.
    Router {
        /// Whether it joins areas.
        area_border: bool,
        /// Whether it brings routes into OSPF.
        as_boundary: bool,
        /// Its links.
        links: Vec<OspfLink>,
    },
    /// The routers of a network.
    Network {
        /// The network's prefix length.
        prefix_len: u8,
        /// The routers.
        attached: Vec<Ipv4Addr>,
    },
    /// A route of another area, to a network or (with prefix length 0) to an AS boundary router.
    Summary {
        /// The network's prefix length.
        prefix_len: u8,
        /// The cost.
        metric: u32,
    },
    /// A route from outside.
    External {
        /// The network's prefix length.
        prefix_len: u8,
        /// Whether the metric is larger than any path within OSPF.
        type_2: bool,
        /// The metric.
        metric: u32,
        /// Where packets are to be sent; unspecified is the advertising router itself.
        forward: Ipv4Addr,
        /// The tag.
        tag: u32,
    },
    /// Something that this router floods without reading it.
    Opaque,
}

/// One link of a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OspfLink {
    /// What it leads to.
    pub kind: OspfLinkKind,
    /// Which one: router id, network, or address of the designated router.
    pub id: Ipv4Addr,
    /// The router's own address, or the network's mask.
    pub data: Ipv4Addr,
    /// The cost.
    pub metric: u16,
}

words! {
    /// What a router's link leads to.
    OspfLinkKind {
        /// A router.
        PointToPoint = "another Router (point-to-point)",
        /// A network with other routers.
        Transit = "a Transit Network",
        /// A network without other routers.
        Stub = "a Stub Network",
        /// A router, through an area.
        Virtual = "a Virtual Link",
    }
}

/// The type of an LSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum LsaKind {
    /// Type 1.
    Router,
    /// Type 2.
    Network,
    /// Type 3.
    Summary,
    /// Type 4.
    AsbrSummary,
    /// Type 5.
    External,
    /// Type 7.
    Nssa,
    /// Types 9 to 11.
    Opaque(u8),
    /// Any other.
    Other(u8),
}

impl LsaKind {
    /// The type with this number (RFC 2328 section A.4.1, RFC 3101, RFC 5250).
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Router,
            2 => Self::Network,
            3 => Self::Summary,
            4 => Self::AsbrSummary,
            5 => Self::External,
            7 => Self::Nssa,
            9..=11 => Self::Opaque(number),
            _ => Self::Other(number),
        }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Router => 1,
            Self::Network => 2,
            Self::Summary => 3,
            Self::AsbrSummary => 4,
            Self::External => 5,
            Self::Nssa => 7,
            Self::Opaque(number) | Self::Other(number) => number,
        }
    }

    /// The heading of its section.
    pub(super) fn heading(self) -> String {
        match self {
            Self::Router => "Router Link States".to_owned(),
            Self::Network => "Net Link States".to_owned(),
            Self::Summary => "Summary Net Link States".to_owned(),
            Self::AsbrSummary => "Summary ASB Link States".to_owned(),
            Self::External => "Type-5 AS External Link States".to_owned(),
            Self::Nssa => "Type-7 AS External Link States".to_owned(),
            Self::Opaque(9) => "Type-9 Opaque Link Local Link States".to_owned(),
            Self::Opaque(10) => "Type-10 Opaque Area Link States".to_owned(),
            Self::Opaque(11) => "Type-11 Opaque AS Link States".to_owned(),
            Self::Opaque(number) | Self::Other(number) => format!("Type-{number} Link States"),
        }
    }

    /// Its name in a single LSA.
    fn name(self) -> String {
        match self {
            Self::Router => "Router Links".to_owned(),
            Self::Network => "Network Links".to_owned(),
            Self::Summary => "Summary Links(Network)".to_owned(),
            Self::AsbrSummary => "Summary Links(AS Boundary Router)".to_owned(),
            Self::External | Self::Nssa => "AS External Link".to_owned(),
            Self::Opaque(9) => "Opaque Link Local Link".to_owned(),
            Self::Opaque(10) => "Opaque Area Link".to_owned(),
            Self::Opaque(11) => "Opaque AS Link".to_owned(),
            Self::Opaque(number) | Self::Other(number) => format!("Type {number}"),
        }
    }

    /// What IOS writes behind the link state id.
    const fn id_note(self) -> &'static str {
        match self {
            Self::Network => " (address of Designated Router)",
            Self::Summary => " (summary Network Number)",
            Self::AsbrSummary => " (AS Boundary Router address)",
            Self::External | Self::Nssa => " (External Network Number )",
            _ => "",
        }
    }
}

impl Lsa {
    /// The line of a summary list: its columns are those of [`Lsa::columns`].
    pub(super) fn write_row(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LsaHeader { age, id, advertising_router, sequence, checksum, .. } = self.header;
        write!(f, "{id:<15} {advertising_router:<15} {age:<11} 0x{sequence:08X} 0x{checksum:06X}")?;
        match &self.body {
            LsaBody::Router { links, .. } => writeln!(f, " {}", links.len()),
            LsaBody::External { tag, .. } => writeln!(f, " {tag}"),
            LsaBody::Opaque if matches!(self.header.kind, LsaKind::Opaque(_)) => {
                let [_, a, b, c] = id.octets();
                writeln!(f, " {}", u32::from_be_bytes([0, a, b, c]))
            }
            _ => writeln!(f),
        }
    }

    /// The names of the columns of a summary list.
    pub(super) fn columns(&self) -> &'static str {
        match (&self.body, self.header.kind) {
            (LsaBody::Router { .. }, _) => {
                "Link ID         ADV Router      Age         Seq#       Checksum Link count"
            }
            (LsaBody::External { .. }, _) => {
                "Link ID         ADV Router      Age         Seq#       Checksum Tag"
            }
            (LsaBody::Opaque, LsaKind::Opaque(_)) => {
                "Link ID         ADV Router      Age         Seq#       Checksum Opaque ID"
            }
            _ => "Link ID         ADV Router      Age         Seq#       Checksum",
        }
    }

    /// The LSA in full.
    pub(super) fn write_in_full(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LsaHeader { age, options, kind, id, advertising_router, sequence, checksum, length } =
            self.header;
        writeln!(f, "  LS age: {age}")?;
        let circuits = if options & 0x20 == 0 { "No DC" } else { "DC" };
        writeln!(f, "  Options: (No TOS-capability, {circuits})")?;
        writeln!(f, "  LS Type: {}", kind.name())?;
        writeln!(f, "  Link State ID: {id}{}", kind.id_note())?;
        writeln!(f, "  Advertising Router: {advertising_router}")?;
        writeln!(f, "  LS Seq Number: {sequence:08X}")?;
        writeln!(f, "  Checksum: 0x{checksum:X}")?;
        writeln!(f, "  Length: {length}")?;
        self.body.write(f)?;
        writeln!(f)
    }
}

impl LsaBody {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Router { area_border, as_boundary, links } => {
                if *area_border {
                    writeln!(f, "  Area Border Router")?;
                }
                if *as_boundary {
                    writeln!(f, "  AS Boundary Router")?;
                }
                writeln!(f, "  Number of Links: {}", links.len())?;
                links.iter().try_for_each(|link| link.write(f))
            }
            Self::Network { prefix_len, attached } => {
                writeln!(f, "  Network Mask: /{prefix_len}")?;
                attached.iter().try_for_each(|router| writeln!(f, "        Attached Router: {router}"))
            }
            Self::Summary { prefix_len, metric } => {
                writeln!(f, "  Network Mask: /{prefix_len}")?;
                writeln!(f, "        MTID: 0         Metric: {metric}")
            }
            Self::External { prefix_len, type_2, metric, forward, tag } => {
                writeln!(f, "  Network Mask: /{prefix_len}")?;
                let kind = if *type_2 {
                    "2 (Larger than any link state path)"
                } else {
                    "1 (Comparable directly to link state metric)"
                };
                writeln!(f, "        Metric Type: {kind}")?;
                writeln!(f, "        MTID: 0")?;
                writeln!(f, "        Metric: {metric}")?;
                writeln!(f, "        Forward Address: {forward}")?;
                writeln!(f, "        External Route Tag: {tag}")
            }
            Self::Opaque => Ok(()),
        }
    }
}

impl OspfLink {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, id, data, metric } = self;
        writeln!(f, "\n    Link connected to: {kind}")?;
        let (id_words, data_words) = match kind {
            OspfLinkKind::PointToPoint | OspfLinkKind::Virtual => {
                ("Neighboring Router ID", "Router Interface address")
            }
            OspfLinkKind::Transit => ("Designated Router address", "Router Interface address"),
            OspfLinkKind::Stub => ("Network/subnet number", "Network Mask"),
        };
        writeln!(f, "     (Link ID) {id_words}: {id}")?;
        writeln!(f, "     (Link Data) {data_words}: {data}")?;
        writeln!(f, "      Number of MTID metrics: 0")?;
        writeln!(f, "       TOS 0 Metrics: {metric}")
    }
}

impl OspfLink {
    /// The prefix of a stub link; `None` for any other, and where the mask is none.
    #[must_use]
    pub fn stub_prefix(&self) -> Option<Ipv4Net> {
        if self.kind != OspfLinkKind::Stub {
            return None;
        }
        Ipv4Net::with_netmask(self.id, self.data).ok()
    }
}
