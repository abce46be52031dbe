//! Resize and Upsample: nearest neighbors are moved, linear interpolation is a sparse map.

use crate::Error;
use crate::forms::Signal;
use crate::limits::{MAX_ELEMENTS, MAX_SIDE};
use crate::movement::{Movement, strides};
use crate::node::Node;
use crate::state::Import;

use super::weighted::Weighted;

/// For each place of an axis the elements that it is the weighted sum of.
type Mix = Vec<Vec<(usize, f64)>>;

pub(super) fn resize<'m>(import: &mut Import<'m>, node: Node<'m>) -> Result<Signal, Error> {
    node.expect_attributes(&[
        "antialias",
        "axes",
        "coordinate_transformation_mode",
        "cubic_coeff_a",
        "exclude_outside",
        "extrapolation_value",
        "keep_aspect_ratio_policy",
        "mode",
        "nearest_mode",
        "scales",
    ])?;
    let signal = import.signal(node, 0)?;
    let signal = import.unpadded(node, &signal)?;
    let dims = signal.dims().to_vec();
    let mixes = mixes(import, node, &dims)?;
    let lens: Vec<usize> = mixes.iter().map(Vec::len).collect();
    let len = lens
        .iter()
        .try_fold(1usize, |len, axis| len.checked_mul(*axis));
    if len.is_none_or(|len| len == 0 || len > MAX_ELEMENTS) {
        return Err(node.damaged(format!("it resizes {dims:?} to {lens:?}")));
    }
    if mixes.iter().flatten().all(|mix| mix.len() == 1) {
        let axis = |mix: &Mix| mix.iter().map(|places| Some(places[0].0)).collect();
        let axes: Vec<Vec<Option<usize>>> = mixes.iter().map(axis).collect();
        return import.moved(node, &signal, &Movement::by_axis(&dims, &axes));
    }
    mixed(import, node, &signal, &mixes)
}

/// Every element as the weighted sum of those that its axes mix.
fn mixed(
    import: &mut Import<'_>,
    node: Node<'_>,
    signal: &Signal,
    mixes: &[Mix],
) -> Result<Signal, Error> {
    let lens: Vec<usize> = mixes.iter().map(Vec::len).collect();
    let strides = &strides(signal.dims());
    import.budget.take(node.name(), &lens)?;
    import
        .budget
        .take(node.name(), &[4, lens.iter().product()])?;
    let mut sums = Weighted::default();
    Movement::by_place(lens.clone(), |place| {
        let mut terms = vec![(0usize, 1.0f64)];
        for (axis, index) in place.iter().enumerate() {
            let mix = &mixes[axis][*index];
            terms = terms
                .iter()
                .flat_map(|(at, weight)| {
                    mix.iter()
                        .map(move |(place, share)| (at + place * strides[axis], weight * share))
                })
                .collect();
        }
        sums.push(&terms);
        None
    });
    sums.of(import, node, signal, lens)
}

