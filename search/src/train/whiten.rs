//! Convolutions of the image that whiten its patches (D. Page, How to Train Your ResNet, 2019; K. Jordan, 94% on
//! CIFAR-10 in 3.29 Seconds on a Single GPU, 2024, section 3.2): each filter is an eigenvector of the patches'
//! covariance, divided by the root of its eigenvalue, the greatest first; then the same filters with the opposite sign;
//! then what the training began with.

use hemet_spaces::Shape;

use super::batch;
use super::kernel::window::Window;
use super::model::Model;
use super::op::{Node, Op};
use super::options::Whitening;
use crate::Error;
use crate::data::Dataset;

/// Patches that the covariance is taken over, of the first images.
const PATCHES: usize = 100_000;
/// Most pixels times channels of a patch: the time of the eigenvectors grows with its cube, to some seconds.
const GREATEST_PATCH: usize = 512;
/// Added to each eigenvalue, in units of the greatest: lest noise be raised to the size of the image.
const FLOOR: f64 = 1e-4;
/// Sweeps after which the rotations end at the latest; they converge quadratically, in six to ten.
const SWEEPS: usize = 30;

impl Model {
    /// Gives the convolutions of the image their whitening filters.
    ///
    /// # Errors
    /// A network without such a convolution, or with one of patches too large; images that are all alike.
    pub fn whiten(&mut self, data: &Dataset, whitening: Whitening) -> Result<(), Error> {
        if whitening == Whitening::None {
            return Ok(());
        }
        let nodes = self.nodes.iter();
        let readers: Vec<(usize, Node)> = nodes.filter_map(|n| self.reads_image(n)).collect();
        if readers.is_empty() {
            let why = "`whitening` needs a convolution that reads the image, and there is none";
            return Err(refuse("input", why.into()));
        }
        for (weight, node) in readers {
            let filters = self.whitening_filters(weight, &node, data)?;
            let parameter = &mut self.parameters[weight];
            parameter.fixed = whitening == Whitening::Fixed;
            let columns = parameter.columns;
            let signed = filters.iter().map(|f| (f, 1.0));
            let signed = signed.chain(filters.iter().map(|f| (f, -1.0)));
            for (column, (filter, sign)) in signed.take(columns).enumerate() {
                let cells = parameter.value.iter_mut().skip(column).step_by(columns);
                cells
                    .zip(filter)
                    .for_each(|(value, f)| *value = (sign * f) as f32);
            }
            parameter.keep_structure();
        }
        Ok(())
    }

    /// The weights of a convolution of the whole image, and the convolution.
    fn reads_image(&self, node: &Node) -> Option<(usize, Node)> {
        let Op::Conv { groups, .. } = &node.op else {
            return None;
        };
        let from = node.inputs.first().map(|input| &self.nodes[*input].op);
        match (groups.as_slice(), from) {
            ([weight], Some(Op::Input)) => Some((*weight, node.clone())),
            _ => None,
        }
    }

    /// The filters of one convolution, `[filter][kernel row][kernel column][channel]`, the greatest eigenvalue first.
    fn whitening_filters(
        &self,
        weight: usize,
        node: &Node,
        data: &Dataset,
    ) -> Result<Vec<Vec<f64>>, Error> {
        let layer = self.parameters[weight].layer();
        let Op::Conv { conv, .. } = &node.op else {
            return Ok(Vec::new());
        };
        let one = Window::new(1, node.from, conv.window);
        let size = one.patch();
        if size > GREATEST_PATCH {
            let why = format!(
                "its patches of {size} numbers are too large to whiten; at most {GREATEST_PATCH}"
            );
            return Err(refuse(layer, why));
        }
        let covariance = covariance(&one, node.from, data);
        let pairs = eigenvectors(covariance, size);
        let greatest = pairs.first().map_or(0.0, |(value, _)| *value);
        if greatest.is_nan() || greatest <= 0.0 {
            let why = "the first training images are all alike, so there is nothing to whiten";
            return Err(refuse(layer, why.into()));
        }
        let scaled = |(value, vector): (f64, Vec<f64>)| {
            let deviation = (value.max(0.0) + FLOOR * greatest).sqrt();
            vector.into_iter().map(|v| v / deviation).collect()
        };
        Ok(pairs.into_iter().map(scaled).collect())
    }
}

