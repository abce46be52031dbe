//! The architectures of the study: what people compile, small.

use hemet_spaces::layer::{AveragePool, Conv, Window};
use hemet_spaces::{Layer, LayerGraph, Shape};

use crate::common::Net;

/// Name and graph of each, for images of this shape.
pub fn all(shape: Shape, classes: usize) -> Vec<(&'static str, LayerGraph)> {
    let new = || {
        let graph = LayerGraph::new(shape).expect("images are not empty");
        let last = graph.input();
        Net { graph, last }
    };
    let head = |net: Net| {
        let side = net.graph.node(net.last).shape.height;
        let pool = AveragePool::square(side, side);
        net.then(Layer::AveragePool(pool)).dense(classes).graph
    };
    let blocks = |widths: &[usize]| {
        let block = |net: Net, width: &usize| net.block(*width, 3, 1);
        let stem = new().block(widths[0], 3, 2);
        head(widths[1..].iter().fold(stem, block))
    };
    let perceptron = |widths: &[usize], normed: bool| {
        let layer = |net: Net, width: &usize| {
            let net = net.dense(*width);
            match normed {
                true => net.affine().quadratic(),
                false => net.quadratic(),
            }
        };
        widths.iter().fold(new(), layer).dense(classes).graph
    };
    let resnet = |count: usize, bias: bool| {
        let stem = new().block(6, 3, 2);
        head((0..count).fold(stem, |net, _| residual(net, 6, bias)))
    };
    let mobilenet = |count: usize| {
        let stem = new().block(8, 3, 2);
        head((0..count).fold(stem, |net, _| separable(net, 8)))
    };
    let lenet = new().block(6, 5, 1).pool(2).block(10, 3, 1).pool(2);
    vec![
        ("mlp-2", perceptron(&[48, 32], true)),
        ("mlp-3-plain", perceptron(&[32, 24, 16], false)),
        ("lenet-3", lenet.dense(32).quadratic().dense(classes).graph),
        ("cnn-4", blocks(&[6; 4])),
        ("cnn-5", blocks(&[6; 5])),
        ("cnn-7", blocks(&[6; 7])),
        ("resnet-3", resnet(1, true)),
        ("resnet-5", resnet(2, false)),
        ("resnet-7", resnet(3, true)),
        ("mobilenet-4", mobilenet(3)),
    ]
}

/// Two convolutions around which the input is added, with batch norms that give them biases, or without any.
fn residual(mut net: Net, width: usize, bias: bool) -> Net {
    let input = net.last;
    net = net.conv(width, 3, 1);
    if bias {
        net = net.affine();
    }
    net = net.quadratic().conv(width, 3, 1);
    if bias {
        net = net.affine();
    }
    let sides = [input, net.last];
    let name = format!("sum{}", net.graph.nodes().len());
    net.last = net
        .graph
        .add(name, Layer::Add, &sides)
        .expect("equal shapes");
    net.quadratic()
}

fn separable(net: Net, width: usize) -> Net {
    let channels = net.graph.node(net.last).shape.channels;
    let depthwise = Conv {
        groups: channels,
        window: Window::square(3, 1, 1),
        ..Conv::same(channels, 3)
    };
    let net = net.then(Layer::Conv(depthwise)).affine();
    net.conv(width, 1, 1).affine().quadratic()
}
