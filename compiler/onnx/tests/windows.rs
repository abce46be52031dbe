//! Convolutions and pools with any window against the definition in ONNX's operator documentation.

mod common;

use common::{Random, int, ints, model, text};
use hemet_onnx::Error;

/// A window as a node states it.
#[derive(Clone, Debug)]
struct Case {
    channels: usize,
    groups: usize,
    size: [usize; 2],
    kernel: [usize; 2],
    strides: [usize; 2],
    /// Above, before, below, behind.
    pads: [usize; 4],
    auto_pad: &'static str,
}

impl Case {
    fn random(random: &mut Random) -> Self {
        let groups = 1 + random.below(2);
        let stride = 1 + random.below(3);
        let kernel = 1 + random.below(3);
        let odd = random.below(4) == 0;
        Self {
            channels: 2,
            groups,
            size: [3 + random.below(5), 3 + random.below(5)],
            kernel: [kernel, if odd { 1 + random.below(3) } else { kernel }],
            strides: [stride, if random.below(8) == 0 { 1 } else { stride }],
            pads: [0; 4].map(|_: usize| random.below(3)),
            auto_pad: ["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"][random.below(5)],
        }
    }

    /// The pads that auto_pad means, as the operator documentation of Conv defines them.
    fn resolved_pads(&self) -> [usize; 4] {
        let same = |axis: usize| {
            let outputs = self.size[axis].div_ceil(self.strides[axis]);
            let total = ((outputs - 1) * self.strides[axis] + self.kernel[axis])
                .saturating_sub(self.size[axis]);
            let less = total / 2;
            if self.auto_pad == "SAME_UPPER" {
                (less, total - less)
            } else {
                (total - less, less)
            }
        };
        match self.auto_pad {
            "NOTSET" => self.pads,
            "VALID" => [0; 4],
            _ => {
                let ((above, below), (before, behind)) = (same(0), same(1));
                [above, before, below, behind]
            }
        }
    }

    /// The sum over the window of `weight[output][input][y][x]` times the element; none where the window does not fit.
    fn slide(
        &self,
        x: &[f64],
        weight: impl Fn(usize, usize, usize, usize) -> f64,
    ) -> Option<Vec<f64>> {
        let pads = self.resolved_pads();
        let outputs = |axis: usize| {
            let space =
                (self.size[axis] + pads[axis] + pads[axis + 2]).checked_sub(self.kernel[axis])?;
            Some(space / self.strides[axis] + 1)
        };
        let (rows, columns) = (outputs(0)?, outputs(1)?);
        let in_group = self.channels / self.groups;
        let mut result = Vec::new();
        for channel in 0..self.channels {
            for (y, x0) in (0..rows * columns).map(|i| (i / columns, i % columns)) {
                let mut sum = 0.0;
                for (i, ky) in
                    (0..in_group * self.kernel[0]).map(|i| (i / self.kernel[0], i % self.kernel[0]))
                {
                    for kx in 0..self.kernel[1] {
                        let iy = (y * self.strides[0] + ky).wrapping_sub(pads[0]);
                        let ix = (x0 * self.strides[1] + kx).wrapping_sub(pads[1]);
                        if iy < self.size[0] && ix < self.size[1] {
                            let map = channel / in_group * in_group + i;
                            sum += weight(channel, i, ky, kx)
                                * x[(map * self.size[0] + iy) * self.size[1] + ix];
                        }
                    }
                }
                result.push(sum);
            }
        }
        Some(result)
    }

    fn check(&self, model: common::Model, x: &[f64], expected: Option<Vec<f64>>) -> bool {
        match (model.import(), expected) {
            (Ok(_), Some(expected)) => {
                let (_, output) = model.run(x);
                assert_eq!(output.len(), expected.len(), "{self:?}");
                for (found, wanted) in output.iter().zip(&expected) {
                    // The share 1/k² of a pool is a 32-bit float where the pool is a convolution.
                    assert!((found - wanted).abs() <= 36.0 * 2f64.powi(-24), "{self:?}");
                }
                true
            }
            (Err(Error::Node { .. }), None) => false,
            (Ok(_), None) => panic!("{self:?} does not fit"),
            (Err(error), _) => panic!("{self:?}: {error}"),
        }
    }
}

fn sizes(values: &[usize]) -> Vec<i64> {
    values.iter().map(|v| *v as i64).collect()
}

#[test]
fn every_convolution_computes_what_onnx_defines() {
    let mut random = Random(0x5eed_0001);
    let mut taken = 0;
    for _ in 0..2000 {
        let case = Case::random(&mut random);
        let [kh, kw] = case.kernel;
        let in_group = case.channels / case.groups;
        let weights = random.values(case.channels * in_group * kh * kw);
        let x: Vec<f64> = random
            .values(case.channels * case.size[0] * case.size[1])
            .iter()
            .map(|x| f64::from(*x))
            .collect();
        let dims = sizes(&[case.channels, in_group, kh, kw]);
        let model = model(&sizes(&[1, case.channels, case.size[0], case.size[1]]))
            .constant("w", &dims, &weights)
            .node_with(
                "y = Conv(x, w)",
                &[
                    ints("strides", &sizes(&case.strides)),
                    ints("pads", &sizes(&case.pads)),
                    text("auto_pad", case.auto_pad),
                    int("group", case.groups as i64),
                ],
            );
        let expected = case.slide(&x, |o, i, y, x| {
            f64::from(weights[((o * in_group + i) * kh + y) * kw + x])
        });
        taken += usize::from(case.check(model, &x, expected));
    }
    assert!(taken > 1000, "{taken}");
}

#[test]
fn every_pool_computes_what_onnx_defines() {
    let mut random = Random(0x5eed_0002);
    let mut taken = 0;
    for _ in 0..2000 {
        let case = Case {
            groups: 2,
            ..Case::random(&mut random)
        };
        let x: Vec<f64> = random
            .values(case.channels * case.size[0] * case.size[1])
            .iter()
            .map(|x| f64::from(*x))
            .collect();
        let model = model(&sizes(&[1, case.channels, case.size[0], case.size[1]])).node_with(
            "y = AveragePool(x)",
            &[
                ints("kernel_shape", &sizes(&case.kernel)),
                ints("strides", &sizes(&case.strides)),
                ints("pads", &sizes(&case.pads)),
                text("auto_pad", case.auto_pad),
                int("count_include_pad", 1),
            ],
        );
        let share = 1.0 / (case.kernel[0] * case.kernel[1]) as f64;
        let expected = case.slide(&x, |_, _, _, _| share);
        taken += usize::from(case.check(model, &x, expected));
    }
    assert!(taken > 1000, "{taken}");
}
