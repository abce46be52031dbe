//! The device part: layers by hand, what is refused, and the text.

use hemet_schedule::device::{
    DeviceConv, DeviceKind, DeviceLayer, DeviceSparse, DeviceWindow, Numbers,
};
use hemet_schedule::{DeviceNote, DevicePart};

fn numbers(values: &[f32]) -> Numbers {
    Numbers::new(values.to_vec()).expect("finite")
}

fn layer(name: &str, from: &[usize], kind: DeviceKind) -> DeviceLayer {
    DeviceLayer {
        name: name.into(),
        from: from.to_vec(),
        kind,
    }
}

fn window(kernel: u32, stride: u32, padding: u32) -> DeviceWindow {
    DeviceWindow {
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 4],
        dilation: [1; 2],
    }
}

fn conv(weights: &[f32], bias: &[f32]) -> DeviceKind {
    DeviceKind::Conv(DeviceConv {
        window: window(3, 1, 1),
        groups: 1,
        weights: numbers(weights),
        bias: numbers(bias),
    })
}

/// A blur of 3x3, a square plus 1, a mean of 2x2.
fn part() -> DevicePart {
    let square = DeviceKind::Poly {
        coefficients: numbers(&[1.0, 0.0, 1.0]),
    };
    let pool = DeviceKind::AveragePool {
        window: window(2, 2, 0),
        counts_padding: false,
    };
    let layers = vec![
        layer("blur", &[0], conv(&[1.0; 9], &[0.5])),
        layer("square", &[1], square),
        layer("pool", &[2], pool),
    ];
    DevicePart::new([1, 2, 2], layers).expect("a part")
}

#[test]
fn layers_compute_what_they_say() {
    // Each place of a 2x2 map sees all four elements: 1 + 2 + 3 + 4 + 0.5, squared, plus 1.
    let part = part();
    assert_eq!(part.run(&[1.0, 2.0, 3.0, 4.0]), Ok(vec![10.5 * 10.5 + 1.0]));
    assert_eq!((part.input(), part.output()), ([1, 2, 2], [1, 1, 1]));
    assert_eq!(part.products(), 4 * 9 + 4 * 3 + 4);
    let sparse = DeviceKind::Sparse(DeviceSparse {
        shape: [2, 1, 1],
        lengths: vec![2, 0],
        columns: vec![3, 0],
        weights: numbers(&[2.0, 1.0]),
        bias: numbers(&[0.0, 7.0]),
    });
    let dense = DeviceKind::Dense {
        weights: numbers(&[1.0, 10.0]),
        bias: numbers(&[0.25]),
    };
    let scaled = DeviceKind::Affine {
        scale: numbers(&[2.0]),
        shift: numbers(&[1.0]),
    };
    let layers = vec![
        layer("sparse", &[0], sparse),
        layer("dense", &[1], dense),
        layer("scaled", &[2], scaled),
        layer("sum", &[2, 3], DeviceKind::Add),
        layer("both", &[3, 4, 2], DeviceKind::Concat),
    ];
    let part = DevicePart::new([1, 2, 2], layers).expect("a part");
    // 2 · 4 + 1 = 9, then 9 + 70 + 0.25, then twice that and 1, then the sum.
    assert_eq!(
        part.run(&[1.0, 2.0, 3.0, 4.0]),
        Ok(vec![159.5, 238.75, 79.25])
    );
}

#[test]
fn a_strided_and_padded_mean_counts_only_what_it_sees() {
    let pool = |counts_padding| {
        let kind = DeviceKind::AveragePool {
            window: window(3, 2, 1),
            counts_padding,
        };
        DevicePart::new([1, 3, 3], vec![layer("pool", &[0], kind)]).expect("a part")
    };
    let input: Vec<f64> = (1..=9).map(f64::from).collect();
    // The first window holds 1, 2, 4 and 5.
    assert_eq!(pool(false).run(&input), Ok(vec![3.0, 4.0, 6.0, 7.0]));
    let zeros: Vec<f64> = [12.0, 16.0, 24.0, 28.0].map(|sum| sum / 9.0).to_vec();
    assert_eq!(pool(true).run(&input), Ok(zeros));
}

#[test]
fn a_part_is_read_as_it_was_written_and_its_id_follows_its_weights() {
    let part = part();
    let text = serde_json::to_string(&part).expect("a text");
    let read: DevicePart = serde_json::from_str(&text).expect("the text");
    assert_eq!((&read, read.id()), (&part, part.id()));
    let mut layers = part.layers().to_vec();
    layers[0].kind = conv(&[1.0; 9], &[0.25]);
    let other = DevicePart::new(part.input(), layers).expect("a part");
    assert_ne!(other.id(), part.id());
    let note = DeviceNote {
        layers: 1,
        products: part.products(),
        input: part.input(),
        input_range: None,
        license: None,
        part: part.id(),
    };
    assert_eq!(note.check_part(&part), Ok(()));
    let refused = note.check_part(&other).expect_err("another part");
    assert!(refused.contains(&other.id()) && refused.contains(&part.id()));
}

#[test]
fn what_no_device_can_run_is_refused_with_the_layer_and_the_numbers() {
    let wide = |side: u32| DeviceWindow {
        padding: [side; 4],
        ..window(1, 1, 0)
    };
    let pool = |window| DeviceKind::AveragePool {
        window,
        counts_padding: true,
    };
    let cases: Vec<(Vec<usize>, DeviceKind, &str)> = vec![
        (vec![0], conv(&[1.0; 8], &[0.0]), "8 weights, 9 are needed"),
        (vec![1], conv(&[1.0; 9], &[0.0]), "reads a tensor behind it"),
        (vec![], conv(&[1.0; 9], &[0.0]), "reads 0 tensors, not 1"),
        (vec![0], conv(&[], &[]), "0 output channels"),
        (vec![0], DeviceKind::Add, "1 tensors, not 2 or more"),
        (
            vec![0],
            pool(window(3, 1, 0)),
            "does not fit a map of [1, 2, 2]",
        ),
        (vec![0], pool(window(2, 0, 0)), "does not fit"),
        (vec![0], pool(wide(u32::MAX / 2)), "does not fit"),
        (vec![0], pool(wide(1 << 14)), "multiplications"),
        (
            vec![0],
            DeviceKind::Affine {
                scale: numbers(&[1.0; 2]),
                shift: numbers(&[1.0]),
            },
            "2 factors, 1 are needed",
        ),
    ];
    for (from, kind, expected) in cases {
        let layers = vec![layer("odd", &from, kind)];
        let error = DevicePart::new([1, 2, 2], layers).expect_err("refused");
        assert!(
            error.contains("`odd`") && error.contains(expected),
            "{error}"
        );
    }
    assert!(DevicePart::new([1, 2, 2], Vec::new()).is_err());
    let error = part().run(&[0.0; 3]).expect_err("refused");
    assert!(error.contains("3 elements, the network takes 4"), "{error}");
    assert!(Numbers::new(vec![0.0, f32::NAN]).is_err());
    assert!(serde_json::from_str::<Numbers>("\"AAAAAAA=\"").is_err());
}
