//! `show ip ospf`.

use core::fmt;
use core::net::Ipv4Addr;
use core::time::Duration;

use super::OspfAuthentication;
use crate::views::time::PreciseAge;

/// The OSPF process: `show ip ospf`. Lines of IOS about what is not there (event log, group pacing, traffic engineering)
/// are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OspfProcess {
    /// The number of the process.
    pub process: u32,
    /// The router id.
    pub router_id: Ipv4Addr,
    /// When the process started, counted from the start of the router.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::fraction"))]
    pub start: Duration,
    /// How long it runs.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::fraction"))]
    pub elapsed: Duration,
    /// Whether the router joins areas.
    pub area_border: bool,
    /// Whether the router brings routes into OSPF.
    pub as_boundary: bool,
    /// Where these routes come from, for example `static, includes subnets in redistribution`.
    pub redistributes: Vec<String>,
    /// Whether the router keeps transit traffic away (RFC 6987).
    pub max_metric: bool,
    /// Whether prefixes of transit links are left out (RFC 6860).
    pub prefix_suppression: bool,
    /// When SPF runs after a change.
    pub spf_throttle: OspfThrottle,
    /// When an LSA is originated again.
    pub lsa_throttle: OspfThrottle,
    /// How far apart two instances of an LSA from a peer must be.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::fraction"))]
    pub lsa_arrival: Duration,
    /// How many database exchanges may run at a time.
    pub adjacency_limit: u32,
    /// How many LSAs of other routers are kept at most; `None` is any number.
    pub lsa_limit: Option<u32>,
    /// The number of external LSAs.
    pub external_lsas: u32,
    /// The sum of their checksums.
    pub external_checksum: u32,
    /// The bandwidth that has cost 1, in megabits per second.
    pub reference_bandwidth: u32,
    /// Whether the router helps neighbours through a graceful restart (RFC 3623).
    pub restart_helper: bool,
    /// The areas.
    pub areas: Vec<OspfArea>,
}

/// An exponential back-off: the first delay, the hold time that doubles, and its limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OspfThrottle {
    /// The delay after a quiet time.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::fraction"))]
    pub initial: Duration,
    /// The time between the first two, which doubles from then on.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::fraction"))]
    pub hold: Duration,
    /// Where the doubling ends.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::fraction"))]
    pub maximum: Duration,
}

/// One area of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OspfArea {
    /// The number of the area; 0 is the backbone.
    pub area: u32,
    /// What may be flooded into it.
    pub kind: OspfAreaKind,
    /// How many interfaces are in it.
    pub interfaces: u32,
    /// How many of these are loopbacks.
    pub loopbacks: u32,
    /// How packets are authenticated.
    pub authentication: OspfAuthentication,
    /// How long ago SPF ran.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::fraction"))]
    pub spf_last: Option<Duration>,
    /// How often SPF ran.
    pub spf_runs: u64,
    /// How many LSAs the area has.
    pub lsas: u32,
    /// The sum of their checksums.
    pub checksum: u32,
}

words! {
    /// What may be flooded into an area.
    OspfAreaKind {
        /// Everything.
        Normal = "normal",
        /// No external routes.
        Stub = "stub",
        /// No external routes but those of its own.
        Nssa = "nssa",
    }
}

impl OspfProcess {
    /// A process with IOS's defaults and no areas.
    #[must_use]
    pub const fn new(process: u32, router_id: Ipv4Addr) -> Self {
        let throttle = OspfThrottle {
            initial: Duration::from_millis(50),
            hold: Duration::from_millis(200),
            maximum: Duration::from_secs(5),
        };
        Self {
            process,
            router_id,
            start: Duration::ZERO,
            elapsed: Duration::ZERO,
            area_border: false,
            as_boundary: false,
            redistributes: Vec::new(),
            max_metric: false,
            prefix_suppression: false,
            spf_throttle: throttle,
            lsa_throttle: throttle,
            lsa_arrival: Duration::from_millis(100),
            adjacency_limit: 300,
            lsa_limit: None,
            external_lsas: 0,
            external_checksum: 0,
            reference_bandwidth: 100,
            restart_helper: true,
            areas: Vec::new(),
        }
    }

