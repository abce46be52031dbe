//! Nodes of constants alone, computed at import: shapes, their arithmetic, and whatever an exporter did not fold.

use crate::Error;
use crate::constant::{Constant, NumberKind};
use crate::limits::MAX_ELEMENTS;
use crate::movement::{broadcast, expand, strides};
use crate::node::Node;
use crate::state::{Import, Value};

/// What the node makes of constants; none where it reads a tensor that depends on the input, or is no operator of
/// this kind.
pub(super) fn folded<'m>(
    import: &mut Import<'m>,
    node: Node<'m>,
) -> Result<Option<Constant<'m>>, Error> {
    let name = node.name();
    if node.operator() == "Constant" {
        return Constant::of_node(node).map(Some);
    }
    if let ("Shape" | "Size", Value::Signal(signal)) = (node.operator(), import.needed(node, 0)?) {
        let dims = import.unpadded(node, &signal)?.view.dims;
        return shape(node, &dims).map(Some);
    }
    let mut constants = Vec::new();
    for index in 0..node.proto.input.len() {
        match import.value(node, index)? {
            Some(Value::Constant(constant)) => constants.push(constant),
            Some(Value::Signal(_)) => return Ok(None),
            None => {}
        }
    }
    let len: usize = constants.iter().map(Constant::len).sum();
    import.budget.take(name, &[2, len.max(1)])?;
    let made = match (node.operator(), &constants[..]) {
        ("Shape" | "Size", [one]) => shape(node, &one.dims)?,
        ("Identity" | "Dropout", [one, ..]) => one.clone(),
        ("Cast", [one]) => cast(node, one)?,
        ("ConstantOfShape", [dims]) => constant_of_shape(import, node, dims)?,
        ("Range", [start, limit, step]) => range(node, [start, limit, step])?,
        ("Concat", [_, ..]) => concat(node, &constants)?,
        ("Where", [condition, yes, no]) => {
            let chosen = pair(
                node,
                condition,
                yes,
                |c, y| if c != 0.0 { y } else { f64::NAN },
            )?;
            pair(node, &chosen, no, |c, n| if c.is_nan() { n } else { c })?
        }
        (operator, [one]) if unary(operator).is_some() => {
            let function = unary(operator).unwrap_or(|x| x);
            let numbers = one.numbers().map(function).collect();
            Constant::made(name, one.kind(), one.dims.clone(), numbers)
        }
        (operator, [left, right]) if binary(operator).is_some() => {
            let function = binary(operator).unwrap_or(|a, _| a);
            let whole = operator == "Div" && left.kind() == NumberKind::Integer;
            let quotient = move |a: f64, b: f64| match whole {
                true => function(a, b).trunc(),
                false => function(a, b),
            };
            pair(node, left, right, quotient)?
        }
        ("ReduceProd" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceMean", [one, ..]) => {
            reduce(import, node, one)?
        }
        _ => return Ok(None),
    };
    Ok(Some(made))
}

fn shape<'m>(node: Node<'m>, dims: &[usize]) -> Result<Constant<'m>, Error> {
    node.expect_attributes(&["start", "end"])?;
    let rank = dims.len() as i64;
    let bound = |name: &str, default: i64| -> Result<usize, Error> {
        let at = node.integer(name, default)?;
        let at = if at < 0 { at.saturating_add(rank) } else { at };
        Ok(at.clamp(0, rank) as usize)
    };
    let numbers: Vec<f64> = match node.operator() {
        "Size" => {
            let len = dims.iter().product::<usize>() as f64;
            return Ok(Constant::made(
                node.name(),
                NumberKind::Integer,
                vec![],
                vec![len],
            ));
        }
        _ => {
            let (start, end) = (bound("start", 0)?, bound("end", rank)?);
            dims.get(start..end)
                .unwrap_or_default()
                .iter()
                .map(|d| *d as f64)
                .collect()
        }
    };
    let dims = vec![numbers.len()];
    Ok(Constant::made(
        node.name(),
        NumberKind::Integer,
        dims,
        numbers,
    ))
}