fn refuse(layer: &str, why: String) -> Error {
    Error::Untrainable {
        layer: layer.to_owned(),
        why,
    }
}

/// Of the patches of a convolution in the first images, `[size][size]`.
fn covariance(window: &Window, shape: Shape, data: &Dataset) -> Vec<f64> {
    let (height, width) = window.output_side();
    let size = window.patch();
    let images = (PATCHES / (height * width)).clamp(1, data.len());
    let mut buffer = vec![0.0f32; height * width * size];
    let (mut products, mut sums) = (vec![0.0f64; size * size], vec![0.0f64; size]);
    for image in 0..images {
        let pixels = batch::rows(data, image, image + 1);
        debug_assert_eq!(pixels.len(), shape.len());
        for patch in window
            .patches(0..height, &pixels, &mut buffer)
            .chunks_exact(size)
        {
            for (row, a) in patch.iter().enumerate() {
                let line = &mut products[row * size..(row + 1) * size];
                let cells = line.iter_mut().zip(patch);
                cells.for_each(|(cell, b)| *cell += f64::from(*a) * f64::from(*b));
                sums[row] += f64::from(*a);
            }
        }
    }
    let count = (images * height * width) as f64;
    for (cell, value) in products.iter_mut().enumerate() {
        *value = *value / count - sums[cell / size] * sums[cell % size] / count.powi(2);
    }
    products
}

/// Eigenvalues and unit eigenvectors of a symmetric matrix `[size][size]`, the greatest value first: Jacobi's cyclic
/// rotations (G. H. Golub, C. F. Van Loan, Matrix Computations, 4th edition, 2013, section 8.5).
fn eigenvectors(mut matrix: Vec<f64>, size: usize) -> Vec<(f64, Vec<f64>)> {
    let mut vectors = vec![0.0; size * size];
    (0..size).for_each(|i| vectors[i * size + i] = 1.0);
    for _ in 0..SWEEPS {
        let off = |m: &[f64]| -> f64 {
            let above = (0..size).flat_map(|p| (p + 1..size).map(move |q| m[p * size + q]));
            above.map(|x| x * x).sum()
        };
        let diagonal: f64 = (0..size).map(|i| matrix[i * size + i].powi(2)).sum();
        if off(&matrix) <= 1e-24 * diagonal {
            break;
        }
        for p in 0..size {
            for q in p + 1..size {
                rotate(&mut matrix, &mut vectors, size, [p, q]);
            }
        }
    }
    let vector = |i: usize| vectors[i * size..(i + 1) * size].to_vec();
    let mut pairs: Vec<(f64, Vec<f64>)> = (0..size)
        .map(|i| (matrix[i * size + i], vector(i)))
        .collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    pairs
}

