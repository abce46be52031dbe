//! Layers without parameters that begin or join paths: input, add, concat.

use super::check_knobs;
use crate::Shape;

pub(super) fn input_shape(shape: &Shape, inputs: &[Shape]) -> Result<Shape, String> {
    if !inputs.is_empty() {
        return Err(format!(
            "an input layer takes no inputs, {} given",
            inputs.len()
        ));
    }
    check_knobs(&[
        ("channels", shape.channels),
        ("height", shape.height),
        ("width", shape.width),
    ])?;
    Ok(*shape)
}

pub(super) fn add_shape(inputs: &[Shape]) -> Result<Shape, String> {
    let [first, rest @ ..] = inputs else {
        return Err("add takes at least 2 inputs, 0 given".into());
    };
    if rest.is_empty() {
        return Err("add takes at least 2 inputs, 1 given".into());
    }
    match rest.iter().find(|shape| *shape != first) {
        Some(other) => Err(format!(
            "add needs equal shapes, given {first} and {other}; match channels and stride of both paths"
        )),
        None => Ok(*first),
    }
}

pub(super) fn concat_shape(inputs: &[Shape]) -> Result<Shape, String> {
    let [first, rest @ ..] = inputs else {
        return Err("concat takes at least 2 inputs, 0 given".into());
    };
    if rest.is_empty() {
        return Err("concat takes at least 2 inputs, 1 given".into());
    }
    if let Some(other) = rest
        .iter()
        .find(|s| (s.height, s.width) != (first.height, first.width))
    {
        return Err(format!(
            "concat needs equal height and width, given {first} and {other}"
        ));
    }
    let channels = inputs.iter().map(|s| s.channels).sum();
    Ok(Shape::new(channels, first.height, first.width))
}
