//! Which channels share the numbers of their norms and polynomials, so that block-circulant weights stay circulant when
//! the compiler folds norms and the factors of polynomials into them.
//!
//! A weight of a circulant block stands for several pairs of channels, one in each block. If each of these channels had
//! a scale of its own, the folded weights would all differ. So the channels of one place in their blocks share one
//! norm, over all their elements, and one polynomial.

use hemet_spaces::{Layer, LayerGraph};

/// For each layer, in how many blocks its output channels lie of which corresponding ones share their numbers; 1 where
/// none do.
pub(super) fn ties(graph: &LayerGraph) -> Vec<usize> {
    let mut ties = vec![1; graph.nodes().len()];
    loop {
        let before = ties.clone();
        for (id, node) in graph.nodes() {
            let own = match &node.layer {
                Layer::Conv(conv) => conv.structure.circulant,
                Layer::Dense(dense) => dense.circulant,
                Layer::Affine(_)
                | Layer::Poly(_)
                | Layer::Clear(_)
                | Layer::AveragePool(_)
                | Layer::Add => {
                    // Its channels are those of its inputs.
                    let inputs = graph.inputs(id).into_iter();
                    inputs
                        .map(|i| ties[i.index()])
                        .fold(ties[id.index()], usize::max)
                }
                Layer::Input(_) | Layer::Sparse(_) | Layer::Concat => continue,
            };
            for end in graph.inputs(id).into_iter().chain([id]) {
                ties[end.index()] = ties[end.index()].max(own);
            }
        }
        if ties == before {
            return ties;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_reach_through_what_keeps_channels_and_no_further() {
        let graph = LayerGraph::parse(
            "hemet-graph 1
input: 2x4x4 = input()
first: 8x4x4 = conv(input) out=8 kernel=3 stride=1 padding=1 groups=1
norm: 8x4x4 = affine(first)
act: 8x4x4 = poly(norm) degree=2 per_channel
second: 8x4x4 = conv(act) out=8 kernel=1 stride=1 padding=0 groups=1 circulant=4
sum: 8x4x4 = add(act, second)
pool: 8x2x2 = average_pool(sum) kernel=2 stride=2
third: 4x2x2 = conv(pool) out=4 kernel=1 stride=1 padding=0 groups=1 circulant=2
last: 4x2x2 = affine(third)
head: 3x1x1 = dense(last) out=3
",
        )
        .expect("sound");
        let names = |ties: Vec<usize>| -> Vec<(String, usize)> {
            let nodes = graph.nodes().map(|(_, node)| node.name.clone());
            nodes.zip(ties).collect()
        };
        let expected = [
            ("input", 1),
            ("first", 4),
            ("norm", 4),
            ("act", 4),
            ("second", 4),
            ("sum", 4),
            ("pool", 4),
            ("third", 2),
            ("last", 2),
            ("head", 1),
        ];
        let expected = expected.map(|(name, tie)| (name.to_owned(), tie));
        assert_eq!(names(ties(&graph)), expected);
    }
}
