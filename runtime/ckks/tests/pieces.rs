//! Linear maps whose diagonals come in pieces: the same bytes as with all at once, and wrong pieces are refused.

mod common;

use common::{PRESETS, setup};
use hemet_ckks::{Diagonal, Error, LinearPieces, LinearPlan, LinearTerm};

/// (output, giant step, baby step) of each term; its diagonal is its number from behind, so that the order of use is
/// another.
const TERMS: [(usize, i64, i64); 9] = [
    (0, 0, 0),
    (0, 0, 1),
    (0, 1, 0),
    (0, 1, 2),
    (1, 0, 1),
    (1, 0, 2),
    (1, 0, 3),
    (2, 2, 0),
    (3, 0, 3),
];

fn plan() -> LinearPlan {
    let term = |(number, &(output, giant, baby)): (usize, &(usize, i64, i64))| LinearTerm {
        output,
        giant,
        input: 0,
        baby,
        diagonal: TERMS.len() - 1 - number,
    };
    let terms: Vec<LinearTerm> = TERMS.iter().enumerate().map(term).collect();
    LinearPlan::new(1, 4, &terms).unwrap()
}

#[test]
fn a_map_in_pieces_gives_the_same_bytes_and_no_piece_is_larger_than_asked() {
    let mut s = setup(&PRESETS[0]);
    let x = s.values();
    let a = s.encrypt(&x);
    let (context, plan) = (&s.context, plan());
    let diagonal = |d: usize| {
        let value = |i: usize| ((i + 3 * d) % 7) as f64 / 7.0;
        let values: Vec<f64> = (0..context.parameters().slots()).map(value).collect();
        context.encode_diagonal(&values, s.scale, s.level).unwrap()
    };
    let diagonals: Vec<Diagonal> = (0..TERMS.len()).map(diagonal).collect();
    for (most, wanted) in [(0, 5), (2, 4), (4, 3), (5, 2), (usize::MAX, 1)] {
        let pieces = LinearPieces::new(plan.clone(), most);
        let sizes: Vec<usize> = pieces.diagonals().map(<[usize]>::len).collect();
        assert_eq!(sizes.len(), wanted, "{most}: {sizes:?}");
        // One inner sum has three terms.
        assert!(sizes.iter().all(|size| *size <= most.max(3)), "{sizes:?}");
        for rescale in [false, true] {
            let whole = match rescale {
                false => context.linear(&[&a], &plan, &diagonals, &s.keys),
                true => context.linear_rescale(&[&a], &plan, &diagonals, &s.keys),
            };
            let take = |piece: usize| {
                let own = pieces.diagonals().nth(piece).unwrap();
                Ok(own.iter().map(|d| &diagonals[*d]).collect())
            };
            let found = context.linear_pieces(&[&a], &pieces, take, &s.keys, rescale);
            for (found, whole) in found.unwrap().iter().zip(&whole.unwrap()) {
                assert_eq!(found.to_bytes(context), whole.to_bytes(context), "{most}");
            }
        }
    }
}

#[test]
fn wrong_pieces_are_refused() {
    let mut s = setup(&PRESETS[0]);
    let x = s.values();
    let a = s.encrypt(&x);
    let (context, plan) = (&s.context, plan());
    let pieces = LinearPieces::new(plan.clone(), 4);
    let encoded = |scale: f64| context.encode_diagonal(&[0.5; 8], scale, s.level).unwrap();
    let linear = |take: &dyn Fn(usize) -> Result<Vec<Diagonal>, Error>| {
        let found = context.linear_pieces(&[&a], &pieces, take, &s.keys, false);
        found.err().unwrap()
    };
    let short = linear(&|_| Ok(vec![encoded(s.scale)]));
    let Error::Plan { what, given, count } = short else {
        panic!("{short}");
    };
    assert_eq!(
        (what, given, count),
        ("the number of diagonals of a piece", 1, 4)
    );
    // The second piece has another scale.
    let sizes: Vec<usize> = pieces.diagonals().map(<[usize]>::len).collect();
    let all = |piece: usize, scale: f64| Ok((0..sizes[piece]).map(|_| encoded(scale)).collect());
    let other = linear(&|piece| all(piece, s.scale * (1 + piece) as f64));
    assert!(matches!(other, Error::ScaleMismatch { .. }), "{other}");
    let foreign = linear(&|_| {
        Err(Error::Plan {
            what: "a source",
            given: 7,
            count: 0,
        })
    });
    assert!(
        matches!(foreign, Error::Plan { given: 7, .. }),
        "what the source says: {foreign}"
    );
}