    fn write_role(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.area_border, self.as_boundary) {
            (true, true) => writeln!(f, " It is an area border and autonomous system boundary router")?,
            (true, false) => writeln!(f, " It is an area border router")?,
            (false, true) => writeln!(f, " It is an autonomous system boundary router")?,
            (false, false) => {}
        }
        if !self.redistributes.is_empty() {
            writeln!(f, " Redistributing External Routes from,")?;
            self.redistributes.iter().try_for_each(|source| writeln!(f, "    {source}"))?;
        }
        if self.max_metric {
            writeln!(f, " Originating router-LSAs with maximum metric")?;
            writeln!(f, "    Condition: always, State: active")
        } else {
            writeln!(f, " Router is not originating router-LSAs with maximum metric")
        }
    }

    fn write_timers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OspfThrottle { initial, hold, maximum } = self.spf_throttle;
        writeln!(f, " Initial SPF schedule delay {} msecs", initial.as_millis())?;
        writeln!(f, " Minimum hold time between two consecutive SPFs {} msecs", hold.as_millis())?;
        writeln!(f, " Maximum wait time between two consecutive SPFs {} msecs", maximum.as_millis())?;
        writeln!(f, " Incremental-SPF disabled")?;
        let OspfThrottle { initial, hold, maximum } = self.lsa_throttle;
        writeln!(f, " Initial LSA throttle delay {} msecs", initial.as_millis())?;
        writeln!(f, " Minimum hold time for LSA throttle {} msecs", hold.as_millis())?;
        writeln!(f, " Maximum wait time for LSA throttle {} msecs", maximum.as_millis())?;
        writeln!(f, " Minimum LSA arrival {} msecs", self.lsa_arrival.as_millis())?;
        if let Some(limit) = self.lsa_limit {
            writeln!(f, " Maximum number of non self-generated LSA allowed {limit}")?;
        }
        let limit = self.adjacency_limit;
        writeln!(f, " EXCHANGE/LOADING adjacency limit: initial {limit}, process maximum {limit}")
    }
}

impl fmt::Display for OspfProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, " Routing Process \"ospf {}\" with ID {}", self.process, self.router_id)?;
        let (start, elapsed) = (PreciseAge(self.start), PreciseAge(self.elapsed));
        writeln!(f, " Start time: {start}, Time elapsed: {elapsed}")?;
        writeln!(f, " Supports only single TOS(TOS0) routes")?;
        writeln!(f, " Supports opaque LSA")?;
        writeln!(f, " Supports Link-local Signaling (LLS)")?;
        self.write_role(f)?;
        self.write_timers(f)?;
        let (count, sum) = (self.external_lsas, self.external_checksum);
        writeln!(f, " Number of external LSA {count}. Checksum Sum 0x{sum:06X}")?;
        let of = |kind| self.areas.iter().filter(|area| area.kind == kind).count();
        writeln!(
            f,
            " Number of areas in this router is {}. {} normal {} stub {} nssa",
            self.areas.len(),
            of(OspfAreaKind::Normal),
            of(OspfAreaKind::Stub),
            of(OspfAreaKind::Nssa)
        )?;
        if self.restart_helper {
            writeln!(f, " IETF NSF helper support enabled")?;
        }
        if self.prefix_suppression {
            writeln!(f, " Prefix-suppression is enabled")?;
        }
        writeln!(f, " Reference bandwidth unit is {} mbps", self.reference_bandwidth)?;
        self.areas.iter().try_for_each(|area| area.write(f))
    }
}

impl OspfArea {
    /// A normal area with nothing in it.
    #[must_use]
    pub const fn new(area: u32) -> Self {
        Self {
            area,
            kind: OspfAreaKind::Normal,
            interfaces: 0,
            loopbacks: 0,
            authentication: OspfAuthentication::None,
            spf_last: None,
            spf_runs: 0,
            lsas: 0,
            checksum: 0,
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.area {
            0 => writeln!(f, "    Area BACKBONE(0)")?,
            area => writeln!(f, "    Area {area}")?,
        }
        write!(f, "        Number of interfaces in this area is {}", self.interfaces)?;
        match self.loopbacks {
            0 => writeln!(f)?,
            loopbacks => writeln!(f, " ({loopbacks} loopback)")?,
        }
        match self.kind {
            OspfAreaKind::Normal => {}
            OspfAreaKind::Stub => writeln!(f, "        It is a stub area")?,
            OspfAreaKind::Nssa => writeln!(f, "        It is a NSSA area")?,
        }
        writeln!(f, "        Area has {}", self.authentication)?;
        match self.spf_last {
            Some(ago) => writeln!(f, "        SPF algorithm last executed {} ago", PreciseAge(ago))?,
            None => writeln!(f, "        SPF algorithm last executed never")?,
        }
        writeln!(f, "        SPF algorithm executed {} times", self.spf_runs)?;
        writeln!(f, "        Area ranges are")?;
        writeln!(f, "        Number of LSA {}. Checksum Sum 0x{:06X}", self.lsas, self.checksum)
    }
}
