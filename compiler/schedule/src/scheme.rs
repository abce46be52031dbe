//! Which scheme an artifact is for: its first bytes say it, so that nobody reads a manifest to know which reader to
//! ask.

/// The list of schemes: what each does, its name, the first bytes of its artifacts, and its bits in the mark of every
/// other file.
macro_rules! schemes {
    ($($(#[$what:meta])* $variant:ident $name:literal $mark:literal $bits:literal),+ $(,)?) => {
        /// The scheme that an artifact's schedule is for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Scheme {
            $($(#[$what])* $variant),+
        }

        impl Scheme {
            /// Every scheme.
            pub const ALL: [Scheme; [$($name),+].len()] = [$(Scheme::$variant),+];

            /// The word for it in files and messages.
            pub fn name(self) -> &'static str {
                match self {
                    $(Scheme::$variant => $name),+
                }
            }

            /// The first bytes of its artifacts. The first byte is no ASCII and a line end follows, so that a transfer
            /// which changes text shows at once.
            pub fn mark(self) -> &'static [u8; 8] {
                match self {
                    $(Scheme::$variant => $mark),+
                }
            }

            /// What it changes in the byte that says the kind of a key, a spec, a request or an answer.
            pub fn file_bits(self) -> u8 {
                match self {
                    $(Scheme::$variant => $bits),+
                }
            }
        }
    };
}

schemes! {
    /// Approximate arithmetic on a vector of numbers a ciphertext ([`crate::ckks`]).
    Ckks "ckks" b"\x89HEMET\r\n" 0,
    /// Exact tables on an integer a ciphertext.
    Tfhe "tfhe" b"\x89HMTFH\r\n" 0x20,
}

impl Scheme {
    /// The scheme of the artifact that a file begins with; none where it is no artifact.
    pub fn of_file(start: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|scheme| start.starts_with(scheme.mark()))
    }
}