/// Turns the plane of `p` and `q` so that the matrix is 0 there; a row of `vectors` is an eigenvector on its way.
fn rotate(matrix: &mut [f64], vectors: &mut [f64], size: usize, [p, q]: [usize; 2]) {
    let off = matrix[p * size + q];
    if off == 0.0 {
        return;
    }
    let theta = (matrix[q * size + q] - matrix[p * size + p]) / (2.0 * off);
    let tangent = 1.0f64.copysign(theta) / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let turn = |cells: &mut [f64], a: usize, b: usize| {
        let (x, y) = (cells[a], cells[b]);
        cells[a] = cosine * x - sine * y;
        cells[b] = sine * x + cosine * y;
    };
    for k in 0..size {
        turn(matrix, k * size + p, k * size + q);
    }
    for k in 0..size {
        turn(matrix, p * size + k, q * size + k);
        turn(vectors, p * size + k, q * size + k);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::train::model::Activations;
    use hemet_spaces::space::Space;
    use rand::RngExt;

    #[test]
    fn eigenvectors_are_those_of_the_matrix_and_stand_upright_on_each_other() {
        let mut rng = Seed::new(1).rng();
        for size in [1, 2, 7, 48] {
            let mut matrix = vec![0.0; size * size];
            for p in 0..size {
                for q in 0..=p {
                    let value: f64 = rng.random_range(-1.0..1.0);
                    matrix[p * size + q] = value;
                    matrix[q * size + p] = value;
                }
            }
            let pairs = eigenvectors(matrix.clone(), size);
            assert!(pairs.windows(2).all(|w| w[0].0 >= w[1].0));
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            for (i, (value, vector)) in pairs.iter().enumerate() {
                for (row, expected) in vector.iter().enumerate() {
                    let found = dot(&matrix[row * size..(row + 1) * size], vector);
                    assert!((found - value * expected).abs() < 1e-9, "{found}");
                }
                for (j, (_, other)) in pairs.iter().enumerate() {
                    let expected = f64::from(u8::from(i == j));
                    assert!((dot(vector, other) - expected).abs() < 1e-9);
                }
            }
        }
    }

    /// Smoothed noise, whose pixels depend on their neighbors.
    fn smooth(images: usize) -> Dataset {
        let mut rng = Seed::new(2).rng();
        let shape = Shape::new(2, 8, 8);
        let mut values = Vec::new();
        let mut last = 0.0f32;
        for _ in 0..images * shape.len() {
            last = 0.8 * last + rng.random_range(-0.5f32..0.5);
            values.push(last);
        }
        Dataset {
            name: "smooth".into(),
            shape,
            classes: 2,
            class_names: vec!["0".into(), "1".into()],
            images: values,
            labels: vec![0; images],
            held_out: 0,
            measure: crate::data::Measure::default(),
            targets: Vec::new(),
            columns: None,
        }
    }

    fn model(stem: &str) -> Model {
        let text = format!(
            r#"{{"input": [2, 8, 8], "classes": 2, "blocks": [{{"name": "b1", "options": [{stem}]}}]}}"#
        );
        let space: Space = serde_json::from_str(&text).expect("a space");
        let graph = space.graph(&space.mobile()).expect("a network");
        Model::new(&graph, Activations::Learnable, &mut Seed::new(1).rng()).expect("sound")
    }

    #[test]
    fn whitened_patches_have_independent_outputs_of_one_size() {
        let data = smooth(300);
        let mut model = model(r#"{"conv": {"width": 20, "kernel": 2, "stride": 2}}"#);
        let begun = model.parameters[0].value.clone();
        model.whiten(&data, Whitening::Fixed).expect("it can be");
        assert!(model.parameters[0].fixed && !model.parameters[1].fixed);
        let weights = &model.parameters[0];
        let covariance = covariance(
            &Window::new(1, data.shape, hemet_spaces::layer::Window::square(2, 2, 0)),
            data.shape,
            &data,
        );
        let filter = |f: usize| weights.value.iter().skip(f).step_by(20);
        for a in 0..8 {
            for b in 0..8 {
                let mut found = 0.0;
                for (row, x) in filter(a).enumerate() {
                    for (column, y) in filter(b).enumerate() {
                        found += f64::from(*x) * covariance[row * 8 + column] * f64::from(*y);
                    }
                }
                // The floor takes a ten-thousandth of the greatest eigenvalue, which is at most a hundred of the least.
                let expected = f64::from(u8::from(a == b));
                assert!((found - expected).abs() < 0.011, "{found} at {a}, {b}");
            }
            let opposite = filter(a).zip(filter(a + 8)).all(|(x, y)| *x == -y);
            assert!(opposite);
        }
        let rest = |f: usize| begun.iter().skip(f).step_by(20);
        assert!((16..20).all(|f| filter(f).eq(rest(f))));
    }

    #[test]
    fn what_cannot_be_whitened_is_refused_by_name() {
        let data = smooth(3);
        let conv = r#"{"conv": {"width": 4, "kernel": 3}}"#;
        let mut same = data.clone();
        same.images.fill(0.0);
        for (stem, data, expected) in [
            ("\"skip\"", &data, "there is none"),
            (
                r#"{"conv": {"width": 4, "kernel": 3, "groups": 2}}"#,
                &data,
                "there is none",
            ),
            (conv, &same, "nothing to whiten"),
            (
                r#"{"conv": {"width": 4, "kernel": 17}}"#,
                &data,
                "at most 512",
            ),
        ] {
            let mut model = model(stem);
            let before = model.parameters[0].value.clone();
            model.whiten(data, Whitening::None).expect("nothing to do");
            assert_eq!(model.parameters[0].value, before);
            let error = model.whiten(data, Whitening::Start).expect_err(stem);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
