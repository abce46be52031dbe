//! The suite that every scheme passes at the [`door`](crate::door): from a client to logits, two clients of one
//! server, keys and constants kept in files, and what must be refused: foreign, damaged and unfitting bytes.

use std::path::Path;

use hemet_schedule::Scheme as SchemeId;

use crate::door::{Answer, Model, Scheme};
use crate::error::Result;
use crate::observe::{Moment, unobserved};
use crate::schemes::{Known, schemes};
use crate::{Client, Server, ServerKeys, keep_keys};

/// A scheme under test.
pub struct SchemeUnderTest {
    /// The scheme.
    pub scheme: &'static dyn Scheme,
    /// An artifact's file.
    pub artifact: Vec<u8>,
    /// The file of an artifact with other weights that needs the same keys.
    pub retrained: Vec<u8>,
    /// The file of an artifact that needs other keys, whose inputs have the same shape.
    pub other: Vec<u8>,
    /// Inputs for both.
    pub inputs: Vec<Vec<f64>>,
    /// Most that a decrypted logit may differ from the reference's.
    pub error: f64,
}

/// What a scheme does, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What should be.
    pub claim: String,
    /// What is instead.
    pub failure: Option<String>,
}

/// Steps between the bytes of a file that are changed, so that a large file takes no longer than a small one.
const CHANGES: usize = 200;

/// Runs every check, with files in `folder`; the caller looks at the failures.
///
/// # Errors
/// Whatever keeps the checks from running.
pub fn run(bench: &SchemeUnderTest, folder: &Path) -> Result<Vec<Check>> {
    let ours = Scene::new(bench.scheme.artifact(&bench.artifact)?)?;
    let theirs = Scene::new(bench.scheme.artifact(&bench.other)?)?;
    let mut checks = Checks(Vec::new());
    ours.answers(bench, &mut checks)?;
    ours.two_clients(bench, &mut checks)?;
    ours.binds(&bench.inputs, &mut checks)?;
    ours.spec(&mut checks)?;
    ours.kept_keys(bench, folder, &mut checks)?;
    ours.kept_constants(&theirs, bench, folder, &mut checks)?;
    ours.refuses(&theirs, bench, &mut checks)?;
    let retrained = bench.scheme.artifact(&bench.retrained)?;
    ours.outlives(retrained, &theirs, bench, folder, &mut checks)?;
    ours.refuses_damage(bench, &mut checks)?;
    for scheme in schemes().filter(|scheme| scheme.id() != bench.scheme.id()) {
        let claim = format!("scheme {} does not take the artifact", scheme.id().name());
        checks.refused(&claim, scheme.artifact(&bench.artifact));
    }
    checks.hold(
        "an artifact's first bytes name its scheme",
        SchemeId::of_file(&bench.artifact) == Some(bench.scheme.id()),
    );
    Ok(checks.0)
}

struct Checks(Vec<Check>);

impl Checks {
    fn push(&mut self, claim: &str, failure: Option<String>) {
        let claim = claim.to_owned();
        self.0.push(Check { claim, failure });
    }

    fn hold(&mut self, claim: &str, holds: bool) {
        self.push(claim, (!holds).then(|| "it is not so".into()));
    }

    fn refused<T>(&mut self, claim: &str, result: Result<T>) {
        self.push(claim, result.is_ok().then(|| "it was taken".into()));
    }
}

/// A server and a client of it.
struct Scene {
    server: Server,
    client: Client,
    key_file: Vec<u8>,
    keys: ServerKeys,
    reference: crate::door::Reference,
}

impl Scene {
    fn new(model: Box<dyn Model>) -> Result<Self> {
        let reference = model.reference()?;
        let (client, key_file) = Client::generate(model.spec()?)?;
        let server = Server::new(model)?;
        let keys = server.keys(&key_file)?;
        Ok(Self {
            server,
            client,
            key_file,
            keys,
            reference,
        })
    }

