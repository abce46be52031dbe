//! Tensors that depend on the input: a layer's output with a polynomial of it that no layer computes yet.
//!
//! Arithmetic nodes (Mul, Add, Pow, … and batch norm) only change the polynomial; a layer is made when something else
//! reads the tensor. So `a·x·x + b·x + c`, in whatever order it is written, becomes one Poly layer. A power of a
//! polynomial of several terms is not multiplied out but computed from its own layer: `(s·x + t)²` in powers of `x`
//! cancels badly in 32-bit coefficients.

use std::collections::HashMap;

use hemet_spaces::layer::{Affine, Conv, Poly};
use hemet_spaces::{Layer, Shape};

use crate::Error;
use crate::import::Import;
use crate::network::LayerId;
use crate::node::Node;
use crate::polynomial::{MAX_DEGREE, Polynomial};
use crate::window::{Axis, window};

/// Position of a [`Form`]; tensors that are the same numbers in another shape share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FormId(usize);

/// `polynomial(base)`.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    base: LayerId,
    polynomial: Polynomial,
    /// The node that gave it, to name the layer after.
    name: String,
}

/// All forms, and of which polynomials the layers are.
#[derive(Debug, Default)]
pub(crate) struct Forms {
    forms: Vec<Form>,
    /// Layers that were made from a form: the layer, what it was made of.
    made: Vec<(LayerId, Form)>,
    /// Layers that only add zeros: what is padded by how much.
    padded: HashMap<(LayerId, [usize; 4]), LayerId>,
}

/// A tensor that depends on the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signal {
    pub(crate) form: FormId,
    /// Whether its ONNX shape is `[batch][elements]` rather than `[batch][channels][height][width]`.
    pub(crate) flat: bool,
    /// Zeros around each channel that a Pad node added: above, left, below, right.
    pub(crate) pads: [usize; 4],
}

impl Signal {
    pub(crate) fn is_padded(&self) -> bool {
        self.pads != [0; 4]
    }
}

/// Two tensors as polynomials of one layer.
struct Common {
    base: LayerId,
    left: Polynomial,
    right: Polynomial,
}

