//! Tables of a user's own: read, standardized by the training rows, and refused by line and column where they are none.

use std::fs;
use std::path::Path;

use hemet_search::data::{self, Dataset, TrainTest};
use hemet_spaces::Shape;

fn load(path: &Path) -> Result<TrainTest, String> {
    data::load("csv", Some(path)).map_err(|e| e.to_string())
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (name, content) in files {
        fs::write(folder.path().join(name), content).expect("temporary folder");
    }
    folder
}

/// 100 rows: a number that tells the class, one that does not, one that never changes.
fn rows() -> String {
    let row = |i: usize| {
        let class = ["no", "yes"][i % 2];
        format!("{},{class},{},7\n", 1000 * (i % 2) + i, (i * 37) % 11)
    };
    let rows: String = (0..100).map(row).collect();
    format!("size,Label,noise,fixed\n{rows}")
}

fn column(set: &Dataset, column: usize) -> Vec<f64> {
    let values = set.images.iter().skip(column).step_by(set.shape.len());
    values.map(|x| f64::from(*x)).collect()
}

#[test]
fn columns_are_standardized_by_the_training_rows_and_a_fifth_of_the_rows_is_for_testing() {
    let table = folder(&[("table.csv", &rows())]);
    let sets = load(&table.path().join("table.csv")).expect("a table");
    assert_eq!(
        sets,
        load(table.path()).expect("the only one"),
        "the same split each time"
    );
    assert_eq!((sets.train.len(), sets.test.len()), (80, 20));
    assert_eq!(sets.train.shape, Shape::new(3, 1, 1));
    assert_eq!(sets.train.class_names, ["no", "yes"]);
    for (index, deviation) in [(0, 1.0 / 3.0), (1, 1.0 / 3.0), (2, 0.0)] {
        let values = column(&sets.train, index);
        let mean = values.iter().sum::<f64>() / 80.0;
        let square = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 80.0;
        // f32 numbers of order one.
        assert!(mean.abs() < 1e-6, "{index}: mean {mean}");
        assert!(
            (square.sqrt() - deviation).abs() < 1e-6,
            "{index}: {square}"
        );
    }
    for set in [&sets.train, &sets.test] {
        for (size, label) in column(set, 0).iter().zip(&set.labels) {
            assert_eq!(*size > 0.0, *label == 1);
        }
    }
}

#[test]
fn test_rows_take_the_scale_of_the_training_rows_and_stay_within_their_bounds() {
    let table = folder(&[
        ("train.csv", "a;target\n0;2\n2;10\n"),
        ("test.csv", "a;target\n1;10\n1000;2\n-1000;2\n"),
    ]);
    let sets = load(table.path()).expect("two files");
    // Mean 1, deviation 1.
    assert_eq!(sets.train.images, [-1.0 / 3.0, 1.0 / 3.0]);
    assert_eq!(sets.test.images, [0.0, 1.0, -1.0]);
    assert_eq!(sets.train.class_names, ["2", "10"], "numbers by their size");
    assert_eq!(sets.test.labels, [1, 0, 0]);
}

#[test]
fn without_a_known_name_the_last_column_holds_the_class() {
    let table = folder(&[
        ("train.csv", "a,b,kind\n0,1,x\n2,3,y\n"),
        ("test.csv", "a,b,kind\n0,1,y\n"),
    ]);
    let sets = load(table.path()).expect("two files");
    assert_eq!(sets.train.shape, Shape::new(2, 1, 1));
    assert_eq!(sets.test.labels, [1]);
}

#[test]
fn tables_that_cannot_be_learned_from_are_refused_with_the_place() {
    let good = "a,label\n1,x\n2,y\n";
    let many: String = (0..300).map(|i| format!("{i},{i}.5\n")).collect();
    for (files, why) in [
        (
            vec![("t.csv", "a,label\n1,x\nmany,y\n")],
            "line 3, column `a`: `many`",
        ),
        (
            vec![("t.csv", "a,label\n1,x\n,y\n")],
            "line 3, column `a`: ``",
        ),
        (
            vec![("t.csv", "a,label\nNaN,x\n2,y\n")],
            "line 2, column `a`: `NaN`",
        ),
        (vec![("t.csv", "a,label\n1,x\n2,x\n")], "1 different values"),
        (
            vec![("t.csv", &format!("a,price\n{many}"))],
            "300 different values",
        ),
        (
            vec![("t.csv", "class,label,a\n1,x,1\n")],
            "both `class` and `label`",
        ),
        (vec![("a.csv", good), ("b.csv", good)], "2 CSV files"),
        (vec![], "0 CSV files"),
        (
            vec![("train.csv", good), ("test.csv", "b,label\n1,x\n")],
            "its columns are b",
        ),
        (
            vec![("train.csv", good), ("test.csv", "a,label\n1,z\n")],
            "class `z`",
        ),
    ] {
        let table = folder(&files);
        let refused = load(table.path()).expect_err(why);
        assert!(refused.contains(why), "{refused}");
    }
    assert!(
        load(Path::new("nowhere.csv"))
            .expect_err("missing")
            .contains("nowhere.csv")
    );
    assert!(data::load("csv", None).is_err());
}
