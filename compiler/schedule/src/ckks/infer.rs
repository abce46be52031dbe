//! Types of results: the one place that says what each instruction does to level, scale and degree.
//!
//! The builder and the verifier both call [`result_types`], so a type is inferred once as a schedule is built and
//! checked by the same rule when it is read. Rules:
//!
//! | instruction | operands | result |
//! |---|---|---|
//! | `input` | – | the header's input level and scale, degree 1 |
//! | `linear` | one type, degree 1 | scale times the diagonals' scale |
//! | `rotate` | degree 1 | the same type |
//! | `add` | one type (degree 1 or 2) | the same type |
//! | `add_plain` | any | the same type |
//! | `multiply`, `square` | degree 1, one level | product of scales, degree 2 |
//! | `relinearize` | degree 2 | degree 1 |
//! | `rescale` | level `l ≥ 1`, any degree | level `l − 1`, scale divided by prime `l` of the chain |
//! | `level_drop` | level above `to`, any degree | level `to` |
//!
//! Every result must fit: `0 ≤ log2(scale)` and `log2(scale) + `[`HEADROOM_BITS`]` ≤ log2(q_0 ⋯ q_level)`.

use crate::ckks::{Header, Level, LinearPlan, Op, Scale, Type};

/// Bits that the modulus of a level must have above the scale: one for the sign and one so that values up to 2 in
/// magnitude still decrypt. A compiler that expects larger values must leave more.
pub const HEADROOM_BITS: f64 = 2.0;

/// Largest magnitude of an exponent in a scale. Real ones stay in the hundreds; the bound keeps arithmetic on
/// schedules from files exact.
pub const MAX_SCALE_EXPONENT: i64 = 1 << 20;

/// The types of the results of `op`, in order, given the types of `op.operands()` in order.
///
/// # Errors
/// What is wrong, with both numbers: the operands do not suit the instruction, or a result does not fit the modulus.
pub fn result_types(op: &Op, operands: &[&Type], header: &Header) -> Result<Vec<Type>, String> {
    let wanted = op.operands().len();
    if operands.len() != wanted {
        return Err(format!(
            "has {} operand types, needs {wanted}",
            operands.len()
        ));
    }
    let facts = op.facts();
    check_degrees(operands, facts.operand_degree)?;
    let result = match op {
        Op::Input { .. } => Type {
            level: header.input_level,
            scale: header.input_scale.clone(),
            degree: 1,
        },
        Op::Linear { plan, scale, .. } => linear(operands, plan, scale, header)?,
        Op::Add { .. } => same(operands)?.clone(),
        Op::Rotate { .. } | Op::AddPlain { .. } => operands[0].clone(),
        Op::Multiply { .. } => product(operands[0], operands[1])?,
        Op::Square { .. } => product(operands[0], operands[0])?,
        Op::Relinearize { .. } => Type {
            degree: 1,
            ..operands[0].clone()
        },
        Op::Rescale { .. } => rescaled(operands[0])?,
        Op::LevelDrop { to, .. } => dropped(operands[0], *to)?,
    };
    check_fit(&result, header)?;
    Ok(vec![result; facts.results as usize])
}

/// Whether a value of this type can exist: its level lies in the chain and its scale fits the modulus of that level.
///
/// # Errors
/// What does not fit, with both numbers.
pub fn check_fit(ty: &Type, header: &Header) -> Result<(), String> {
    let moduli = header.parameters.moduli();
    let Some(held) = moduli.get(..ty.level.limbs()) else {
        return Err(format!(
            "level {} is outside the chain of {} primes (highest level L{})",
            ty.level,
            moduli.len(),
            header.parameters.max_level()
        ));
    };
    let bits = scale_bits(&ty.scale, header)?;
    let log_q: f64 = held.iter().map(|q| (*q as f64).log2()).sum();
    if bits < 0.0 {
        return Err(format!(
            "scale {} is 2^{bits:.2}, it must be at least 1; encode at a larger scale or rescale less",
            ty.scale
        ));
    }
    if bits + HEADROOM_BITS > log_q {
        return Err(format!(
            "scale {} is 2^{bits:.2}, which with {HEADROOM_BITS} bits of headroom does not fit the modulus of {} \
             (2^{log_q:.2}); rescale earlier or start at a higher level",
            ty.scale, ty.level
        ));
    }
    Ok(())
}

/// log2 of a scale in the header's chain, after checking that its exponents are sane.
pub(crate) fn scale_bits(scale: &Scale, header: &Header) -> Result<f64, String> {
    let largest = scale
        .prime_exponents()
        .map(|(_, e)| e)
        .chain([scale.log2_exponent()])
        .map(i64::unsigned_abs)
        .max()
        .unwrap_or(0);
    if largest > MAX_SCALE_EXPONENT as u64 {
        return Err(format!(
            "scale {scale} has the exponent {largest}, at most {MAX_SCALE_EXPONENT} is allowed"
        ));
    }
    scale.bits(header.parameters.moduli()).ok_or_else(|| {
        format!(
            "scale {scale} names a prime outside the chain of {} primes",
            header.parameters.moduli().len()
        )
    })
}

fn linear(
    operands: &[&Type],
    plan: &LinearPlan,
    scale: &Scale,
    header: &Header,
) -> Result<Type, String> {
    if plan.outputs as usize > plan.terms.len() {
        return Err(format!(
            "the plan has {} outputs but only {} terms; each output needs a term",
            plan.outputs,
            plan.terms.len()
        ));
    }
    let bits = scale_bits(scale, header)?;
    if bits < 0.0 {
        return Err(format!(
            "the constant's scale {scale} is 2^{bits:.2}, it must be at least 1"
        ));
    }
    let x = same(operands)?;
    Ok(Type {
        scale: x.scale.times(scale),
        ..x.clone()
    })
}

fn product(a: &Type, b: &Type) -> Result<Type, String> {
    if a.level != b.level {
        return Err(format!(
            "operands are at levels {} and {}; drop the higher one with level_drop",
            a.level, b.level
        ));
    }
    Ok(Type {
        level: a.level,
        scale: a.scale.times(&b.scale),
        degree: 2,
    })
}

fn rescaled(x: &Type) -> Result<Type, String> {
    let Some(level) = x.level.0.checked_sub(1) else {
        return Err(format!(
            "operand {x} is at level L0, rescale needs at least L1"
        ));
    };
    Ok(Type {
        level: Level(level),
        scale: x.scale.over(&Scale::prime(x.level.0)),
        degree: x.degree,
    })
}

fn dropped(x: &Type, to: Level) -> Result<Type, String> {
    if to >= x.level {
        return Err(format!(
            "drops to {to}, which is not below the operand's level {}",
            x.level
        ));
    }
    Ok(Type {
        level: to,
        ..x.clone()
    })
}

fn check_degrees(operands: &[&Type], wanted: Option<u8>) -> Result<(), String> {
    let Some(wanted) = wanted else { return Ok(()) };
    let Some(x) = operands.iter().find(|x| x.degree != wanted) else {
        return Ok(());
    };
    let advice = match wanted < x.degree {
        true => "; relinearize it first",
        false => "",
    };
    Err(format!(
        "operand {x} has degree {}, needs degree {wanted}{advice}",
        x.degree
    ))
}

fn same<'a>(operands: &[&'a Type]) -> Result<&'a Type, String> {
    let Some((first, rest)) = operands.split_first() else {
        return Err("has no operands, needs at least 1".into());
    };
    match rest.iter().find(|other| *other != first) {
        None => Ok(first),
        Some(other) => Err(format!(
            "operands have different types, {first} and {other}"
        )),
    }
}