impl Import<'_> {
    /// A tensor that is a layer's output.
    pub(crate) fn signal_of(&mut self, base: LayerId, flat: bool) -> Signal {
        self.new_signal(base, Polynomial::identity(), "", flat)
    }

    /// Shape of the tensor in the layer graph, without the pads.
    pub(crate) fn shape(&self, signal: Signal) -> Shape {
        self.network.shape(self.form(signal).base)
    }

    /// The layer that computes the tensor, pads included.
    pub(crate) fn layer(&mut self, node: Node<'_>, signal: Signal) -> Result<LayerId, Error> {
        let unpadded = self.unpadded_layer(node, signal)?;
        match signal.is_padded() {
            false => Ok(unpadded),
            true => self.pad_layer(node, unpadded, signal.pads),
        }
    }

    /// The layer that computes the tensor without its pads.
    pub(crate) fn unpadded_layer(
        &mut self,
        node: Node<'_>,
        signal: Signal,
    ) -> Result<LayerId, Error> {
        let form = self.form(signal).clone();
        if form.polynomial.is_identity() {
            return Ok(form.base);
        }
        let channels = self.network.shape(form.base).channels;
        let polynomial = &form.polynomial;
        self.budget.take(
            node.name(),
            &[
                channels.max(polynomial.rows().len()),
                polynomial.degree() + 1,
            ],
        )?;
        let (layer, tensors) = match polynomial.degree() {
            0 | 1 => (Layer::Affine(Affine), affine(polynomial, channels)),
            degree => {
                let per_channel = polynomial.rows().len() > 1;
                let coefficients = polynomial.rows().iter().flatten().map(|c| *c as f32);
                (
                    Layer::Poly(Poly {
                        degree,
                        per_channel,
                    }),
                    vec![coefficients.collect()],
                )
            }
        };
        let made = self.network.add(&form.name, layer, &[form.base], tensors)?;
        let place = &mut self.forms.forms[signal.form.0];
        place.base = made;
        place.polynomial = Polynomial::identity();
        self.forms.made.push((made, form));
        Ok(made)
    }

    /// The tensor with its pads in a layer, if it has any.
    pub(crate) fn settled(&mut self, node: Node<'_>, signal: Signal) -> Result<Signal, Error> {
        if !signal.is_padded() {
            return Ok(signal);
        }
        let layer = self.layer(node, signal)?;
        Ok(self.signal_of(layer, signal.flat))
    }

    /// `left · factor + shift` with constants of each channel.
    pub(crate) fn scale_and_shift(
        &mut self,
        node: Node<'_>,
        signal: Signal,
        factor: Option<Vec<f64>>,
        shift: Option<Vec<f64>>,
    ) -> Result<Signal, Error> {
        let mut polynomial = self.form(signal).polynomial.clone();
        for constant in [&factor, &shift].into_iter().flatten() {
            let rows = constant.len().max(polynomial.rows().len());
            self.budget
                .take(node.name(), &[rows, polynomial.degree() + 1])?;
        }
        if let Some(factor) = factor {
            polynomial = polynomial.mul(&Polynomial::constant(factor));
        }
        if let Some(shift) = shift {
            polynomial = polynomial.add(&Polynomial::constant(shift));
        }
        let base = self.form(signal).base;
        Ok(self.new_signal(base, polynomial, node.name(), signal.flat))
    }

    /// Whether the tensor is a layer's output scaled and shifted, not yet in a layer of its own.
    pub(crate) fn is_affine(&self, signal: Signal) -> bool {
        self.form(signal).polynomial.degree() <= 1
    }

    /// `−signal`.
    pub(crate) fn negated(&mut self, node: Node<'_>, signal: Signal) -> Result<Signal, Error> {
        self.scale_and_shift(node, signal, Some(vec![-1.0]), None)
    }

    /// `left + right`: one polynomial where both are polynomials of one layer, else an Add layer.
    pub(crate) fn sum(
        &mut self,
        node: Node<'_>,
        left: Signal,
        right: Signal,
    ) -> Result<Signal, Error> {
        if let Some(common) = self.common(node, left, right)? {
            let sum = common.left.add(&common.right);
            return Ok(self.new_signal(common.base, sum, node.name(), left.flat));
        }
        let inputs = [self.layer(node, left)?, self.layer(node, right)?];
        let layer = self
            .network
            .add(node.name(), Layer::Add, &inputs, Vec::new())?;
        Ok(self.signal_of(layer, left.flat))
    }

    /// `left · right`; none where they are not polynomials of one layer.
    pub(crate) fn product(
        &mut self,
        node: Node<'_>,
        left: Signal,
        right: Signal,
    ) -> Result<Option<Signal>, Error> {
        if left.form == right.form {
            return self.power(node, left, 2).map(Some);
        }
        let Some(common) = self.common(node, left, right)? else {
            return Ok(None);
        };
        let degree = common.left.degree() + common.right.degree();
        check_degree(node, degree)?;
        let rows = common.left.rows().len().max(common.right.rows().len());
        self.budget.take(node.name(), &[rows, degree + 1])?;
        let product = common.left.mul(&common.right);
        Ok(Some(self.new_signal(
            common.base,
            product,
            node.name(),
            left.flat,
        )))
    }

    /// `signal^exponent`, exponent at least 1.
    pub(crate) fn power(
        &mut self,
        node: Node<'_>,
        signal: Signal,
        exponent: usize,
    ) -> Result<Signal, Error> {
        check_degree(node, exponent)?;
        let Form {
            mut base,
            mut polynomial,
            ..
        } = self.form(signal).clone();
        let degree = polynomial.degree() * exponent;
        if exponent > 1 && (!polynomial.is_single_term() || degree > MAX_DEGREE) {
            base = self.unpadded_layer(node, signal)?;
            polynomial = Polynomial::identity();
        }
        self.budget
            .take(node.name(), &[polynomial.rows().len(), degree + 1])?;
        let power = Polynomial::power(exponent).of(&polynomial);
        Ok(self.new_signal(base, power, node.name(), signal.flat))
    }

    /// Both tensors as polynomials of one layer, if they are: a layer made of a polynomial is replaced by it until the
    /// bases meet.
    fn common(
        &mut self,
        node: Node<'_>,
        left: Signal,
        right: Signal,
    ) -> Result<Option<Common>, Error> {
        let (mut a, mut b) = (self.form(left).clone(), self.form(right).clone());
        while a.base != b.base {
            let later = if a.base > b.base { &mut a } else { &mut b };
            let Some(made_of) = self.forms.made_of(later.base) else {
                return Ok(None);
            };
            let degree = later.polynomial.degree() * made_of.polynomial.degree();
            if degree > MAX_DEGREE {
                return Ok(None);
            }
            let rows = later
                .polynomial
                .rows()
                .len()
                .max(made_of.polynomial.rows().len());
            self.budget.take(node.name(), &[rows, degree + 1])?;
            later.polynomial = later.polynomial.of(&made_of.polynomial);
            later.base = made_of.base;
        }
        let numbers = a.polynomial.len().max(b.polynomial.len());
        self.budget.take(node.name(), &[numbers])?;
        Ok(Some(Common {
            base: a.base,
            left: a.polynomial,
            right: b.polynomial,
        }))
    }

    /// A depthwise convolution with a kernel of one 1 that adds zeros around each channel.
    fn pad_layer(
        &mut self,
        node: Node<'_>,
        input: LayerId,
        pads: [usize; 4],
    ) -> Result<LayerId, Error> {
        if let Some(layer) = self.forms.padded.get(&(input, pads)) {
            return Ok(*layer);
        }
        let shape = self.network.shape(input);
        let axis = |len, begin, end| Axis {
            len,
            kernel: 1,
            stride: 1,
            begin,
            end,
        };
        let rows = axis(shape.height, pads[0], pads[2]);
        let columns = axis(shape.width, pads[1], pads[3]);
        self.budget.take(node.name(), &[shape.channels])?;
        let weight = vec![1.0; shape.channels];
        let conv = Conv {
            out_channels: shape.channels,
            window: window(rows, columns),
            groups: shape.channels,
            bias: false,
        };
        let name = format!("{}.pad", node.name());
        let layer = self
            .network
            .add(&name, Layer::Conv(conv), &[input], vec![weight])?;
        self.forms.padded.insert((input, pads), layer);
        Ok(layer)
    }

    fn new_signal(
        &mut self,
        base: LayerId,
        polynomial: Polynomial,
        name: &str,
        flat: bool,
    ) -> Signal {
        self.forms.forms.push(Form {
            base,
            polynomial,
            name: name.to_owned(),
        });
        Signal {
            form: FormId(self.forms.forms.len() - 1),
            flat,
            pads: [0; 4],
        }
    }

    fn form(&self, signal: Signal) -> &Form {
        &self.forms.forms[signal.form.0]
    }
}

impl Forms {
    /// What the layer was made of, if it was made of a form; `made` ascends, as layers are only added.
    fn made_of(&self, layer: LayerId) -> Option<&Form> {
        let index = self.made.binary_search_by_key(&layer, |(id, _)| *id).ok()?;
        Some(&self.made[index].1)
    }
}

/// Scale and shift of each channel.
fn affine(polynomial: &Polynomial, channels: usize) -> Vec<Vec<f32>> {
    let rows = polynomial.rows();
    let column = |power: usize| -> Vec<f32> {
        (0..channels)
            .map(|channel| {
                let row = &rows[channel.min(rows.len() - 1)];
                row.get(power).copied().unwrap_or(0.0) as f32
            })
            .collect()
    };
    vec![column(1), column(0)]
}

fn check_degree(node: Node<'_>, degree: usize) -> Result<(), Error> {
    match degree {
        0..=MAX_DEGREE => Ok(()),
        _ => Err(node.unsupported(
            format!("it makes a polynomial of degree {degree}, at most {MAX_DEGREE} are taken"),
            "use one of lower degree, or compose it of several with a layer between",
        )),
    }
}
