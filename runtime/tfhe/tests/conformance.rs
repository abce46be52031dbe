//! The backend and its client pass the suite, and the suite finds a backend that should not.

use std::cell::Cell;

use hemet_schedule::tfhe::{Op, Verified};
use hemet_tfhe::conformance::{Bench, cases, refusals, run, run_cases};
use hemet_tfhe::{ClientKey, EncryptedInput, EncryptedOutput, Error, EvaluationKeys, Server, Spec};

/// The client and the server of this crate.
struct Ours;

impl Bench for Ours {
    type Client = ClientKey;
    type Server = Server;

    fn client(&self, spec: &Spec) -> Result<ClientKey, Error> {
        let key = ClientKey::generate(spec)?;
        ClientKey::from_bytes(&key.to_bytes()?)
    }

    fn keys(&self, client: &ClientKey) -> Result<Vec<u8>, Error> {
        client.evaluation_keys()?.to_bytes()
    }

    fn server(&self, verified: Verified, keys: &[u8]) -> Result<Server, Error> {
        Server::new(verified, &EvaluationKeys::from_bytes(keys)?)
    }

    fn encrypt(&self, client: &ClientKey, input: &[i64]) -> Result<Vec<u8>, Error> {
        Ok(client.encrypt(input)?.to_bytes())
    }

    fn execute(&self, server: &Server, request: &[u8], threads: usize) -> Result<Vec<u8>, Error> {
        let input = EncryptedInput::from_bytes(request)?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let output = pool.unwrap().install(|| server.execute(&input))?;
        Ok(output.to_bytes())
    }

    fn decrypt(&self, client: &ClientKey, response: &[u8]) -> Result<Vec<i64>, Error> {
        client.decrypt(&EncryptedOutput::from_bytes(response)?)
    }
}

#[test]
fn the_backend_conforms() {
    let outcomes = run(&Ours).unwrap();
    for outcome in &outcomes {
        assert!(outcome.passed(), "{outcome:?}");
    }
    assert!(outcomes.len() >= 50, "{}", outcomes.len());
}

#[test]
fn what_must_be_refused_is_refused() {
    let found = refusals(&Ours).unwrap();
    for refusal in &found {
        assert!(refusal.error.is_some(), "{} was taken", refusal.what);
    }
    assert!(found.len() >= 35, "{}", found.len());
}

#[test]
fn every_instruction_has_a_case() {
    let kind = |op: &Op| match op {
        Op::Input => "input",
        Op::Linear { step: 1, .. } => "linear",
        Op::Linear { .. } => "linear with a step",
        Op::KeySwitch { .. } => "keyswitch",
        Op::Halve { .. } => "halve",
        Op::Bootstrap { .. } => "bootstrap",
    };
    let cases = cases().unwrap();
    let all = cases.iter().flat_map(|case| &case.schedule.instructions);
    let mut kinds: Vec<&str> = all.map(|instruction| kind(&instruction.op)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), 6, "{kinds:?}");
}

#[test]
fn two_encryptions_of_one_input_differ() {
    let case = cases().unwrap().swap_remove(0);
    let client = Ours.client(&Spec::of(&case.schedule)).unwrap();
    let encrypt = || Ours.encrypt(&client, &case.inputs[0]).unwrap();
    assert_ne!(encrypt(), encrypt());
}

/// Ours, but every seventh decrypted number is one too large: a wrong box.
struct Wrong(Cell<usize>);

impl Bench for Wrong {
    type Client = ClientKey;
    type Server = Server;

    fn client(&self, spec: &Spec) -> Result<ClientKey, Error> {
        Ours.client(spec)
    }

    fn keys(&self, client: &ClientKey) -> Result<Vec<u8>, Error> {
        Ours.keys(client)
    }

    fn server(&self, verified: Verified, keys: &[u8]) -> Result<Server, Error> {
        Ours.server(verified, keys)
    }

    fn encrypt(&self, client: &ClientKey, input: &[i64]) -> Result<Vec<u8>, Error> {
        // Takes any input: it is brought into the range and to the length first.
        let spec = &client.spec().input;
        let mut input: Vec<i64> = input
            .iter()
            .map(|v| (*v).clamp(spec.low, spec.high))
            .collect();
        input.resize(spec.count as usize, 0);
        Ours.encrypt(client, &input)
    }

    fn execute(&self, server: &Server, request: &[u8], _threads: usize) -> Result<Vec<u8>, Error> {
        Ours.execute(server, request, 1)
    }

    fn decrypt(&self, client: &ClientKey, response: &[u8]) -> Result<Vec<i64>, Error> {
        let mut values = Ours.decrypt(client, response)?;
        for value in &mut values {
            self.0.set(self.0.get() + 1);
            *value += i64::from(self.0.get().is_multiple_of(7));
        }
        Ok(values)
    }
}

#[test]
fn the_suite_finds_wrong_numbers_and_inputs_that_are_taken() {
    let wrong = Wrong(Cell::new(0));
    let two = cases().unwrap().into_iter().take(2).collect();
    let outcomes = run_cases(&wrong, two).unwrap();
    assert!(outcomes.iter().all(|outcome| !outcome.passed()));
    let taken: Vec<String> = (refusals(&wrong).unwrap().into_iter())
        .filter(|refusal| refusal.error.is_none())
        .map(|refusal| refusal.what)
        .collect();
    assert_eq!(taken.len(), 7, "{taken:?}");
}
