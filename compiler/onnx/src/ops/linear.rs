//! CumSum and Einsum: linear maps that are no convolution.

use crate::Error;
use crate::constant::Constant;
use crate::forms::Signal;
use crate::movement::{Movement, strides};
use crate::node::Node;
use crate::state::{Import, Value};

use super::weighted::Weighted;

/// Sums along an axis up to each place.
pub(super) fn cum_sum<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&["exclusive", "reverse"])?;
    let signal = import.signal(node, 0)?;
    let signal = import.unpadded(node, &signal)?;
    let dims = signal.dims().to_vec();
    let axes = import.integers(node, "axis", 1)?.unwrap_or_default();
    let [axis] = axes[..] else {
        return Err(node.damaged("its axis is not one number"));
    };
    let axis = node.axis(axis, dims.len())?;
    let (exclusive, reverse) = (node.flag("exclusive")?, node.flag("reverse")?);
    let stride = strides(&dims)[axis];
    let len: usize = dims.iter().product();
    import.budget.take(node.name(), &[4, len, dims[axis]])?;
    let mut sums = Weighted::default();
    for at in 0..len {
        let place = at / stride % dims[axis];
        let (from, to) = match (reverse, exclusive) {
            (false, exclusive) => (0, place + usize::from(!exclusive)),
            (true, exclusive) => (place + usize::from(exclusive), dims[axis]),
        };
        let first = at - place * stride;
        let terms: Vec<(usize, f64)> = (from..to).map(|k| (first + k * stride, 1.0)).collect();
        sums.push(&terms);
    }
    sums.of(import, node, &signal, dims)
}

/// Sums of products over named axes, of one tensor alone or of one and constants.
pub(super) fn einsum<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&["equation"])?;
    let equation = node.text("equation", "")?;
    let Some(named) = Named::read(equation) else {
        return Err(node.unsupported(
            format!("its equation is `{equation}`"),
            "name each axis by a letter, as in bchw,cd->bdhw",
        ));
    };
    let (signal, which, constant) = operands(import, node, &named)?;
    let signal = import.unpadded(node, &signal)?;
    let of_signal = Axes::of(node, &named.inputs[which], signal.dims())?;
    let of_constant = match &constant {
        Some(constant) => Some(Axes::of(node, &named.inputs[1 - which], &constant.dims)?),
        None => None,
    };
    let extents = extents(node, [Some(&of_signal), of_constant.as_ref()])?;
    let is_summed = |(name, _): &&(char, usize)| !named.output.contains(name);
    let summed: Vec<(char, usize)> = extents.iter().filter(is_summed).copied().collect();
    let extent = |name: &char| {
        let found = extents.iter().find(|(known, _)| known == name);
        found.map(|(_, extent)| *extent)
    };
    let dims: Option<Vec<usize>> = named.output.iter().map(extent).collect();
    let dims = dims.ok_or_else(|| node.damaged(format!("its equation is `{equation}`")))?;
    let inner: Vec<usize> = summed.iter().map(|(_, extent)| *extent).collect();
    import
        .budget
        .take(node.name(), &[&[4][..], &dims, &inner].concat())?;
    let numbers: Vec<f64> = constant.iter().flat_map(|c| c.numbers()).collect();
    let mut sums = Weighted::default();
    Movement::by_place(dims.clone(), |outer| {
        let mut terms = Vec::new();
        Movement::by_place(inner.clone(), |place| {
            let index = |name: char| {
                let own = named.output.iter().position(|known| *known == name);
                let summed = || summed.iter().position(|(known, _)| *known == name);
                own.map_or_else(|| summed().map_or(0, |at| place[at]), |at| outer[at])
            };
            let weight = of_constant
                .as_ref()
                .map_or(1.0, |axes| numbers[axes.at(index)]);
            terms.push((of_signal.at(index), weight));
            None
        });
        sums.push(&joined(terms));
        None
    });
    sums.of(import, node, &signal, dims)
}

