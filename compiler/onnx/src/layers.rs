//! From tensors to layers: a layer is made when something reads a tensor that none computes yet.
//!
//! Arithmetic nodes (Mul, Add, Pow, … and batch norm) only change a tensor's polynomial. So `a·x·x + b·x + c`, in
//! whatever order it is written, becomes one Poly layer. A power of a polynomial of several terms is not multiplied
//! out but computed from its own layer: `(s·x + t)²` in powers of `x` cancels badly in 32-bit coefficients.

use std::sync::Arc;

use hemet_spaces::layer::{Affine, Entries, Poly, Sparse};
use hemet_spaces::{Layer, Shape};

use crate::Error;
use crate::forms::{Form, Signal};
use crate::movement::{Movement, NOTHING};
use crate::network::LayerId;
use crate::node::Node;
use crate::polynomial::{MAX_DEGREE, Polynomial};
use crate::state::Import;

/// Two tensors as polynomials of one layer.
struct Common {
    base: LayerId,
    left: Polynomial,
    right: Polynomial,
}

/// Constants for the elements of a layer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constants {
    /// One for all.
    One(f64),
    /// One a channel.
    Channels(Vec<f64>),
    /// One an element.
    Elements(Vec<f64>),
}

/// The shape in which a layer holds a tensor: `[1, c, h, w]`, `[1, c, length]` and `[1, n]` as channels and maps of
/// them.
pub(crate) fn canonical(dims: &[usize]) -> Shape {
    let own = match dims {
        [1, own @ ..] => own,
        all => all,
    };
    match *own {
        [] => Shape::new(1, 1, 1),
        [n] => Shape::new(n, 1, 1),
        [channels, length] => Shape::new(channels, 1, length),
        [ref channels @ .., height, width] => Shape::new(channels.iter().product(), height, width),
    }
}

