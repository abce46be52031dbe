//! Patterns of convolutions and dense layers, whose maps have by far the most entries: for an estimate only the
//! columns are needed, a fifth of the memory of the layer's map. Each equals the pattern of the layer's meaning (tests
//! below).

use hemet_spaces::layer::{Conv, Dense, Seen};
use hemet_spaces::{Layer, Shape};

use crate::net::{Bias, SparseMap};

/// The pattern of a layer's map and its bias; `None` for layers whose meaning is small enough to ask for.
pub(super) fn of_layer(layer: &Layer, input: Shape, output: Shape) -> Option<(SparseMap, Bias)> {
    let (map, bias) = match layer {
        Layer::Conv(conv) => (of_conv(conv, input, output), conv.bias),
        Layer::Dense(Dense {
            out_features,
            bias,
            circulant: _,
        }) => {
            let all = |_: usize, columns: &mut Vec<u32>| {
                columns.extend(0..input.len() as u32);
                None
            };
            (SparseMap::pattern(input.len(), *out_features, all), *bias)
        }
        Layer::Input(_)
        | Layer::Affine(_)
        | Layer::AveragePool(_)
        | Layer::Sparse(_)
        | Layer::Poly(_)
        | Layer::Clear(_)
        | Layer::Add
        | Layer::Concat => return None,
    };
    let bias = match bias {
        true => Bias::Vector(None),
        false => Bias::None,
    };
    Some((map, bias))
}

fn of_conv(conv: &Conv, input: Shape, output: Shape) -> SparseMap {
    let (in_group, out_group) = (input.channels / conv.groups, output.channels / conv.groups);
    let plane = output.height * output.width;
    let (taps, seen) = (conv.structure.taps, conv.structure.seen);
    // Output channels of a group so far apart read the same elements.
    let alike = match seen {
        Seen::ALL => 1,
        _ => Seen::ring(in_group, out_group),
    };
    SparseMap::pattern(input.len(), output.len(), |row, columns| {
        let (channel, place) = (row / plane, row % plane);
        if channel % out_group >= alike {
            return Some(row - plane * alike);
        }
        let first = channel / out_group * in_group;
        for i in seen.channels(in_group, out_group, channel % out_group) {
            let window = conv
                .window
                .taps(input, place / output.width, place % output.width);
            let kept = window.filter(|tap| taps.rank(conv.window.kernel, tap.place).is_some());
            columns.extend(kept.map(|tap| input.index(first + i, tap.row, tap.column) as u32));
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hemet_spaces::layer::{Structure, Taps, Window};
    use hemet_spaces::{LayerGraph, Meaning};

    #[test]
    fn patterns_are_those_of_the_meanings() {
        let wide = Window {
            kernel: [1, 3],
            stride: [1, 2],
            padding: [0, 2, 0, 1],
            dilation: [1, 2],
        };
        for (window, groups, bias) in [
            (Window::square(3, 1, 1), 1, false),
            (Window::square(3, 2, 1), 2, true),
            (Window::square(5, 2, 0), 1, true),
            (Window::square(1, 1, 0), 4, false),
            (Window::square(2, 3, 1), 1, false),
            (Window::square(4, 3, 3), 2, false),
            (Window::square(7, 1, 5), 1, false),
            (wide, 2, true),
        ] {
            let conv = Conv {
                out_channels: 8,
                window,
                groups,
                bias,
                structure: Structure::FULL,
            };
            check(Layer::Conv(conv));
        }
        for (taps, parts, groups) in [
            (Taps::Cross, 1, 1),
            (Taps::Square, 2, 1),
            (Taps::Cross, 2, 2),
        ] {
            let seen = Seen::one_of(parts).expect("a share");
            check(Layer::Conv(Conv {
                groups,
                structure: Structure {
                    taps,
                    seen,
                    ..Structure::FULL
                },
                ..Conv::same(8, 3)
            }));
        }
        let out_features = 3;
        check(Layer::Dense(Dense {
            out_features,
            bias: true,
            circulant: 1,
        }));
    }

    fn check(layer: Layer) {
        let input = Shape::new(4, 7, 6);
        let mut graph = LayerGraph::new(input).unwrap();
        let id = graph.add("layer", layer.clone(), &[graph.input()]).unwrap();
        let (found, bias) = of_layer(&layer, input, graph.node(id).shape).unwrap();
        let Meaning::Linear(map) = graph.meaning(id) else {
            panic!("{layer:?} is a linear map");
        };
        let zero = hemet_spaces::Coefficient::Fixed(0.0);
        assert_eq!(bias == Bias::None, map.bias.iter().all(|c| *c == zero));
        assert_eq!(found, SparseMap::from_layer(map, None), "{layer:?}");
    }
}
