//! The command `hemet`.
fn main() {}
