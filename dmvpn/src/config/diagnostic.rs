//! What is said about a configuration.

use core::fmt;

use super::Line;

/// How bad a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// The router runs, but likely not as its owner means it.
    Warning,
    /// The configuration cannot be used as it is.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What a [`Diagnostic`] is about, for programs: names stay the same while messages may become better.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule { $($(#[$doc])* $name,)* }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The rule's name in lower case with hyphens, as a report for a program has it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

rules! {
    /// The line is known to IOS and changes nothing here.
    NoEffect = "no-effect",
    /// The line is not known and is left out.
    UnknownLine = "unknown-line",
    /// A word is not one of those that may stand there.
    UnexpectedWord = "unexpected-word",
    /// The line ends too early.
    Incomplete = "incomplete",
    /// An abbreviation fits several words.
    Ambiguous = "ambiguous",
    /// A number is outside its range.
    OutOfRange = "out-of-range",
    /// An address, mask, prefix or key does not have the form that it must have.
    BadValue = "bad-value",
    /// IOS knows the value and this router does not have it.
    Unsupported = "unsupported",
    /// One setting is made twice in one section, with different values.
    SetTwice = "set-twice",
    /// A later line replaces or repeats an earlier one, or goes on with an earlier section.
    Replaced = "replaced",
    /// A word means something here and something else at top level; says how it was taken.
    TakenAs = "taken-as",
    /// A name is used that is not defined.
    UnresolvedName = "unresolved-name",
    /// A name is defined and never used.
    UnusedName = "unused-name",
    /// Two tunnels share a source and cannot be told apart.
    SharedSource = "shared-source",
    /// An element lacks something without which it cannot work.
    Missing = "missing",
    /// Two elements contradict each other.
    Conflict = "conflict",
    /// A next-hop server has no way to its underlay address.
    UnmappedNhs = "unmapped-nhs",
    /// IOS would not take this.
    NotForIos = "not-for-ios",
    /// A segment size is not clamped, or not enough.
    Mss = "mss",
    /// NHRP redirect or shortcut does not go with the rest.
    Phase = "phase",
    /// A timer does not go with another one.
    Timers = "timers",
    /// The encapsulation mode is not the one that DMVPN uses.
    IpsecMode = "ipsec-mode",
    /// The OSPF network type does not go with a multipoint tunnel.
    OspfNetworkType = "ospf-network-type",
    /// The cryptography is weak or the key too open.
    Weak = "weak",
    /// Of a cloud: no file is the configuration of a next-hop server.
    UnknownHub = "unknown-hub",
    /// Of a cloud: a spoke maps its hub to an address that is not the hub's.
    HubMapping = "hub-mapping",
    /// Of a cloud: two ends have different GRE keys.
    TunnelKey = "tunnel-key",
    /// Of a cloud: two ends have different NHRP authentications, or one has none.
    Authentication = "authentication",
    /// Of a cloud: two ends have different network-ids.
    NetworkId = "network-id",
    /// Of a cloud: a spoke behind a NAT registers less often than the NAT forgets.
    NatTimers = "nat-timers",
    /// Of a cloud: a hub redirects and a spoke takes no shortcuts, or the other way round.
    Redirect = "redirect",
    /// Of a cloud: one end is protected and the other is not.
    Protection = "protection",
    /// Of a cloud: two ends have different pre-shared keys for each other, or none.
    PreSharedKey = "pre-shared-key",
    /// Of a cloud: an end does not accept what the other says it is.
    PeerIdentity = "peer-identity",
    /// Of a cloud: two ends have no IKEv2 proposal in common.
    Proposal = "proposal",
    /// Of a cloud: two ends have no transform set in common.
    TransformSet = "transform-set",
    /// Of a cloud: two ends differ in perfect forward secrecy.
    Secrecy = "secrecy",
    /// Of a cloud: two ends are in different OSPF areas, or only one is in any.
    OspfArea = "ospf-area",
    /// Of a cloud: two ends have different OSPF timers.
    OspfTimers = "ospf-timers",
    /// Of a cloud: two ends authenticate OSPF in different ways or with different keys.
    OspfAuthentication = "ospf-authentication",
    /// Of a cloud: two ends have different MTUs, which OSPF compares.
    OspfMtu = "ospf-mtu",
    /// Of a cloud: two routers have the same address, or announce the same network.
    DuplicateAddress = "duplicate-address",
    /// Of a cloud: two routers have the same OSPF router id.
    DuplicateRouterId = "duplicate-router-id",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One thing said about a configuration: where, how bad, what, and what was expected instead.
///
/// Its `Display` is one line in the form of a compiler's:
///
/// ```text
/// spoke1.cfg:12: error: 'grup 14': expected one of encryption, integrity, prf, group
/// ```
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub rule: Rule,
    /// The file and line.
    pub line: Line,
    /// The column of the first of the words, in characters, counted from 1; 0 when it is about no word in particular.
    pub column: u32,
    /// The words that it stumbled over. What stands where a key or password belongs is never among them.
    pub words: String,
    /// What is the matter; may be empty when `expected` says it all.
    pub message: String,
    /// What would have been right, or the line to add; may be empty.
    pub expected: String,
}

impl Diagnostic {
    /// A diagnostic without words.
    #[must_use]
    pub fn new(severity: Severity, rule: Rule, line: Line, message: impl Into<String>) -> Self {
        Self {
            severity,
            rule,
            line,
            column: 0,
            words: String::new(),
            message: message.into(),
            expected: String::new(),
        }
    }

    /// The same, with what would have been right.
    #[must_use]
    pub fn expecting(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    /// The same, about these words.
    #[must_use]
    pub fn about(mut self, words: impl Into<String>, column: u32) -> Self {
        self.words = words.into();
        self.column = column;
        self
    }

    /// Whether it is an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Unlike that of [`Line`] alone, this compares the place too: the same message at another line is another diagnostic.
impl PartialEq for Diagnostic {
    fn eq(&self, other: &Self) -> bool {
        self.severity == other.severity
            && self.rule == other.rule
            && self.line.file == other.line.file
            && self.line.number == other.line.number
            && self.column == other.column
            && self.words == other.words
            && self.message == other.message
            && self.expected == other.expected
    }
}

impl Eq for Diagnostic {}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.line, self.severity)?;
        if !self.words.is_empty() {
            write!(f, "'{}': ", self.words)?;
        }
        f.write_str(&self.message)?;
        match (self.message.is_empty(), self.expected.is_empty()) {
            (_, true) => Ok(()),
            (true, false) => write!(f, "expected {}", self.expected),
            (false, false) => write!(f, "; expected {}", self.expected),
        }
    }
}