/// What numbers of a data type are.
fn kind_of(data_type: i64) -> Option<NumberKind> {
    match data_type {
        1 | 10 | 11 | 16 => Some(NumberKind::Float),
        2..=7 | 12 | 13 => Some(NumberKind::Integer),
        9 => Some(NumberKind::Truth),
        _ => None,
    }
}

fn cast<'m>(node: Node<'m>, one: &Constant<'m>) -> Result<Constant<'m>, Error> {
    let to = node.integer("to", 0)?;
    let Some(kind) = kind_of(to) else {
        return Err(node.unsupported(
            format!("it casts to type number {to}"),
            "cast to numbers only",
        ));
    };
    let convert = |x: f64| match kind {
        NumberKind::Float => x,
        NumberKind::Integer => x.trunc(),
        NumberKind::Truth => f64::from(u8::from(x != 0.0)),
    };
    let numbers = one.numbers().map(convert).collect();
    Ok(Constant::made(node.name(), kind, one.dims.clone(), numbers))
}

fn constant_of_shape<'m>(
    import: &mut Import<'m>,
    node: Node<'m>,
    dims: &Constant<'m>,
) -> Result<Constant<'m>, Error> {
    node.expect_attributes(&["value"])?;
    let tensor = node.attribute("value").and_then(|a| a.t.as_ref());
    let (kind, number) = match tensor {
        None => (NumberKind::Float, 0.0),
        Some(tensor) => {
            let value = Constant::new(node.name(), tensor)?;
            (value.kind(), value.single().unwrap_or(0.0))
        }
    };
    let sizes = dims.integers()?;
    let Some((dims, len)) = crate::constant::extents(&sizes) else {
        return Err(node.damaged(format!("its shape is {sizes:?}")));
    };
    import.budget.take(node.name(), &[2, len])?;
    Ok(Constant::made(node.name(), kind, dims, vec![number; len]))
}

fn range<'m>(node: Node<'m>, bounds: [&Constant<'m>; 3]) -> Result<Constant<'m>, Error> {
    let [start, limit, step] = bounds.map(|c| c.single().unwrap_or(f64::NAN));
    let count = ((limit - start) / step).ceil().max(0.0);
    if count.is_nan() || count > MAX_ELEMENTS as f64 {
        return Err(node.damaged(format!("it counts from {start} to {limit} by {step}")));
    }
    let numbers: Vec<f64> = (0..count as usize)
        .map(|i| start + i as f64 * step)
        .collect();
    let dims = vec![numbers.len()];
    Ok(Constant::made(node.name(), bounds[0].kind(), dims, numbers))
}

fn concat<'m>(node: Node<'m>, parts: &[Constant<'m>]) -> Result<Constant<'m>, Error> {
    let rank = parts[0].dims.len();
    let axis = node.axis(node.integer("axis", 0)?, rank)?;
    let fits = |part: &Constant<'_>| {
        part.dims.len() == rank && (0..rank).all(|a| a == axis || part.dims[a] == parts[0].dims[a])
    };
    if !parts.iter().all(fits) {
        return Err(node.damaged("it joins constants of different shapes"));
    }
    let mut dims = parts[0].dims.clone();
    dims[axis] = parts.iter().map(|part| part.dims[axis]).sum();
    let behind: usize = dims[axis + 1..].iter().product();
    let all: Vec<Vec<f64>> = parts.iter().map(|part| part.numbers().collect()).collect();
    let mut numbers = Vec::new();
    for row in 0..dims[..axis].iter().product() {
        for (part, own) in parts.iter().zip(&all) {
            let count = part.dims[axis] * behind;
            numbers.extend(&own[row * count..(row + 1) * count]);
        }
    }
    Ok(Constant::made(node.name(), parts[0].kind(), dims, numbers))
}

fn unary(operator: &str) -> Option<fn(f64) -> f64> {
    Some(match operator {
        "Neg" => |x| -x,
        "Abs" => f64::abs,
        "Floor" => f64::floor,
        "Ceil" => f64::ceil,
        "Round" => f64::round_ties_even,
        "Sqrt" => f64::sqrt,
        "Reciprocal" => f64::recip,
        "Exp" => f64::exp,
        "Log" => f64::ln,
        "Not" => |x| f64::from(u8::from(x == 0.0)),
        "Sigmoid" => |x| 1.0 / (1.0 + (-x).exp()),
        "Tanh" => f64::tanh,
        "Relu" => |x| x.max(0.0),
        _ => return None,
    })
}

fn binary(operator: &str) -> Option<fn(f64, f64) -> f64> {
    Some(match operator {
        "Add" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" => |a, b| a / b,
        "Pow" => f64::powf,
        "Max" => f64::max,
        "Min" => f64::min,
        "Mod" => f64::rem_euclid,
        "Equal" => |a, b| f64::from(u8::from(a == b)),
        "Greater" => |a, b| f64::from(u8::from(a > b)),
        "GreaterOrEqual" => |a, b| f64::from(u8::from(a >= b)),
        "Less" => |a, b| f64::from(u8::from(a < b)),
        "LessOrEqual" => |a, b| f64::from(u8::from(a <= b)),
        "And" => |a, b| f64::from(u8::from(a != 0.0 && b != 0.0)),
        "Or" => |a, b| f64::from(u8::from(a != 0.0 || b != 0.0)),
        _ => return None,
    })
}

fn pair<'m>(
    node: Node<'m>,
    left: &Constant<'m>,
    right: &Constant<'m>,
    function: impl Fn(f64, f64) -> f64,
) -> Result<Constant<'m>, Error> {
    let dims = broadcast(&left.dims, &right.dims);
    let len = dims
        .as_ref()
        .and_then(|dims| dims.iter().try_fold(1usize, |n, d| n.checked_mul(*d)));
    let (Some(dims), Some(0..=MAX_ELEMENTS)) = (dims, len) else {
        return Err(node.damaged(format!(
            "its constants have the shapes {:?} and {:?}",
            left.dims, right.dims
        )));
    };
    let spread =
        |constant: &Constant<'m>| constant.moved(node.name(), &expand(&constant.dims, &dims));
    let (a, b) = (spread(left), spread(right));
    let kind = if left.kind() == NumberKind::Truth {
        right.kind()
    } else {
        left.kind()
    };
    let numbers = a
        .numbers()
        .zip(b.numbers())
        .map(|(a, b)| function(a, b))
        .collect();
    Ok(Constant::made(node.name(), kind, dims, numbers))
}

