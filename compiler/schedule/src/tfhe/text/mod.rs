//! The text form of a schedule: printer and parser; `parse(&print(s), constants)` gives back every valid `s`.
//!
//! ```text
//! hemet-tfhe-schedule 1
//! failure 2^-40 prediction
//! input 0 3
//! output logits -30 40 bytes 2
//!
//! layer hidden
//! %0 = input : lwe 64 1_2 small turn 30
//! %1 = linear %0 @hidden/map step 1 entries 3072 fan_in 64 weight 1 norm2 40 : lwe 48 1_2 small turn 30
//! %2 = bootstrap %1 @hidden/table turn 71 range 0 3 : lwe 48 1_2 big turn 71
//! layer head
//! %3 = linear %2 @head/map step 1 entries 480 fan_in 48 weight 3 norm2 90 : lwe 10 1_2 big turn 71
//! output %3 range -30 40
//! ```
//!
//! - The first line is the format version; a newer one is refused by name. `failure` is for a `prediction` or a
//!   `bootstrap`.
//! - `layer NAME` names the layer of the instructions below it. Values count up from `%0`.
//! - After `:` stands the type: count, parameter set, key, boxes of a turn. Constants stand apart and are named after
//!   `@`.
//! - The `output` lines at the end are the parts, which the client adds up. `#` starts a comment.
//!
//! The parser checks form only; [`crate::tfhe::verify`] checks the rest.

mod parse;
mod print;

pub use parse::parse;
pub use print::print;

/// Newest version of the text form, which the printer writes.
pub const VERSION: u32 = 1;

/// Longest text that the parser reads: 16 MiB.
pub const MAX_TEXT_BYTES: usize = 16 << 20;