impl Import<'_> {
    /// A tensor of extents `dims` that is a layer's output, in the layer's order.
    pub(crate) fn signal_of(&mut self, base: LayerId, dims: Vec<usize>) -> Signal {
        let view = Movement::in_order(dims);
        self.new_signal(base, Polynomial::identity(), "", view)
    }

    /// Shape of the layer that the tensor's elements are taken from.
    pub(crate) fn base_shape(&self, signal: &Signal) -> Shape {
        self.network.shape(self.forms.get(signal.form).base)
    }

    /// The tensor with its elements moved.
    pub(crate) fn moved(
        &mut self,
        node: Node<'_>,
        signal: &Signal,
        movement: &Movement,
    ) -> Result<Signal, Error> {
        let signal = self.unpadded(node, signal)?;
        if movement.from.is_some() {
            self.budget.take(node.name(), &[movement.len()])?;
        }
        let len = self.base_shape(&signal).len();
        Ok(Signal {
            view: movement.after(&signal.view).simplified(len),
            ..signal
        })
    }

    /// The tensor with its pads among its elements.
    pub(crate) fn unpadded(&mut self, node: Node<'_>, signal: &Signal) -> Result<Signal, Error> {
        let [above, left, below, right] = signal.pads;
        if signal.pads == [0; 4] {
            return Ok(signal.clone());
        }
        let dims = signal.dims();
        let rank = dims.len();
        let axis = |axis: usize| {
            let (before, behind) = match rank - axis {
                1 => (left, right),
                2 => (above, below),
                _ => (0, 0),
            };
            let inside = (0..dims[axis]).map(Some);
            let zeros = |count| std::iter::repeat_n(None, count);
            zeros(before).chain(inside).chain(zeros(behind)).collect()
        };
        let axes: Vec<Vec<Option<usize>>> = (0..rank).map(axis).collect();
        let lens: Vec<usize> = axes.iter().map(Vec::len).collect();
        self.budget.take(node.name(), &lens)?;
        let view = Movement::by_axis(dims, &axes).after(&signal.view);
        Ok(Signal {
            view,
            pads: [0; 4],
            ..signal.clone()
        })
    }

    /// The layer that computes the tensor's form.
    pub(crate) fn form_layer(&mut self, node: Node<'_>, signal: &Signal) -> Result<LayerId, Error> {
        let form = self.forms.get(signal.form).clone();
        if form.polynomial.is_identity() {
            return Ok(form.base);
        }
        let channels = self.network.shape(form.base).channels;
        let polynomial = &form.polynomial;
        let rows = channels.max(polynomial.rows().len());
        self.budget
            .take(node.name(), &[rows, polynomial.degree() + 1])?;
        let (layer, tensors) = match polynomial.degree() {
            0 | 1 => (Layer::Affine(Affine), affine(polynomial, channels)),
            degree => {
                let per_channel = polynomial.rows().len() > 1;
                let coefficients = polynomial.rows().iter().flatten().map(|c| *c as f32);
                let poly = Poly {
                    degree,
                    per_channel,
                };
                (Layer::Poly(poly), vec![coefficients.collect()])
            }
        };
        let made = self.network.add(&form.name, layer, &[form.base], tensors)?;
        self.forms.settle(signal.form, made);
        Ok(made)
    }

    /// The layer that holds the tensor, in order, as a map of the shape that [`canonical`] gives.
    pub(crate) fn layer(&mut self, node: Node<'_>, signal: &Signal) -> Result<LayerId, Error> {
        let signal = self.unpadded(node, signal)?;
        let base = self.form_layer(node, &signal)?;
        let shape = canonical(signal.dims());
        self.ordered(node, base, &signal.view, shape)
    }

    /// The layer that holds the tensor in order, whatever its shape.
    pub(crate) fn flat_layer(&mut self, node: Node<'_>, signal: &Signal) -> Result<LayerId, Error> {
        let signal = self.unpadded(node, signal)?;
        let base = self.form_layer(node, &signal)?;
        match signal.view.from {
            None => Ok(base),
            Some(_) => self.ordered(node, base, &signal.view, canonical(signal.dims())),
        }
    }

    fn ordered(
        &mut self,
        node: Node<'_>,
        base: LayerId,
        view: &Movement,
        shape: Shape,
    ) -> Result<LayerId, Error> {
        let before = self.network.shape(base);
        if view.from.is_none() && before == shape {
            return Ok(base);
        }
        let known = self.forms.moved.entry(base).or_default();
        let same = |(movement, _): &&(Movement, LayerId)| movement == view;
        if let Some((_, layer)) = known.iter().find(same) {
            return Ok(*layer);
        }
        self.budget.take(node.name(), &[2, view.len()])?;
        let sparse =
            selection(shape, view).map_err(|why| node.unsupported(why, "use a smaller tensor"))?;
        let name = format!("{}.order", node.name());
        let layer = self
            .network
            .add(&name, Layer::Sparse(sparse), &[base], Vec::new())?;
        self.forms
            .moved
            .entry(base)
            .or_default()
            .push((view.clone(), layer));
        Ok(layer)
    }

    /// The tensor as one that arithmetic can be done on: without pads, and without elements that are 0 whatever the
    /// layer holds.
    pub(crate) fn settled(&mut self, node: Node<'_>, signal: &Signal) -> Result<Signal, Error> {
        let signal = self.unpadded(node, signal)?;
        match signal.view.has_nothing() {
            false => Ok(signal),
            true => self.fresh(node, &signal),
        }
    }

    /// The tensor as a layer of its own, in order.
    fn fresh(&mut self, node: Node<'_>, signal: &Signal) -> Result<Signal, Error> {
        let layer = self.layer(node, signal)?;
        Ok(self.signal_of(layer, signal.dims().to_vec()))
    }

    /// `signal · factor + shift` with constants for its elements, row-major, or one number for all.
    pub(crate) fn scaled(
        &mut self,
        node: Node<'_>,
        signal: &Signal,
        factor: Option<&[f64]>,
        shift: Option<&[f64]>,
    ) -> Result<Signal, Error> {
        let mut signal = self.settled(node, signal)?;
        let both = |import: &Self, signal: &Signal| {
            let of = |numbers: Option<&[f64]>, default: f64| match numbers {
                None => Some(Constants::One(default)),
                Some(numbers) => import.constants(signal, numbers, default),
            };
            Some((of(factor, 1.0)?, of(shift, 0.0)?))
        };
        let (factor, shift) = match both(self, &signal) {
            Some(constants) => constants,
            None => {
                // One element of the layer takes two numbers.
                signal = self.fresh(node, &signal)?;
                both(self, &signal).unwrap_or((Constants::One(1.0), Constants::One(0.0)))
            }
        };
        if let (Constants::Elements(_), _) | (_, Constants::Elements(_)) = (&factor, &shift) {
            return self.scaled_elements(node, &signal, factor, shift);
        }
        let form = self.forms.get(signal.form).clone();
        let row = |constants: Constants| match constants {
            Constants::One(number) => vec![number],
            Constants::Channels(numbers) | Constants::Elements(numbers) => numbers,
        };
        let (factor, shift) = (row(factor), row(shift));
        let rows = factor
            .len()
            .max(shift.len())
            .max(form.polynomial.rows().len());
        self.budget
            .take(node.name(), &[rows, form.polynomial.degree() + 1])?;
        let polynomial = form
            .polynomial
            .mul(&Polynomial::constant(factor))
            .add(&Polynomial::constant(shift));
        Ok(self.new_signal(form.base, polynomial, node.name(), signal.view))
    }

    /// Numbers for the tensor's elements as numbers for the layer's; none where one element takes two.
    fn constants(&self, signal: &Signal, numbers: &[f64], default: f64) -> Option<Constants> {
        if let [first, rest @ ..] = numbers
            && rest.iter().all(|number| number == first)
        {
            return Some(Constants::One(*first));
        }
        let shape = self.base_shape(signal);
        let mut elements: Vec<Option<f64>> = vec![None; shape.len()];
        for (index, number) in numbers.iter().enumerate() {
            let element = &mut elements[signal.view.position(index)?];
            if element.is_some_and(|other| other != *number) {
                return None;
            }
            *element = Some(*number);
        }
        let channel_len = shape.height * shape.width;
        let channel = |elements: &[Option<f64>]| {
            let first = elements.iter().flatten().next().copied();
            let equal = elements
                .iter()
                .flatten()
                .all(|number| Some(*number) == first);
            equal.then_some(first.unwrap_or(default))
        };
        let channels: Option<Vec<f64>> = elements.chunks_exact(channel_len).map(channel).collect();
        Some(match channels {
            Some(channels) => Constants::Channels(channels),
            None => Constants::Elements(elements.iter().map(|e| e.unwrap_or(default)).collect()),
        })
    }

    fn scaled_elements(
        &mut self,
        node: Node<'_>,
        signal: &Signal,
        factor: Constants,
        shift: Constants,
    ) -> Result<Signal, Error> {
        let base = self.form_layer(node, signal)?;
        let shape = self.network.shape(base);
        self.budget.take(node.name(), &[4, shape.len()])?;
        let channel_len = shape.height * shape.width;
        let spread = |constants: Constants| -> Vec<f32> {
            let at = |element: usize| match &constants {
                Constants::One(number) => *number,
                Constants::Channels(numbers) => numbers[element / channel_len],
                Constants::Elements(numbers) => numbers[element],
            };
            (0..shape.len()).map(|element| at(element) as f32).collect()
        };
        let sparse = Sparse {
            weights: factor != Constants::One(1.0),
            bias: shift != Constants::One(0.0),
            ..Sparse::elementwise(shape)
        };
        let weights = sparse.weights.then(|| spread(factor));
        let tensors = weights
            .into_iter()
            .chain(sparse.bias.then(|| spread(shift)));
        let tensors = tensors.collect();
        let layer = self
            .network
            .add(node.name(), Layer::Sparse(sparse), &[base], tensors)?;
        Ok(self.new_signal(layer, Polynomial::identity(), "", signal.view.clone()))
    }

    /// `left + right`: one polynomial where both are polynomials of one layer, else an Add layer.
    pub(crate) fn sum(
        &mut self,
        node: Node<'_>,
        left: &Signal,
        right: &Signal,
    ) -> Result<Signal, Error> {
        if left.view == right.view {
            if let Some(common) = self.common(node, left, right)? {
                let sum = common.left.add(&common.right);
                return Ok(self.new_signal(common.base, sum, node.name(), left.view.clone()));
            }
            let (a, b) = (self.form_layer(node, left)?, self.form_layer(node, right)?);
            if self.network.shape(a) == self.network.shape(b) {
                let sum = self
                    .network
                    .add(node.name(), Layer::Add, &[a, b], Vec::new())?;
                return Ok(self.new_signal(sum, Polynomial::identity(), "", left.view.clone()));
            }
        }
        let inputs = [self.layer(node, left)?, self.layer(node, right)?];
        let sum = self
            .network
            .add(node.name(), Layer::Add, &inputs, Vec::new())?;
        Ok(self.signal_of(sum, left.dims().to_vec()))
    }

    /// `left · right`; none where they are not polynomials of one layer.
    pub(crate) fn product(
        &mut self,
        node: Node<'_>,
        left: &Signal,
        right: &Signal,
    ) -> Result<Option<Signal>, Error> {
        if left.view != right.view {
            return Ok(None);
        }
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
        let view = left.view.clone();
        Ok(Some(self.new_signal(
            common.base,
            product,
            node.name(),
            view,
        )))
    }

    /// `signal^exponent`, exponent at least 1.
    pub(crate) fn power(
        &mut self,
        node: Node<'_>,
        signal: &Signal,
        exponent: usize,
    ) -> Result<Signal, Error> {
        check_degree(node, exponent)?;
        let Form {
            mut base,
            mut polynomial,
            ..
        } = self.forms.get(signal.form).clone();
        let degree = polynomial.degree() * exponent;
        if exponent > 1 && (!polynomial.is_single_term() || degree > MAX_DEGREE) {
            base = self.form_layer(node, signal)?;
            polynomial = Polynomial::identity();
        }
        let degree = polynomial.degree() * exponent;
        self.budget
            .take(node.name(), &[polynomial.rows().len(), degree + 1])?;
        let power = Polynomial::power(exponent).of(&polynomial);
        Ok(self.new_signal(base, power, node.name(), signal.view.clone()))
    }

    /// Whether the tensor is a layer's output scaled and shifted, not yet in a layer of its own.
    pub(crate) fn is_affine(&self, signal: &Signal) -> bool {
        self.forms.get(signal.form).polynomial.degree() <= 1
    }

    /// Both tensors as polynomials of one layer, if they are: a layer made of a polynomial is replaced by it until
    /// the bases meet.
    fn common(
        &mut self,
        node: Node<'_>,
        left: &Signal,
        right: &Signal,
    ) -> Result<Option<Common>, Error> {
        let of = |signal: &Signal| self.forms.get(signal.form).clone();
        let (mut a, mut b) = (of(left), of(right));
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

    pub(crate) fn new_signal(
        &mut self,
        base: LayerId,
        polynomial: Polynomial,
        name: &str,
        view: Movement,
    ) -> Signal {
        let form = self.forms.add(Form {
            base,
            polynomial,
            name: name.to_owned(),
        });
        Signal {
            form,
            view,
            pads: [0; 4],
        }
    }
}

/// The map that only moves elements.
fn selection(shape: Shape, view: &Movement) -> Result<Sparse, String> {
    let Some(from) = &view.from else {
        return Ok(Sparse::selection(shape, (0..shape.len() as u32).collect()));
    };
    let lengths = from.iter().map(|f| u32::from(*f != NOTHING)).collect();
    let columns = from.iter().copied().filter(|f| *f != NOTHING).collect();
    Ok(Sparse {
        output: shape,
        entries: Arc::new(Entries::new(lengths, columns)?),
        weights: false,
        bias: false,
    })
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