    /// How far the answer to an input lies from the reference's.
    fn error(&self, client: &Client, keys: &ServerKeys, input: &[f64]) -> Result<f64> {
        let request = client.encrypt(input)?;
        let response = self.server.answer(keys, &request, &mut unobserved)?;
        let wanted = (self.reference)(&[input])?.pop();
        let wanted = wanted.unwrap_or(Answer::Logits(Vec::new()));
        let found = client.decrypt(&response)?;
        Ok(match (found, wanted) {
            (Answer::Logits(a), Answer::Logits(b)) if a.len() == b.len() => {
                let differences = a.iter().zip(&b).map(|(a, b)| (a - b).abs());
                differences.fold(0.0, f64::max)
            }
            (Answer::Label(a), Answer::Label(b)) if a == b => 0.0,
            (Answer::Logits(_) | Answer::Label(_), _) => f64::INFINITY,
        })
    }

    fn answers(&self, bench: &SchemeUnderTest, checks: &mut Checks) -> Result<()> {
        let facts = self.server.facts().clone();
        checks.hold(
            "both halves tell the same of the artifact",
            facts == self.client.facts(),
        );
        let read = Client::from_bytes(&self.client.to_bytes()?)?;
        for (index, input) in bench.inputs.iter().enumerate() {
            let allowed = if facts.exact { 0.0 } else { bench.error };
            let error = self.error(&read, &self.keys, input)?;
            let failure = (error > allowed).then(|| format!("it differs by {error:e}"));
            checks.push(
                &format!("input {index} gives the reference's logits"),
                failure,
            );
        }
        let mut moments = Vec::new();
        let request = self.client.encrypt(&bench.inputs[0])?;
        self.server.answer(&self.keys, &request, &mut |step| {
            moments.push((step.moment, step.instruction, step.total));
        })?;
        let total = moments.first().map_or(0, |first| first.2);
        let of = |moment| moments.iter().filter(|m| m.0 == moment).count();
        checks.hold(
            "an observer hears of the beginning and the end of each instruction",
            total > 0 && (of(Moment::Begin), of(Moment::End)) == (total, total),
        );
        let sent = self.key_file.len() as u64;
        let stated = facts.evaluation_key_bytes;
        checks.push(
            "the evaluation keys take what was told",
            (!(stated..=stated + 8192).contains(&sent))
                .then(|| format!("{stated} told, {sent} sent")),
        );
        Ok(())
    }

    fn binds(&self, scheme_inputs: &[Vec<f64>], checks: &mut Checks) -> Result<()> {
        let input = &scheme_inputs[0];
        let ask = || -> Result<(Vec<u8>, Vec<u8>)> {
            let request = self.client.encrypt(input)?;
            let response = self.server.answer(&self.keys, &request, &mut unobserved)?;
            Ok((request, response))
        };
        let ((first, answer), (second, other)) = (ask()?, ask()?);
        checks.hold(
            "an answer is to its request",
            self.client.decrypt_for(&first, &answer, 1).is_ok(),
        );
        for (request, response) in [(&second, &answer), (&first, &other)] {
            let refused = self.client.decrypt_for(request, response, 1);
            checks.hold(
                "an answer to another request of the same client is refused as a failed check",
                refused.is_err_and(|e| e.is_failed_check()),
            );
        }
        Ok(())
    }

    fn spec(&self, checks: &mut Checks) -> Result<()> {
        let spec = self.server.client_spec();
        let known = Known {
            spec: spec.clone(),
            signature: None,
        };
        let bytes = known.to_bytes()?;
        let known = Known::from_bytes(&bytes)?;
        let read = known.spec.clone();
        checks.hold(
            "a spec that was written is read",
            read.facts() == spec.facts() && known.to_bytes()? == bytes,
        );
        let (client, key_file) = Client::generate(read)?;
        checks.hold(
            "keys of a spec serve the artifact",
            self.server.keys(&key_file).is_ok() && client.facts() == spec.facts(),
        );
        let step = (bytes.len() / CHANGES).max(1);
        let taken = (0..bytes.len()).step_by(step).find(|at| {
            let mut changed = bytes.clone();
            changed[*at] ^= 1 << (at % 8);
            Known::from_bytes(&changed).is_ok() || Known::from_bytes(&bytes[..*at]).is_ok()
        });
        checks.push(
            "a changed or cut spec is refused",
            taken.map(|at| format!("byte {at}")),
        );
        Ok(())
    }

