//! `hemet inspect`: what is in an artifact, layer by layer, and its level diagram.

use crate::common;
use crate::error::Error;
use crate::schemes;
pub use crate::schemes::args::Inspect as Args;

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let door = schemes::at(&args.artifact)?;
    if args.schedule {
        let model = schemes::open(&args.artifact)?;
        common::tell(&model.spec()?.facts().notices());
        print!("{}", model.text());
        return Ok(());
    }
    door.inspect(args)
}