/// The extent of each named axis.
fn extents(node: Node<'_>, operands: [Option<&Axes>; 2]) -> Result<Vec<(char, usize)>, Error> {
    let mut extents: Vec<(char, usize)> = Vec::new();
    for (name, extent, _) in operands.into_iter().flatten().flat_map(|axes| &axes.0) {
        match extents.iter().find(|(known, _)| known == name) {
            Some((_, known)) if known != extent => {
                return Err(node.damaged(format!("axis {name} has {known} and {extent} places")));
            }
            Some(_) => {}
            None => extents.push((*name, *extent)),
        }
    }
    Ok(extents)
}

/// The tensor that depends on the input, which of the operands it is, and the constant beside it.
fn operands<'m>(
    import: &Import<'m>,
    node: Node<'m>,
    named: &Named,
) -> Result<(Signal, usize, Option<Constant<'m>>), Error> {
    let count = node.proto.input.len();
    if count != named.inputs.len() {
        return Err(node.damaged(format!(
            "it has {count} inputs, its equation {}",
            named.inputs.len()
        )));
    }
    let more = || {
        node.unsupported(
            "it multiplies tensors that depend on the input",
            "use one, and constants",
        )
    };
    if count == 1 {
        return Ok((import.signal(node, 0)?, 0, None));
    }
    if count > 2 {
        return Err(more());
    }
    match (import.needed(node, 0)?, import.needed(node, 1)?) {
        (Value::Signal(signal), Value::Constant(constant)) => Ok((signal, 0, Some(constant))),
        (Value::Constant(constant), Value::Signal(signal)) => Ok((signal, 1, Some(constant))),
        (Value::Signal(_), Value::Signal(_)) | (Value::Constant(_), Value::Constant(_)) => {
            Err(more())
        }
    }
}

/// Terms of one position as one.
fn joined(mut terms: Vec<(usize, f64)>) -> Vec<(usize, f64)> {
    terms.sort_by_key(|(at, _)| *at);
    terms.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    terms
}

/// The names of axes in an equation.
struct Named {
    inputs: Vec<Vec<char>>,
    output: Vec<char>,
}

impl Named {
    /// None where axes have no letters of their own. Without an arrow the output has the names that stand once, in
    /// order.
    fn read(equation: &str) -> Option<Self> {
        let plain: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
        let (inputs, output) = match plain.split_once("->") {
            Some((inputs, output)) => (inputs, Some(output)),
            None => (plain.as_str(), None),
        };
        let names = |text: &str| -> Option<Vec<char>> {
            text.chars()
                .map(|c| c.is_ascii_alphabetic().then_some(c))
                .collect()
        };
        let inputs: Vec<Vec<char>> = inputs.split(',').map(names).collect::<Option<_>>()?;
        let output = match output {
            Some(output) => names(output)?,
            None => {
                let all: Vec<char> = inputs.iter().flatten().copied().collect();
                let once = |name: &char| all.iter().filter(|other| *other == name).count() == 1;
                let mut once: Vec<char> = all.iter().copied().filter(once).collect();
                once.sort_unstable();
                once
            }
        };
        let twice = output
            .iter()
            .enumerate()
            .any(|(at, name)| output[..at].contains(name));
        (!twice).then_some(Self { inputs, output })
    }
}

/// The axes of an operand: names, extents and strides.
struct Axes(Vec<(char, usize, usize)>);

impl Axes {
    fn of(node: Node<'_>, names: &[char], dims: &[usize]) -> Result<Self, Error> {
        if names.len() != dims.len() {
            let names: String = names.iter().collect();
            return Err(node.damaged(format!("its equation names `{names}` of a tensor {dims:?}")));
        }
        let axes = names.iter().zip(dims).zip(strides(dims));
        Ok(Self(
            axes.map(|((name, extent), stride)| (*name, *extent, stride))
                .collect(),
        ))
    }

    /// The position of the element at these places.
    fn at(&self, index: impl Fn(char) -> usize) -> usize {
        self.0
            .iter()
            .map(|(name, _, stride)| index(*name) * stride)
            .sum()
    }
}