/// What each place of each axis is made of.
fn mixes<'m>(import: &Import<'m>, node: Node<'m>, dims: &[usize]) -> Result<Vec<Mix>, Error> {
    let old_form = node.operator() == "Upsample" || node.proto.input.len() == 2;
    let numbers = |index: usize| -> Result<Option<Vec<f64>>, Error> {
        let found = import.optional_constant(node, index)?;
        Ok(found
            .map(|c| c.numbers().collect())
            .filter(|n: &Vec<f64>| !n.is_empty()))
    };
    let scales = match node.attribute("scales") {
        Some(scales) => Some(scales.floats.iter().map(|s| f64::from(*s)).collect()),
        None => numbers(if old_form { 1 } else { 2 })?,
    };
    let sizes = if old_form { None } else { numbers(3)? };
    let axes: Vec<usize> = match node.attribute("axes") {
        Some(axes) => axes
            .ints
            .iter()
            .map(|axis| node.axis(*axis, dims.len()))
            .collect::<Result<_, _>>()?,
        None => (0..dims.len()).collect(),
    };
    let way = Way::of(node, old_form)?;
    let mut mixes: Vec<Mix> = dims
        .iter()
        .map(|len| (0..*len).map(|place| vec![(place, 1.0)]).collect())
        .collect();
    let given = sizes.as_ref().or(scales.as_ref());
    let Some(given) = given.filter(|given| given.len() == axes.len()) else {
        return Err(node.damaged("its scales or sizes are not one for each axis"));
    };
    for (axis, number) in axes.iter().zip(given) {
        let len = dims[*axis];
        let (new, scale) = match sizes {
            Some(_) => (*number, number / len as f64),
            None => ((len as f64 * number).floor(), *number),
        };
        if !(1.0..=(len.max(1) * MAX_SIDE) as f64).contains(&new) {
            return Err(node.damaged(format!("it resizes an axis of {len} to {new}")));
        }
        if new as usize != len || scale != 1.0 {
            mixes[*axis] = (0..new as usize)
                .map(|place| way.mix(place, [len, new as usize], scale))
                .collect();
        }
    }
    Ok(mixes)
}

/// How a place of the new axis is found on the old one.
struct Way<'m> {
    linear: bool,
    coordinates: &'m str,
    nearest: &'m str,
}

impl<'m> Way<'m> {
    fn of(node: Node<'m>, old_form: bool) -> Result<Self, Error> {
        let mode = node.text("mode", "nearest")?;
        if !["nearest", "linear", "bilinear"].contains(&mode) || node.flag("antialias")? {
            return Err(node.unsupported(
                format!("its mode is {mode}"),
                "use mode nearest or linear without antialias",
            ));
        }
        let (coordinates, nearest) = match old_form {
            true => ("asymmetric", "floor"),
            false => ("half_pixel", "round_prefer_floor"),
        };
        let way = Self {
            linear: mode != "nearest",
            coordinates: node.text("coordinate_transformation_mode", coordinates)?,
            nearest: node.text("nearest_mode", nearest)?,
        };
        const COORDINATES: [&str; 5] = [
            "asymmetric",
            "half_pixel",
            "pytorch_half_pixel",
            "align_corners",
            "half_pixel_symmetric",
        ];
        const NEAREST: [&str; 4] = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];
        match COORDINATES.contains(&way.coordinates) && NEAREST.contains(&way.nearest) {
            true => Ok(way),
            false => Err(node.unsupported(
                format!("it finds places by {} and {}", way.coordinates, way.nearest),
                format!("use one of {}", COORDINATES.join(", ")),
            )),
        }
    }

    fn mix(&self, place: usize, [old, new]: [usize; 2], scale: f64) -> Vec<(usize, f64)> {
        let (place, last) = (place as f64, (old - 1) as f64);
        let at = match self.coordinates {
            "asymmetric" => place / scale,
            "align_corners" if new == 1 => 0.0,
            "align_corners" => place * last / (new - 1) as f64,
            "pytorch_half_pixel" if new == 1 => 0.0,
            "half_pixel_symmetric" => {
                let adjustment = new as f64 / (scale * old as f64);
                let center = old as f64 / 2.0;
                center * (1.0 - adjustment) + (place + 0.5) / scale - 0.5
            }
            _ => (place + 0.5) / scale - 0.5,
        };
        if self.linear {
            let low = at.floor();
            let (share, low, high) = (at - low, low.clamp(0.0, last), (low + 1.0).clamp(0.0, last));
            return match low == high || share == 0.0 {
                true => vec![(low as usize, 1.0)],
                false => vec![(low as usize, 1.0 - share), (high as usize, share)],
            };
        }
        let nearest = match self.nearest {
            "floor" => at.floor(),
            "ceil" => at.ceil(),
            "round_prefer_ceil" => (at + 0.5).floor(),
            _ => (at - 0.5).ceil(),
        };
        vec![(nearest.clamp(0.0, last) as usize, 1.0)]
    }
}
