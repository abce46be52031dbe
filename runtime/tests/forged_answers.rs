//! Answers that no honest server gives are refused as failed checks, with their numbers.

mod common;

use std::sync::Arc;

use common::{PERIOD, network, numbers, tiny};
use hemet_ckks::{Ciphertext, Context};
use hemet_runtime::{Client, RuntimeError, Server, ServerKeys, unobserved};
use hemet_schedule::{Artifact, Manifest};

/// Bytes before the first ciphertext of an answer: envelope, answered request, number and length of ciphertexts.
const BEFORE: usize = 96 + 48 + 4 + 8;

struct Scene {
    client: Client,
    server: Server,
    keys: ServerKeys,
    context: Arc<Context>,
}

impl Scene {
    fn new() -> Self {
        let artifact = Artifact::new(Manifest::new("ours"), network(tiny(), 3));
        let server = Server::new(Box::new(artifact)).unwrap();
        let (client, keys) = Client::generate(server.client_spec()).unwrap();
        let keys = server.keys(&keys).unwrap();
        Self {
            client,
            keys,
            server,
            context: Context::new(tiny()),
        }
    }

    /// A request, and its honest answer.
    fn asked(&self, seed: u64) -> (Vec<u8>, Vec<u8>) {
        let request = self.client.encrypt(&numbers(PERIOD, seed)).unwrap();
        let answer = self.server.answer(&self.keys, &request, &mut unobserved);
        (request, answer.unwrap())
    }

    /// The answer with another ciphertext, under a length and a sum that fit.
    fn forged(&self, answer: &[u8], change: impl FnOnce(&Ciphertext) -> Ciphertext) -> Vec<u8> {
        let honest = Ciphertext::from_bytes(&self.context, &answer[BEFORE..]).unwrap();
        let forged = change(&honest).to_bytes(&self.context);
        let length = (forged.len() as u64).to_le_bytes();
        let payload = [&answer[96..BEFORE - 8], &length, &forged].concat();
        let mut head = answer[..64].to_vec();
        head[56..].copy_from_slice(&(payload.len() as u64).to_le_bytes());
        let mut hasher = blake3::Hasher::new();
        let sum = *hasher.update(&head).update(&payload).finalize().as_bytes();
        [head, sum.to_vec(), payload].concat()
    }

    /// The answer with numbers added to its slots, as any server can.
    fn shifted(&self, answer: &[u8], slots: &[f64]) -> Vec<u8> {
        self.forged(answer, |honest| {
            let plain = self.context.encode(slots, honest.scale(), honest.level());
            self.context.add_plain(honest, &plain.unwrap()).unwrap()
        })
    }

    fn said(&self, request: &[u8], answer: &[u8]) -> String {
        let error = self.client.decrypt_for(request, answer, 1).unwrap_err();
        assert!(error.is_failed_check(), "{error}");
        error.to_string()
    }
}

#[test]
fn an_honest_answer_is_taken_and_stays_so_when_it_is_written_again() {
    let scene = Scene::new();
    let (request, answer) = scene.asked(5);
    assert!(scene.client.decrypt_for(&request, &answer, 1).is_ok());
    assert_eq!(scene.forged(&answer, Ciphertext::clone), answer);
}

#[test]
fn a_ciphertext_of_zeros_is_refused() {
    let scene = Scene::new();
    let (request, answer) = scene.asked(5);
    let zeros = |honest: &Ciphertext| scene.context.sub(honest, honest).unwrap();
    let forged = scene.forged(&answer, zeros);
    let said = scene.said(&request, &forged);
    assert!(said.contains("exactly 0"), "{said}");
    // Also where nobody says which request it answers.
    let error = scene.client.decrypt(&forged).unwrap_err();
    assert!(matches!(error, RuntimeError::Implausible { .. }));
}

#[test]
fn slots_that_contradict_each_other_are_refused_with_both_numbers() {
    let scene = Scene::new();
    let (request, answer) = scene.asked(5);
    let slots = tiny().slots();
    let garbage: Vec<f64> = numbers(slots, 9).iter().map(|x| 35_539.0 * x).collect();
    let mut one = vec![0.0; slots];
    // A single copy of a single logit.
    one[3 * PERIOD + 2] = 1.0;
    let mut half = vec![0.0; slots];
    half[slots / 2..].fill(0.5);
    for wrong in [garbage, one, half] {
        let said = scene.said(&request, &scene.shifted(&answer, &wrong));
        assert!(
            said.contains("must be equal") && said.contains("promised"),
            "{said}"
        );
    }
    // What lies in places that hold no output tells nothing, and the noise of an honest server is far below.
    let mut elsewhere = vec![0.0; slots];
    elsewhere[PERIOD + 12] = 1.0;
    let harmless = scene.shifted(&answer, &elsewhere);
    assert!(scene.client.decrypt_for(&request, &harmless, 1).is_ok());
}

#[test]
fn repeated_answers_and_those_to_other_requests_are_refused_with_both_names() {
    let scene = Scene::new();
    let ((first, old), (second, new)) = (scene.asked(5), scene.asked(5));
    for (request, answer) in [(&second, &old), (&first, &new)] {
        let said = scene.said(request, answer);
        assert_eq!(said.matches("(hash ").count(), 2, "{said}");
    }
    // The request's number in the place of another's: its hash still tells.
    let mut mixed = old.clone();
    mixed[96..112].copy_from_slice(&new[96..112]);
    let mixed = scene.forged(&mixed, Ciphertext::clone);
    scene.said(&second, &mixed);
}

#[test]
fn an_answer_to_another_client_is_refused_by_name() {
    let scene = Scene::new();
    let (other, keys) = Client::generate(scene.server.client_spec()).unwrap();
    let keys = scene.server.keys(&keys).unwrap();
    let theirs = other.encrypt(&numbers(PERIOD, 5)).unwrap();
    let answer = scene
        .server
        .answer(&keys, &theirs, &mut unobserved)
        .unwrap();
    let (ours, _) = scene.asked(5);
    let error = scene.client.decrypt_for(&ours, &answer, 1).unwrap_err();
    assert!(matches!(error, RuntimeError::ForeignKeys { .. }), "{error}");
}
