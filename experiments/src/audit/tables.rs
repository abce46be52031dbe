//! The tables of an audit.

use hemet_reports::{Cell, Column, Table};
use hemet_search::audit::Attack;

use super::{Audit, Row};
use crate::error::Error;

/// Of each place: the strongest attack, what each attack reached, and the cost.
///
/// # Errors
/// Numbers that are not finite.
pub fn places(audit: &Audit) -> Result<Table, Error> {
    let attacks: Vec<Attack> = Attack::IN_THE_CLEAR
        .into_iter()
        .filter(|attack| audit.places.iter().any(|found| found.by(*attack).is_some()))
        .collect();
    let mut columns = vec![
        Column::numbers("cut", "cut", ""),
        Column::words("layer", "behind"),
        Column::numbers("numbers", "numbers", ""),
    ];
    let of_attack = |attack: &Attack| Column::numbers(attack.name(), attack.words(), "SSIM");
    columns.extend(attacks.iter().map(of_attack));
    columns.push(Column::numbers("encrypted_ms", "the rest, encrypted", "ms"));
    let mut table = Table::new(columns);
    for (index, (found, cost)) in audit.places.iter().zip(&audit.costs).enumerate() {
        let mut cells = vec![
            Cell::Whole(index as i64 + 1),
            Cell::from(found.place.as_str()),
            Cell::Whole(found.numbers as i64),
        ];
        for attack in &attacks {
            let reached = found.by(*attack);
            cells.push(reached.map_or(Cell::Missing, |r| Cell::Number(r.nearness.ssim, 3)));
        }
        cells.push(cost.latency_ms.map_or(Cell::Missing, Cell::Milliseconds));
        table.push(cells)?;
    }
    Ok(table)
}

/// Of each place and defense: what the strongest attack reaches, and the accuracy that is left.
///
/// # Errors
/// Numbers that are not finite.
pub fn defenses(audit: &Audit) -> Result<Table, Error> {
    let mut table = Table::new([
        Column::words("layer", "behind"),
        Column::words("defense", "defense"),
        Column::words("strongest", "strongest attack"),
        Column::numbers("ssim", "SSIM", ""),
        Column::numbers("undefended", "SSIM without", ""),
        Column::numbers("accuracy", "accuracy", "%"),
        Column::numbers("accuracy_undefended", "accuracy without", "%"),
    ]);
    for found in &audit.defended {
        let plain = audit.places.iter().find(|plain| plain.place == found.place);
        let same = |attack: Attack| attack == Attack::WhiteBox || attack == Attack::InverseSame;
        let without = plain.map(|plain| {
            let both = plain.reached.iter().filter(|reached| same(reached.attack));
            both.map(|reached| reached.nearness.ssim)
                .fold(f64::MIN, f64::max)
        });
        let reached = found.strongest();
        table.push([
            Cell::from(found.place.as_str()),
            Cell::from(found.defense.to_string()),
            reached.map_or(Cell::Missing, |r| Cell::from(r.attack.words())),
            reached.map_or(Cell::Missing, |r| Cell::Number(r.nearness.ssim, 3)),
            without.map_or(Cell::Missing, |ssim| Cell::Number(ssim, 3)),
            Cell::Fraction(found.accuracy),
            plain.map_or(Cell::Missing, |plain| Cell::Fraction(plain.accuracy)),
        ])?;
    }
    Ok(table)
}

/// All rows.
///
/// # Errors
/// Numbers that are not finite.
pub fn all(rows: &[Row]) -> Result<Table, Error> {
    let mut table = Table::new([
        Column::words("cut", "behind"),
        Column::words("attack", "attack"),
        Column::words("defense", "defense"),
        Column::numbers("ssim", "SSIM", ""),
        Column::numbers("psnr", "PSNR", "dB"),
        Column::numbers("floor_ssim", "SSIM of the mean picture", ""),
        Column::numbers("class_floor_ssim", "SSIM of the class's mean picture", ""),
        Column::numbers("same_class", "taken for its class", "%"),
        Column::numbers("accuracy", "accuracy", "%"),
        Column::numbers("encrypted_ms", "the rest, encrypted (predicted)", "ms"),
    ]);
    for row in rows {
        table.push([
            Cell::from(row.cut.as_str()),
            Cell::from(row.attack.replace('_', " ")),
            Cell::from(row.defense.as_str()),
            Cell::Number(row.ssim, 3),
            Cell::Number(row.psnr, 3),
            Cell::Number(row.floor_ssim, 3),
            Cell::Number(row.class_floor_ssim, 3),
            Cell::Fraction(row.same_class),
            Cell::Fraction(row.accuracy),
            row.encrypted_ms.map_or(Cell::Missing, Cell::Milliseconds),
        ])?;
    }
    Ok(table)
}