    fn two_clients(&self, bench: &SchemeUnderTest, checks: &mut Checks) -> Result<()> {
        let (second, key_file) = Client::generate(self.server.client_spec())?;
        let keys = self.server.keys(&key_file)?;
        for (client, keys) in [(&self.client, &self.keys), (&second, &keys)] {
            let error = self.error(client, keys, &bench.inputs[0])?;
            checks.hold("one server answers two clients", error <= bench.error);
        }
        let request = second.encrypt(&bench.inputs[0])?;
        checks.refused(
            "a request under another client's keys is refused",
            self.server.answer(&self.keys, &request, &mut unobserved),
        );
        let response = self.server.answer(&keys, &request, &mut unobserved)?;
        checks.refused(
            "another client's answer is refused",
            self.client.decrypt(&response),
        );
        Ok(())
    }

    fn kept_keys(&self, bench: &SchemeUnderTest, folder: &Path, checks: &mut Checks) -> Result<()> {
        let path = folder.join("kept");
        let spec = self.server.client_spec();
        keep_keys(spec.as_ref(), &self.key_file, &path)?;
        let kept = self.server.kept_keys(&path)?;
        let request = self.client.encrypt(&bench.inputs[0])?;
        let answer = |keys| self.server.answer(keys, &request, &mut unobserved);
        checks.hold(
            "kept keys give the same bytes",
            answer(&kept)? == answer(&self.keys)?,
        );
        hemet_files::write_atomically(&path, &self.key_file)?;
        checks.refused(
            "keys as they were sent are no kept ones",
            self.server.kept_keys(&path),
        );
        Ok(())
    }

    fn kept_constants(
        &self,
        theirs: &Scene,
        bench: &SchemeUnderTest,
        folder: &Path,
        checks: &mut Checks,
    ) -> Result<()> {
        let path = folder.join("constants");
        let model = || bench.scheme.artifact(&bench.artifact);
        self.server.keep_constants(&path)?;
        let kept = Server::with_kept_constants(model()?, &path)?;
        let request = self.client.encrypt(&bench.inputs[0])?;
        let answer = |server: &Server| server.answer(&self.keys, &request, &mut unobserved);
        checks.hold(
            "kept constants give the same bytes",
            answer(&kept)? == answer(&self.server)?,
        );
        theirs.server.keep_constants(&path)?;
        checks.refused(
            "constants of another artifact are refused",
            Server::with_kept_constants(model()?, &path),
        );
        Ok(())
    }

    /// Keys serve an artifact with other weights, and messages of the two are never taken for each other's.
    fn outlives(
        &self,
        retrained: Box<dyn Model>,
        theirs: &Scene,
        bench: &SchemeUnderTest,
        folder: &Path,
        checks: &mut Checks,
    ) -> Result<()> {
        let known = Known::of(retrained.as_ref())?;
        let (facts, ours) = (known.spec.facts(), self.server.facts());
        checks.hold(
            "an artifact with other weights is another one and needs the same keys",
            facts.artifact != ours.artifact && facts.binding == ours.binding,
        );
        let reference = retrained.reference()?;
        let server = Server::new(retrained)?;
        let path = folder.join("kept for both");
        keep_keys(self.server.client_spec().as_ref(), &self.key_file, &path)?;
        let again = || Client::from_bytes(&self.client.to_bytes()?);
        let scene = Scene {
            keys: server.kept_keys(&path)?,
            server,
            client: again()?.rebound(&known)?,
            key_file: self.key_file.clone(),
            reference,
        };
        let (sent, kept) = (scene.server.keys(&self.key_file)?, &scene.keys);
        let saved = Client::from_bytes(&scene.client.to_bytes()?)?;
        for (keys, client) in [(&sent, &scene.client), (kept, &saved)] {
            for input in &bench.inputs {
                let exact = scene.error(client, keys, input)? <= bench.error;
                checks.hold("keys serve an artifact with other weights", exact);
            }
        }
        let input = &bench.inputs[0];
        let (request, old) = (scene.client.encrypt(input)?, self.client.encrypt(input)?);
        let ours = |keys, request: &[u8]| self.server.answer(keys, request, &mut unobserved);
        checks.refused(
            "a request for other weights is refused",
            ours(&self.keys, &request),
        );
        checks.refused(
            "keys that were read for other weights are refused",
            ours(kept, &old),
        );
        let response = scene.server.answer(kept, &request, &mut unobserved)?;
        checks.refused(
            "an answer of other weights is refused",
            self.client.decrypt(&response),
        );
        let other = Known {
            spec: theirs.server.client_spec(),
            signature: None,
        };
        checks.refused(
            "keys are not used where others are needed",
            again()?.rebound(&other),
        );
        Ok(())
    }

