//! Encrypted results equal the integer reference, and what does not belong together is refused.

#[path = "../../../compiler/tests/tfhe/common/mod.rs"]
mod common;

use common::{inputs, networks};
use hemet_compiler::tfhe::{Options, compile};
use hemet_schedule::tfhe::{OutputForm, SetId, Verified};
use hemet_spaces::QuantizedNetwork;
use hemet_spaces::quantized::label;
use hemet_tfhe::{ClientKey, EncryptedInput, EncryptedOutput, Error, EvaluationKeys, Server, Spec};

fn compiled(network: &QuantizedNetwork, output: OutputForm) -> Verified {
    compile(
        network,
        &Options {
            output,
            ..Options::default()
        },
    )
    .unwrap()
    .verified
}

/// A client, and the server with its keys, over bytes as they travel.
fn client_and_server(verified: Verified) -> (ClientKey, Server) {
    let client = ClientKey::generate(&Spec::of(&verified)).unwrap();
    let client = ClientKey::from_bytes(&client.to_bytes().unwrap()).unwrap();
    let keys = client.evaluation_keys().unwrap().to_bytes().unwrap();
    let server = Server::new(verified, &EvaluationKeys::from_bytes(&keys).unwrap()).unwrap();
    (client, server)
}

fn predict(client: &ClientKey, server: &Server, input: &[i64]) -> Vec<i64> {
    let input = client.encrypt(input).unwrap().to_bytes();
    let output = server
        .execute(&EncryptedInput::from_bytes(&input).unwrap())
        .unwrap()
        .to_bytes();
    client
        .decrypt(&EncryptedOutput::from_bytes(&output).unwrap())
        .unwrap()
}

#[test]
fn every_network_gives_its_integer_logits() {
    for (name, network) in networks() {
        let (client, server) = client_and_server(compiled(&network, OutputForm::Logits));
        for input in inputs(&network, 1) {
            assert_eq!(
                predict(&client, &server, &input),
                network.evaluate(&input).unwrap(),
                "{name}"
            );
        }
    }
}

#[test]
fn the_encrypted_argmax_gives_the_label() {
    let (_, network) = networks().swap_remove(1);
    let (client, server) = client_and_server(compiled(&network, OutputForm::Label));
    for input in inputs(&network, 2) {
        let expected = label(&network.evaluate(&input).unwrap()) as i64;
        assert_eq!(predict(&client, &server, &input), [expected]);
    }
}

#[test]
fn layers_may_have_parameter_sets_of_their_own() {
    let (_, network) = networks().swap_remove(2);
    let mut schedule = compiled(&network, OutputForm::Logits).into_schedule();
    let text = hemet_schedule::tfhe::print(&schedule);
    let own = schedule.bootstrap_sets()[0];
    let other = SetId::find(if own.get().name == "2_2" {
        "1_3"
    } else {
        "2_2"
    })
    .unwrap();
    // The last layers move to another set, the key switch between them goes from one to the other.
    let first = schedule
        .instructions
        .iter()
        .position(|i| i.layer == "act2" && i.result.key == hemet_schedule::tfhe::KeyKind::Small)
        .unwrap();
    for instruction in &mut schedule.instructions[first..] {
        instruction.result.set = other;
        if let hemet_schedule::tfhe::Op::KeySwitch { to, .. } = &mut instruction.op {
            *to = other;
        }
    }
    let verified = hemet_schedule::tfhe::verify(schedule).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(verified.bootstrap_sets().len(), 2);
    let (client, server) = client_and_server(verified);
    for input in inputs(&network, 2) {
        assert_eq!(
            predict(&client, &server, &input),
            network.evaluate(&input).unwrap()
        );
    }
}

#[test]
fn what_belongs_to_another_network_or_client_is_refused() {
    let networks = networks();
    let (client, server) = client_and_server(compiled(&networks[1].1, OutputForm::Logits));
    let (other, other_server) = client_and_server(compiled(&networks[0].1, OutputForm::Logits));
    let input = client.encrypt(&[0; 8]).unwrap();
    assert!(matches!(
        other_server.execute(&input),
        Err(Error::ForeignSpec {
            what: "the input",
            ..
        })
    ));
    let keys = other.evaluation_keys().unwrap();
    let refused = Server::new(compiled(&networks[1].1, OutputForm::Logits), &keys);
    assert!(matches!(
        refused,
        Err(Error::ForeignSpec {
            what: "the evaluation key",
            ..
        })
    ));
    let stranger = ClientKey::generate(client.spec()).unwrap();
    let strange = stranger.encrypt(&[0; 8]).unwrap();
    assert!(matches!(
        server.execute(&strange),
        Err(Error::ForeignKey {
            what: "the input",
            ..
        })
    ));
    let output = server.execute(&input).unwrap();
    assert!(matches!(
        stranger.decrypt(&output),
        Err(Error::ForeignKey {
            what: "the output",
            ..
        })
    ));
    assert!(matches!(
        other.decrypt(&output),
        Err(Error::ForeignSpec {
            what: "the output",
            ..
        })
    ));
    assert_eq!(
        client.encrypt(&[0; 7]).unwrap_err(),
        Error::InputLength {
            expected: 8,
            found: 7
        }
    );
    let outside = client.encrypt(&[0, 0, 9, 0, 0, 0, 0, 0]).unwrap_err();
    assert_eq!(
        outside,
        Error::InputValue {
            index: 2,
            value: 9,
            low: 0,
            high: 3
        }
    );
}

#[test]
fn damaged_bytes_are_refused_whatever_they_are() {
    let (client, server) = client_and_server(compiled(&networks()[0].1, OutputForm::Logits));
    let input = client.encrypt(&[1; 6]).unwrap();
    let output = server.execute(&input).unwrap().to_bytes();
    let input = input.to_bytes();
    let keys = client.evaluation_keys().unwrap().to_bytes().unwrap();
    let secret = client.to_bytes().unwrap();
    for at in (0..200).chain([500, 1000, 4000]) {
        let damage = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            let at = at % bytes.len();
            bytes[at] ^= 0x11;
            bytes
        };
        assert!(EncryptedInput::from_bytes(&damage(&input)).is_err());
        assert!(EncryptedOutput::from_bytes(&damage(&output)).is_err());
        assert!(EvaluationKeys::from_bytes(&damage(&keys)).is_err());
        assert!(ClientKey::from_bytes(&damage(&secret)).is_err());
        let cut = at.min(input.len() - 1);
        assert!(EncryptedInput::from_bytes(&input[..cut]).is_err());
    }
    let wrong = EncryptedOutput::from_bytes(&input).unwrap_err().to_string();
    assert!(wrong.contains("is it another kind of file?"), "{wrong}");
}

#[test]
fn progress_passes_every_instruction_in_order() {
    let (_, network) = networks().swap_remove(0);
    let (client, server) = client_and_server(compiled(&network, OutputForm::Logits));
    let mut seen = Vec::new();
    let input = client.encrypt(&inputs(&network, 1)[0]).unwrap();
    server
        .execute_with(&input, &mut |begins, index, total, layer| {
            if !begins {
                return;
            }
            seen.push((index, total, layer.to_owned()))
        })
        .unwrap();
    assert_eq!(
        seen,
        [(0, 2, "input".to_owned()), (1, 2, "head".to_owned())]
    );
}
