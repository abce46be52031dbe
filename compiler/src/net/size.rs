//! What a net's structure says of sizes: the elements of a window, and the mean square that a tensor is taken to have.

use hemet_spaces::Shape;

use super::{Net, NodeKind, TensorId};

/// The elements of the window whose sum is `element` of a tensor of shape `shape`.
pub fn window(shape: Shape, side: usize, element: usize) -> impl Iterator<Item = usize> + Clone {
    let width = shape.width * side;
    let (row, column) = (element / shape.width * side, element % shape.width * side);
    (0..side * side).map(move |k| (row + k / side) * width + column + k % side)
}

/// Mean square that the budget takes a tensor's elements to have: that of normal elements of unit size, or of what is
/// made of them.
pub fn mean_square(net: &Net, id: TensorId) -> f64 {
    match net.node(id).kind {
        NodeKind::Product(..) => 3.0,
        // The sum of `k` squares has mean `k` and variance `2k`.
        NodeKind::WindowSum { input: _, side } => {
            let k = (side * side) as f64;
            k * k + 2.0 * k
        }
        NodeKind::Input | NodeKind::Linear { .. } => 1.0,
    }
}