    fn refuses(&self, theirs: &Scene, bench: &SchemeUnderTest, checks: &mut Checks) -> Result<()> {
        let input = &bench.inputs[0];
        let request = theirs.client.encrypt(input)?;
        let response = theirs
            .server
            .answer(&theirs.keys, &request, &mut unobserved)?;
        let answer = |keys, request: &[u8]| self.server.answer(keys, request, &mut unobserved);
        checks.refused(
            "foreign keys are refused",
            self.server.keys(&theirs.key_file),
        );
        checks.refused(
            "foreign read keys are refused",
            answer(&theirs.keys, &request),
        );
        checks.refused("a foreign request is refused", answer(&self.keys, &request));
        checks.refused(
            "a foreign answer is refused",
            self.client.decrypt(&response),
        );
        let own = self.client.encrypt(input)?;
        checks.refused("a request is no answer", self.client.decrypt(&own));
        checks.refused("a request is no key", self.server.keys(&own));
        checks.refused("keys are no request", answer(&self.keys, &self.key_file));
        let longer = [&input[..], &[0.0]].concat();
        checks.refused("an input too long is refused", self.client.encrypt(&longer));
        checks.refused(
            "an input too short is refused",
            self.client.encrypt(&input[1..]),
        );
        let infinite: Vec<f64> = input.iter().map(|_| f64::INFINITY).collect();
        checks.refused(
            "an input that is not finite is refused",
            self.client.encrypt(&infinite),
        );
        let images = self.client.facts().images;
        let many: Vec<&[f64]> = (0..=images).map(|_| input.as_slice()).collect();
        checks.refused(
            "more inputs than a request takes are refused",
            self.client.encrypt_batch(&many),
        );
        checks.refused("no input is refused", self.client.encrypt_batch(&[]));
        Ok(())
    }

    fn refuses_damage(&self, bench: &SchemeUnderTest, checks: &mut Checks) -> Result<()> {
        let request = self.client.encrypt(&bench.inputs[0])?;
        let response = self.server.answer(&self.keys, &request, &mut unobserved)?;
        let client_file = self.client.to_bytes()?.to_vec();
        type Read<'a> = &'a dyn Fn(&[u8]) -> Result<()>;
        let files: [(&str, &[u8], Read<'_>); 5] = [
            ("artifact", &bench.artifact, &|b| {
                bench.scheme.artifact(b).map(drop)
            }),
            ("client key", &client_file, &|b| {
                Client::from_bytes(b).map(drop)
            }),
            ("evaluation keys", &self.key_file, &|b| {
                self.server.keys(b).map(drop)
            }),
            ("request", &request, &|b| {
                let answer = self.server.answer(&self.keys, b, &mut unobserved);
                answer.map(drop)
            }),
            ("answer", &response, &|b| self.client.decrypt(b).map(drop)),
        ];
        for (name, file, read) in files {
            let step = (file.len() / CHANGES).max(1);
            let taken = (0..file.len()).step_by(step).find(|at| {
                let mut changed = file.to_vec();
                changed[*at] ^= 1 << (at % 8);
                read(&changed).is_ok() || read(&file[..*at]).is_ok()
            });
            checks.push(
                &format!("a changed or cut {name} is refused"),
                taken.map(|at| format!("byte {at} was changed, or the file was cut there")),
            );
            checks.refused(&format!("no bytes are no {name}"), read(b""));
            checks.refused(
                &format!("a picture is no {name}"),
                read(b"\x89PNG\r\n\x1a\n"),
            );
        }
        Ok(())
    }
}