fn reduce<'m>(
    import: &Import<'m>,
    node: Node<'m>,
    one: &Constant<'m>,
) -> Result<Constant<'m>, Error> {
    let rank = one.dims.len();
    let given = import.integers(node, "axes", 1)?.unwrap_or_default();
    let axes = match given.is_empty() {
        true => (0..rank).collect(),
        false => given
            .iter()
            .map(|axis| node.axis(*axis, rank))
            .collect::<Result<Vec<_>, _>>()?,
    };
    let (start, join): (f64, fn(f64, f64) -> f64) = match node.operator() {
        "ReduceProd" => (1.0, |a, b| a * b),
        "ReduceMax" => (f64::NEG_INFINITY, f64::max),
        "ReduceMin" => (f64::INFINITY, f64::min),
        _ => (0.0, |a, b| a + b),
    };
    let kept: Vec<usize> = (0..rank)
        .map(|axis| {
            if axes.contains(&axis) {
                1
            } else {
                one.dims[axis]
            }
        })
        .collect();
    let (old, new) = (strides(&one.dims), strides(&kept));
    let mut numbers = vec![start; kept.iter().product()];
    for (index, number) in one.numbers().enumerate() {
        let place = |axis: usize| index / old[axis] % one.dims[axis];
        let kept_axes = (0..rank).filter(|axis| !axes.contains(axis));
        let row: usize = kept_axes.map(|axis| place(axis) * new[axis]).sum();
        numbers[row] = join(numbers[row], number);
    }
    if node.operator() == "ReduceMean" {
        let count = (one.len() / numbers.len().max(1)) as f64;
        numbers.iter_mut().for_each(|number| *number /= count);
    }
    let dims: Vec<usize> = match node.integer("keepdims", 1)? {
        0 => (0..rank)
            .filter(|axis| !axes.contains(axis))
            .map(|axis| one.dims[axis])
            .collect(),
        _ => kept,
    };
    let made = Constant::made(node.name(), one.kind(), dims, numbers);
    Ok(made)
}
