//! Own training kernels with both gradients, as an extension of burn's flex backend; the list of them.
//!
//! Activations are matrices: one row a pixel (image, row, column), one column a channel. So a convolution is
//! a matrix product with its patches, and every per-channel step runs along contiguous memory.
//! Stock burn builds batch norm from elementary steps and has no native convolution gradient on this backend.
//!
//! On a GPU [`plain`] does the same with burn's operators. Each kernel is tested against finite differences; the
//! network built of them against the float64 reference.

pub(super) mod batch_norm;
pub(super) mod conv;
pub(super) mod depthwise;
pub(in crate::train) mod heap;
mod lanes;
pub(super) mod overflow;
mod parts;
pub(super) mod plain;
pub(super) mod poly;
pub(super) mod pool;
mod product;
pub(super) mod range;
pub(super) mod round;
pub(super) mod table;
pub(super) mod window;
mod winograd;

use std::fmt::Debug;
use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Device, Tensor, TensorData};

use plain::Plain;

/// A differentiable step on matrices of 32-bit floats. An instance serves one call, so it may keep what its
/// backward pass needs.
pub(super) trait Kernel: Debug + Send + Sync + 'static {
    /// Rows and columns of the output.
    fn output(&self) -> [usize; 2];

    /// The output, row-major.
    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32>;

    /// The gradient of the loss for each input, given that for the output. Inputs that are not `wanted` may stay empty.
    fn backward(
        &self,
        inputs: &[&[f32]],
        output_gradient: &[f32],
        wanted: &[bool],
    ) -> Vec<Vec<f32>>;
}

/// Runs a kernel on one input, wherever that lies.
pub(super) fn unary(kernel: impl Plain, x: Tensor<2>) -> Tensor<2> {
    match on_flex(&x) {
        true => unary_on_flex(kernel, x),
        false => kernel.plain(&[x]),
    }
}

/// Runs a kernel on one input, which must lie on the CPU: there is no other way to do it.
pub(super) fn unary_on_flex(kernel: impl Kernel, x: Tensor<2>) -> Tensor<2> {
    let kernel: Arc<dyn Kernel> = Arc::new(kernel);
    Tensor::from_dispatch(<Dispatch as KernelBackend>::unary(
        x.into_dispatch(),
        kernel,
    ))
}

/// Runs a kernel on two inputs, wherever they lie.
pub(super) fn binary(kernel: impl Plain, x: Tensor<2>, a: Tensor<2>) -> Tensor<2> {
    if !on_flex(&x) {
        return kernel.plain(&[x, a]);
    }
    let kernel: Arc<dyn Kernel> = Arc::new(kernel);
    Tensor::from_dispatch(<Dispatch as KernelBackend>::binary(
        x.into_dispatch(),
        a.into_dispatch(),
        kernel,
    ))
}

/// Runs a kernel on three inputs, wherever they lie.
pub(super) fn ternary<K: Plain>(
    kernel: Arc<K>,
    x: Tensor<2>,
    a: Tensor<2>,
    b: Tensor<2>,
) -> Tensor<2> {
    if !on_flex(&x) {
        return kernel.plain(&[x, a, b]);
    }
    let kernel: Arc<dyn Kernel> = kernel;
    Tensor::from_dispatch(<Dispatch as KernelBackend>::ternary(
        x.into_dispatch(),
        a.into_dispatch(),
        b.into_dispatch(),
        kernel,
    ))
}

/// Whether a tensor lies where our kernels run.
pub(super) fn on_flex(x: &Tensor<2>) -> bool {
    cfg!(not(any(feature = "gpu", feature = "cuda"))) || x.device() == Device::flex()
}

/// The extension of burn's backends through which kernels run.
#[backend_extension(Autodiff, Flex)]
pub(super) trait KernelBackend: Backend {
    /// A kernel of one input.
    fn unary(x: FloatTensor<Self>, kernel: Arc<dyn Kernel>) -> FloatTensor<Self>;
    /// A kernel of two inputs.
    fn binary(
        x: FloatTensor<Self>,
        a: FloatTensor<Self>,
        kernel: Arc<dyn Kernel>,
    ) -> FloatTensor<Self>;
    /// A kernel of three inputs.
    fn ternary(
        x: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        kernel: Arc<dyn Kernel>,
    ) -> FloatTensor<Self>;
}

type Primitive = FloatTensor<Flex>;

impl KernelBackend for Flex {
    fn unary(x: Primitive, kernel: Arc<dyn Kernel>) -> Primitive {
        forward(&*kernel, [x])
    }

    fn binary(x: Primitive, a: Primitive, kernel: Arc<dyn Kernel>) -> Primitive {
        forward(&*kernel, [x, a])
    }

    fn ternary(x: Primitive, a: Primitive, b: Primitive, kernel: Arc<dyn Kernel>) -> Primitive {
        forward(&*kernel, [x, a, b])
    }
}

impl<C: CheckpointStrategy> KernelBackend for Autodiff<Flex, C> {
    fn unary(x: FloatTensor<Self>, kernel: Arc<dyn Kernel>) -> FloatTensor<Self> {
        tracked::<C, 1>([x], kernel)
    }

