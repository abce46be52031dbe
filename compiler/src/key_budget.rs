//! How many bytes of evaluation keys a compilation may ask of a client.

/// How many bytes of evaluation keys a client may have to send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyBudget {
    /// As many as are worth their time: the knee of the curve of time against bytes ([`crate::maps`]). Up to 95 MiB
    /// are never saved.
    #[default]
    Knee,
    /// At most so many MiB, 1 to 2^20; where no way is found to stay within them, the network is refused.
    AtMost(u32),
    /// As many as make the quickest schedule.
    Unbounded,
}

impl std::fmt::Display for KeyBudget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            KeyBudget::Knee => f.write_str("the knee of time against bytes"),
            KeyBudget::AtMost(mib) => write!(f, "{mib} MiB"),
            KeyBudget::Unbounded => f.write_str("none"),
        }
    }
}
