//! `hemet inspect`: what is in an artifact, layer by layer, and its level diagram.

use hemet_schedule::container::format_version;

use crate::common;
use crate::error::Error;
pub use crate::schemes::args::Inspect as Args;
use crate::schemes::{self, card};

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let door = schemes::at(&args.artifact)?;
    if args.schedule {
        let model = schemes::open(&args.artifact)?;
        common::tell(&model.spec()?.facts().notices());
        print!("{}", model.text());
        return Ok(());
    }
    if args.card {
        let model = schemes::open(&args.artifact)?;
        let version = format_version(&args.artifact)?;
        print!("{}", card::card(model.as_ref(), version)?);
        return Ok(());
    }
    door.inspect(args)
}
