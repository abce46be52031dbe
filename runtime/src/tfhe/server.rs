//! The server's half under TFHE: the tables of an artifact prepared once, requests of any number of clients answered.
//! Nothing here can decrypt.

use std::sync::Arc;

use hemet_schedule::tfhe::Verified;
use hemet_tfhe::{EncryptedInput, EvaluationKeys, Program, Server, Spec};

use super::error::refused;
use crate::door::{Admitted, Limits, Service};
use crate::error::Result;
use crate::observe::{Moment, Observer, Progress};

/// More than seeds and heads take beside the numbers of keys or inputs.
const HEADS: u64 = 1 << 16;

/// A schedule with its tables.
pub(super) struct TfheService {
    program: Arc<Program>,
    limits: Limits,
}

impl TfheService {
    pub(super) fn new(schedule: Verified) -> Result<Self> {
        let spec = Spec::of(&schedule);
        let limits = Limits {
            key_bytes: spec.evaluation_key_bytes() + HEADS,
            request_bytes: 8 * u64::from(spec.input.count) + HEADS,
        };
        let program = Arc::new(Program::new(schedule).map_err(refused)?);
        Ok(Self { program, limits })
    }
}

impl Service for TfheService {
    fn limits(&self) -> Limits {
        self.limits
    }

    fn admit(&self, keys: &[u8]) -> Result<Box<dyn Admitted>> {
        let keys = EvaluationKeys::from_bytes(keys).map_err(refused)?;
        let server = Server::with_program(self.program.clone(), &keys).map_err(refused)?;
        Ok(Box::new(WithKeys { server }))
    }
}

/// The tables with the keys of one client.
struct WithKeys {
    server: Server,
}

impl Admitted for WithKeys {
    fn answer(&self, request: &[u8], observe: &mut Observer<'_>) -> Result<Vec<u8>> {
        let input = EncryptedInput::from_bytes(request).map_err(refused)?;
        let mut tell = |begins: bool, instruction: usize, total: usize, layer: &str| {
            let moment = if begins { Moment::Begin } else { Moment::End };
            observe(&Progress {
                moment,
                instruction,
                total,
                layer,
            });
        };
        let output = self.server.execute_with(&input, &mut tell);
        Ok(output.map_err(refused)?.to_bytes())
    }
}
