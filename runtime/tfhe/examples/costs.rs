//! Compares the cost model with measurements on 20 networks: layers, widths, tables, shifts and parameter sets vary.
//!
//! ```text
//! cargo run --release -p hemet-tfhe --example costs
//! ```

use std::error::Error;
use std::time::Instant;

use hemet_spaces::QuantisedNetwork;
use hemet_spaces::quantised::{
    IntegerMap, Limits, Operation, QuantisedNode, TableLayer, ValueRange,
};
use hemet_tfhe::calibrate::calibrate;
use hemet_tfhe::{ClientKey, Server, Spec};
use hemet_tfhe_compiler::{Options, compile};
use hemet_tfhe_schedule::{OutputForm, SetId, estimate};

/// Widths of the layers (input first, output last), half of the tables, shift, whether the output is the label.
type Shape = (&'static [usize], u32, u32, bool);

const NETWORKS: [Shape; 20] = [
    (&[16, 8, 4], 6, 0, false),
    (&[16, 16, 4], 6, 0, false),
    (&[16, 32, 10], 6, 0, false),
    (&[64, 48, 10], 6, 0, false),
    (&[64, 20, 10], 12, 0, false),
    (&[64, 33, 10], 12, 0, false),
    (&[64, 64, 10], 12, 0, false),
    (&[64, 16, 10], 24, 0, false),
    (&[64, 40, 10], 24, 0, false),
    (&[64, 12, 10], 48, 0, false),
    (&[64, 16, 16, 10], 12, 0, false),
    (&[64, 24, 24, 10], 12, 0, false),
    (&[64, 32, 16, 10], 24, 0, false),
    (&[64, 16, 16, 16, 10], 12, 0, false),
    (&[64, 8, 10], 8, 1, false),
    (&[64, 16, 10], 8, 2, false),
    (&[64, 16, 8, 10], 8, 1, false),
    (&[16, 8, 4], 12, 0, true),
    (&[64, 16, 5], 12, 0, true),
    (&[256, 30, 10], 12, 0, false),
];

fn main() -> Result<(), Box<dyn Error>> {
    let sets: Vec<SetId> = SetId::all()
        .filter(|set| set.get().polynomial_size <= 4096)
        .collect();
    let costs = calibrate(&sets, 7)?;
    println!("{:#?}", costs.us);
    println!(
        "{:>24} {:>10} {:>12} {:>12} {:>7}",
        "network", "bootstraps", "predicted ms", "measured ms", "ratio"
    );
    let mut worst: f64 = 0.0;
    for (index, shape) in NETWORKS.iter().enumerate() {
        let network = network(shape, index as u64)?;
        let output = if shape.3 {
            OutputForm::Label
        } else {
            OutputForm::Logits
        };
        let options = Options {
            output,
            costs: costs.clone(),
            sets: sets.clone(),
            ..Options::default()
        };
        let compiled = compile(&network, &options)?;
        let client = ClientKey::generate(&Spec::of(&compiled.verified))?;
        let predicted = estimate(&compiled.verified, &costs)?.total_ms;
        let bootstraps = compiled.summary.total_bootstraps();
        let server = Server::new(compiled.verified, &client.evaluation_keys()?)?;
        let input = client.encrypt(&vec![1; shape.0[0]])?;
        let mut measured = f64::INFINITY;
        for _ in 0..5 {
            let start = Instant::now();
            server.execute(&input)?;
            measured = measured.min(start.elapsed().as_secs_f64() * 1e3);
        }
        let ratio = predicted / measured;
        worst = worst.max((ratio - 1.0).abs());
        println!(
            "{:>24} {bootstraps:>10} {predicted:>12.1} {measured:>12.1} {ratio:>7.3}",
            format!("{:?}/{}>>{}", shape.0, shape.1, shape.2)
        );
    }
    println!("largest deviation {:.1} %", 100.0 * worst);
    Ok(())
}

/// A fully connected network with ternary weights, one in four of them zero.
fn network(shape: &Shape, seed: u64) -> Result<QuantisedNetwork, hemet_spaces::Error> {
    let (widths, half, shift, _) = *shape;
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut weight = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        [-1, 0, 1, 1 - 2 * (state as i32 >> 8 & 1)][(state >> 40) as usize % 4]
    };
    let node = |name: String, len, inputs, operation| QuantisedNode {
        name,
        shape: [len, 1, 1],
        inputs,
        operation,
    };
    let mut nodes = vec![node(
        "input".into(),
        widths[0],
        vec![],
        Operation::Input(ValueRange::new(0, 3)),
    )];
    for (layer, pair) in widths.windows(2).enumerate() {
        let rows: Vec<_> = (0..pair[1])
            .map(|_| ((0..pair[0] as u32).map(|c| (c, weight())).collect(), 0))
            .collect();
        let map = IntegerMap::from_rows(pair[0], rows);
        let limits = Limits::worst_case(&map, 1);
        let last = nodes.len() - 1;
        nodes.push(node(
            format!("layer{layer}"),
            pair[1],
            vec![last],
            Operation::Linear { map, limits },
        ));
        if layer + 2 < widths.len() {
            let mut table = TableLayer::uniform(half, 1, pair[1], 3, |u| (4 * u / half) as i32);
            table.shift = shift;
            nodes.push(node(
                format!("table{layer}"),
                pair[1],
                vec![last + 1],
                Operation::Table(table),
            ));
        }
    }
    QuantisedNetwork::new(nodes, 1.0)
}
