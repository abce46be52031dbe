//! `hemet bench`: latency, sizes and error of an artifact on this machine.

use std::time::Instant;

use hemet_runtime::alone;

use crate::common;
use crate::error::Error;
use crate::schemes;
pub use crate::schemes::args::Bench as Args;

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    if args.serve {
        let begin = Instant::now();
        let clock_s = || begin.elapsed().as_secs_f64();
        let serve = || alone::serve(&args.artifact, args.constant_bytes(), &clock_s);
        return Ok(common::pool(args.threads)?.install(serve)?);
    }
    if args.runs == 0 {
        return Err(Error::user("--runs is 0; give at least 1"));
    }
    schemes::at(&args.artifact)?.bench(args)
}
