//! The architecture of a network as boxes and arrows: a box a layer, and what follows it alone and changes no shape
//! (batch norm, activation) in the same box.

use hemet_reports::{GraphBox, GraphDiagram};
use hemet_spaces::layer::{Layer, Seen, Structure, Taps};
use hemet_spaces::{LayerGraph, NodeId};

/// The diagram of a network.
pub fn diagram(title: String, graph: &LayerGraph) -> GraphDiagram {
    let mut boxes: Vec<GraphBox> = Vec::new();
    let mut arrows = Vec::new();
    // The box of each node.
    let mut place: Vec<usize> = Vec::new();
    for (id, node) in graph.nodes() {
        let inputs = graph.inputs(id);
        if let Some(host) = joined(graph, id, &inputs) {
            let host = place[host.index()];
            boxes[host].details.push(words(&node.layer));
            place.push(host);
            continue;
        }
        let index = boxes.len();
        arrows.extend(inputs.iter().map(|input| (place[input.index()], index)));
        boxes.push(GraphBox {
            name: words(&node.layer),
            details: vec![format!("{}: {}", node.name, node.shape)],
            kind: kind(&node.layer),
        });
        place.push(index);
    }
    arrows.dedup();
    GraphDiagram {
        title,
        boxes,
        arrows,
    }
}

/// The node whose box this one is shown in: its only input, if no other layer reads that.
fn joined(graph: &LayerGraph, id: NodeId, inputs: &[NodeId]) -> Option<NodeId> {
    let follows = match graph.node(id).layer {
        Layer::Affine(_) | Layer::Poly(_) | Layer::Clear(_) => true,
        Layer::Input(_)
        | Layer::Conv(_)
        | Layer::Dense(_)
        | Layer::AveragePool(_)
        | Layer::Sparse(_)
        | Layer::Add
        | Layer::Concat => false,
    };
    let [input] = inputs else { return None };
    (follows && graph.uses(*input) == 1 && !matches!(graph.node(*input).layer, Layer::Input(_)))
        .then_some(*input)
}

/// What a layer is, in a few words.
fn words(layer: &Layer) -> String {
    match layer {
        Layer::Input(_) => "input".into(),
        Layer::Conv(conv) => {
            let kernel = pair(conv.window.kernel);
            let mut words = format!("conv {kernel}, {} channels", conv.out_channels);
            if conv.window.stride != [1, 1] {
                words += &format!(", stride {}", step(conv.window.stride));
            }
            if conv.window.dilation != [1, 1] {
                words += &format!(", dilation {}", step(conv.window.dilation));
            }
            if conv.groups > 1 {
                words += &format!(", {} groups", conv.groups);
            }
            let Structure {
                taps,
                seen,
                circulant,
            } = conv.structure;
            if taps != Taps::Square {
                words += &format!(", {taps} of taps");
            }
            if seen != Seen::ALL {
                words += &format!(", sees {seen} of channels");
            }
            words += &blocks(circulant);
            words
        }
        Layer::Dense(dense) => {
            let blocks = blocks(dense.circulant);
            format!("dense, {} outputs{blocks}", dense.out_features)
        }
        Layer::Affine(_) => "scale and shift".into(),
        Layer::AveragePool(pool) => {
            let window = format!("average pool {}", pair(pool.window.kernel));
            match pool.window.stride == pool.window.kernel {
                true => window,
                false => format!("{window}, stride {}", step(pool.window.stride)),
            }
        }
        Layer::Sparse(sparse) => format!("linear map, {} entries", sparse.entries.len()),
        Layer::Poly(poly) => {
            let one = if poly.per_channel { " a channel" } else { "" };
            format!("polynomial of degree {}{one}", poly.degree)
        }
        Layer::Clear(clear) => clear.to_string(),
        Layer::Add => "sum".into(),
        Layer::Concat => "joined channels".into(),
    }
}

/// What to say of block-circulant weights.
fn blocks(circulant: usize) -> String {
    match circulant {
        1 => String::new(),
        side => format!(", circulant blocks of {side}"),
    }
}

/// `3×5`.
fn pair([rows, columns]: [usize; 2]) -> String {
    format!("{rows}×{columns}")
}

/// `2`, or `1×2` where rows and columns differ.
fn step(steps: [usize; 2]) -> String {
    match steps {
        [rows, columns] if rows == columns => rows.to_string(),
        [_, _] => pair(steps),
    }
}

/// The color of a layer.
fn kind(layer: &Layer) -> usize {
    match layer {
        Layer::Conv(_) | Layer::Sparse(_) => 0,
        Layer::Dense(_) => 1,
        Layer::AveragePool(_) => 2,
        Layer::Poly(_) | Layer::Affine(_) | Layer::Clear(_) => 3,
        Layer::Add | Layer::Concat => 5,
        Layer::Input(_) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activations_share_the_box_of_their_convolution_and_branches_keep_their_arrows() {
        let text = "\
hemet-graph 1
input: 1x8x8 = input()
conv: 4x8x8 = conv(input) out=4 kernel=3 stride=1 padding=1 groups=1
norm: 4x8x8 = affine(conv)
act: 4x8x8 = poly(norm) degree=2 per_channel
left: 4x8x8 = conv(act) out=4 kernel=1 stride=1 padding=0 groups=1
sum: 4x8x8 = add(left, act)
head: 10x1x1 = dense(sum) out=10 bias
";
        let diagram = diagram("net".into(), &text.parse().unwrap());
        let names: Vec<&str> = diagram.boxes.iter().map(|b| b.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "input",
                "conv 3×3, 4 channels",
                "conv 1×1, 4 channels",
                "sum",
                "dense, 10 outputs"
            ]
        );
        assert_eq!(
            diagram.boxes[1].details,
            [
                "conv: 4x8x8",
                "scale and shift",
                "polynomial of degree 2 a channel"
            ]
        );
        assert_eq!(diagram.arrows, [(0, 1), (1, 2), (2, 3), (1, 3), (3, 4)]);
    }
}
