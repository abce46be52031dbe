//! The networks by which the compiler is measured, beside LoLa's and LeNet-5: all for 32x32 images of three channels,
//! with quadratics.

use hemet_spaces::layer::{AveragePool, Conv, Structure, Window};
use hemet_spaces::{Layer, LayerGraph, NodeId};

use super::Net;

/// `(name, network)` of the whole set.
pub fn test_set() -> Vec<(&'static str, LayerGraph)> {
    vec![
        ("squeezenet, all mobile", squeezenet([false; 4])),
        (
            "squeezenet, 4 regular",
            squeezenet([false, false, false, true]),
        ),
        (
            "squeezenet, 34 regular",
            squeezenet([false, false, true, true]),
        ),
        (
            "squeezenet, 234 regular",
            squeezenet([false, true, true, true]),
        ),
        ("squeezenet, 1234 regular", squeezenet([true; 4])),
        ("inception", inception()),
        (
            "vgg11, 123 thousand weights",
            vgg11([8, 16, 32, 32, 58, 58, 58, 58]),
        ),
        (
            "vgg11, 19 million products",
            vgg11([24, 48, 96, 96, 160, 160, 160, 160]),
        ),
        ("resnet20", resnet20()),
        ("mobilenet", mobilenet()),
    ]
}

/// The ladder of HEMET (Lou and Jiang, "HEMET", ICML 2021, section 4): SqueezeNet for CIFAR-10, in which some of the
/// four Fire modules are 3x3 convolutions of as many output channels.
pub fn squeezenet(regular: [bool; 4]) -> LayerGraph {
    let mut net = Net::new(3, 32).block(64, 3, 1).pool(2);
    for (position, (regular, expand)) in regular.into_iter().zip([32, 32, 64, 64]).enumerate() {
        if position == 2 {
            net = net.pool(2);
        }
        net = match regular {
            true => net.block(2 * expand, 3, 1),
            false => fire(net, &format!("fire{}", position + 1), expand),
        };
    }
    net.conv(10, 1, 1).pool(8).graph
}

fn fire(net: Net, name: &str, expand: usize) -> Net {
    let mut net = net.block(32, 1, 1);
    let squeezed = net.last;
    net = join(
        net,
        name,
        &[squeezed, squeezed],
        &[(expand, 1), (expand, 3)],
    );
    net.quadratic()
}

/// Convolutions `(channels, kernel)` of `inputs`, each with batch norm, side by side.
fn join(mut net: Net, name: &str, inputs: &[NodeId], convs: &[(usize, usize)]) -> Net {
    let mut branches = Vec::new();
    for (input, (channels, kernel)) in inputs.iter().zip(convs) {
        net.last = *input;
        net = net.conv(*channels, *kernel, 1).affine();
        branches.push(net.last);
    }
    let joined = net
        .graph
        .add(format!("{name}.concat"), Layer::Concat, &branches);
    net.last = joined.unwrap();
    net
}

/// Two modules as in Szegedy et al., "Going Deeper with Convolutions" (CVPR 2015), without their pool branch.
pub fn inception() -> LayerGraph {
    let mut net = Net::new(3, 32).block(16, 3, 1).pool(2);
    for (name, width) in [("module1", 16), ("module2", 32)] {
        let input = net.last;
        net = net.block(width, 1, 1);
        let reduced = net.last;
        let convs = [(width, 1), (width, 3), (width / 2, 5)];
        net = join(net, name, &[input, reduced, reduced], &convs);
        net = net.quadratic().pool(2);
    }
    net.dense(10).graph
}

/// VGG-11 with batch norm and quadratics, pools after the first, second, fourth, sixth and eighth convolution
/// (AutoFHE's network with HerPN: Ao and Boddeti, "AutoFHE", USENIX Security 2024).
pub fn vgg11(widths: [usize; 8]) -> LayerGraph {
    let mut net = Net::new(3, 32);
    for (position, width) in widths.into_iter().enumerate() {
        net = net.block(width, 3, 1);
        if matches!(position, 0 | 1 | 3 | 5 | 7) {
            net = net.pool(2);
        }
    }
    net.dense(10).graph
}

/// A LeNet-like network on 28x28 grey images, after SpENCNN's (Ran et al., ICML 2023): 64 channels, then 32 that have
/// the structure.
pub fn lenet_with(groups: usize, structure: Structure) -> LayerGraph {
    let strided = |out_channels, groups, structure| {
        Layer::Conv(Conv {
            window: Window::square(5, 2, 2),
            groups,
            structure,
            ..Conv::same(out_channels, 5)
        })
    };
    let net = Net::new(1, 28)
        .then(strided(64, 1, Structure::FULL))
        .affine()
        .quadratic();
    let net = net
        .then(strided(32, groups, structure))
        .affine()
        .quadratic();
    net.dense(10).graph
}

/// [`vgg11`] of small widths, whose convolutions after the first two have the structure.
pub fn vgg11_with(groups: usize, structure: Structure) -> LayerGraph {
    let mut net = Net::new(3, 32);
    for (position, width) in [8, 16, 32, 32, 64, 64, 64, 64].into_iter().enumerate() {
        net = match position {
            0 | 1 => net.conv(width, 3, 1),
            _ => net.then(Layer::Conv(Conv {
                groups,
                structure,
                ..Conv::same(width, 3)
            })),
        };
        net = net.affine().quadratic();
        if matches!(position, 0 | 1 | 3 | 5 | 7) {
            net = net.pool(2);
        }
    }
    net.dense(10).graph
}

/// He et al., "Deep Residual Learning for Image Recognition" (CVPR 2016), section 4.2, 20 layers.
pub fn resnet20() -> LayerGraph {
    let mut net = Net::new(3, 32).block(16, 3, 1);
    for (stage, width) in [16, 32, 64].into_iter().enumerate() {
        for block in 0..3 {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let input = net.last;
            net = net.block(width, 3, stride).conv(width, 3, 1).affine();
            let main = net.last;
            let mut shortcut = input;
            if stride == 2 {
                net.last = input;
                net = net.conv(width, 1, 2).affine();
                shortcut = net.last;
            }
            let name = format!("sum{stage}.{block}");
            net.last = net.graph.add(name, Layer::Add, &[shortcut, main]).unwrap();
            net = net.quadratic();
        }
    }
    net.pool(8).dense(10).graph
}

/// Depthwise separable convolutions (Howard et al., "MobileNets", 2017, section 3), a quadratic behind each pair.
pub fn mobilenet() -> LayerGraph {
    let mut net = Net::new(3, 32).block(16, 3, 1);
    let mut channels = 16;
    for (width, stride) in [(32, 2), (32, 1), (64, 2), (64, 1)] {
        let depthwise = Conv {
            groups: channels,
            window: Window::square(3, stride, 1),
            ..Conv::same(channels, 3)
        };
        net = net.then(Layer::Conv(depthwise)).affine().quadratic();
        net = net.block(width, 1, 1);
        channels = width;
    }
    let pool = AveragePool::square(8, 8);
    net.then(Layer::AveragePool(pool)).dense(10).graph
}