    fn binary(
        x: FloatTensor<Self>,
        a: FloatTensor<Self>,
        kernel: Arc<dyn Kernel>,
    ) -> FloatTensor<Self> {
        tracked::<C, 2>([x, a], kernel)
    }

    fn ternary(
        x: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        kernel: Arc<dyn Kernel>,
    ) -> FloatTensor<Self> {
        tracked::<C, 3>([x, a, b], kernel)
    }
}

/// The tape's entry of a kernel call.
#[derive(Debug)]
struct Call;

impl<const N: usize> Backward<Flex, N> for Call {
    type State = ([Primitive; N], Arc<dyn Kernel>);

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = contiguous(grads.consume::<Flex>(&ops.node));
        let (inputs, kernel) = ops.state;
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let results = kernel.backward(&inputs.each_ref().map(slice), slice(&gradient), &wanted);
        for ((parent, input), result) in ops.parents.iter().zip(&inputs).zip(results) {
            if let Some(parent) = parent {
                let shape = input.layout().shape().clone();
                grads.register::<Flex>(parent.id, primitive(result, shape.to_vec()));
            }
        }
    }
}

fn tracked<C: CheckpointStrategy, const N: usize>(
    inputs: [FloatTensor<Autodiff<Flex, C>>; N],
    kernel: Arc<dyn Kernel>,
) -> FloatTensor<Autodiff<Flex, C>> {
    let guards = inputs.each_ref().map(|input| input.node());
    let inputs = inputs.map(|input| contiguous(input.into_primitive()));
    let output = forward(&*kernel, inputs.clone());
    match Call.prepare::<C>(guards).compute_bound().stateful() {
        OpsKind::Tracked(call) => call.finish((inputs, kernel), output),
        OpsKind::UnTracked(call) => call.finish(output),
    }
}

fn forward<const N: usize>(kernel: &dyn Kernel, inputs: [Primitive; N]) -> Primitive {
    let inputs = inputs.map(contiguous);
    let output = kernel.forward(&inputs.each_ref().map(slice));
    primitive(output, kernel.output().to_vec())
}

fn contiguous(tensor: Primitive) -> Primitive {
    match tensor.as_slice::<f32>() {
        Some(_) => tensor,
        None => tensor.to_contiguous(),
    }
}

fn slice(tensor: &Primitive) -> &[f32] {
    tensor
        .as_slice::<f32>()
        .expect("made contiguous before; all training tensors are f32")
}

fn primitive(data: Vec<f32>, shape: Vec<usize>) -> Primitive {
    Primitive::from_data(TensorData::new(data, shape))
}

#[cfg(test)]
pub(super) mod check {
    //! Compares a kernel's gradients with central differences of its forward pass.

    use rand::RngExt;

    use super::Kernel;
    use crate::Seed;

    /// `make` gives a fresh kernel; `lens` are the lengths of its inputs. The loss is a random linear form of the
    /// output.
    ///
    /// Central differences with step h on f32 forward passes err by about 2^-24·|loss terms|/h + h²·f'''/6; with
    /// h = 2^-6 and values of order one this is below 1e-3 of the gradient's scale, the tolerance is 5e-3 of it.
    pub fn check_gradients<K: Kernel>(make: impl Fn() -> K, lens: &[usize]) {
        let mut rng = Seed::new(11).derive("check_gradients").rng();
        let inputs: Vec<Vec<f32>> = lens
            .iter()
            .map(|len| (0..*len).map(|_| rng.random_range(-1.0..1.0f32)).collect())
            .collect();
        let [rows, columns] = make().output();
        let form: Vec<f32> = (0..rows * columns)
            .map(|_| rng.random_range(-1.0..1.0f32))
            .collect();
        let slices = |inputs: &[Vec<f32>]| -> f64 {
            let views: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
            let output = make().forward(&views);
            assert_eq!(output.len(), form.len());
            output
                .iter()
                .zip(&form)
                .map(|(y, w)| f64::from(*y) * f64::from(*w))
                .sum()
        };
        let kernel = make();
        let views: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        kernel.forward(&views);
        let gradients = kernel.backward(&views, &form, &vec![true; lens.len()]);
        let step = 1.0 / 64.0;
        for (which, gradient) in gradients.iter().enumerate() {
            assert_eq!(gradient.len(), lens[which]);
            let scale = gradient.iter().fold(1.0f32, |m, g| m.max(g.abs()));
            for position in 0..lens[which] {
                let moved = |by: f32| {
                    let mut moved = inputs.clone();
                    moved[which][position] += by;
                    slices(&moved)
                };
                let numeric = (moved(step) - moved(-step)) / f64::from(2.0 * step);
                let error = (numeric - f64::from(gradient[position])).abs();
                assert!(
                    error <= 5e-3 * f64::from(scale),
                    "input {which}, element {position}: analytic {}, numeric {numeric}",
                    gradient[position]
                );
            }
        }
    }
}
