//! Messages on the torus: `m` at `m / turn`, as 64-bit fixed point.

/// The torus point of `m / turn`, rounded.
pub(crate) fn encode(message: i64, turn: u64) -> u64 {
    let message = i128::from(message).rem_euclid(i128::from(turn)) as u128;
    (((message << 64) + u128::from(turn / 2)) / u128::from(turn)) as u64
}

/// The message in `low..low + turn` whose point is nearest to `phase`.
pub(crate) fn decode(phase: u64, turn: u32, low: i64) -> i64 {
    let turn = u128::from(turn);
    let message = ((u128::from(phase) * turn + (1 << 63)) >> 64) as i64;
    low + (message - low).rem_euclid(turn as i64)
}

/// The top `bytes` bytes of a number, rounded.
pub(crate) fn truncate(number: u64, bytes: u32) -> u64 {
    match 64 - 8 * bytes {
        0 => number,
        dropped => number.wrapping_add(1 << (dropped - 1)) >> dropped,
    }
}

/// The number whose top bytes these are.
pub(crate) fn extend(top: u64, bytes: u32) -> u64 {
    top << (64 - 8 * bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_from_their_points_for_every_turn() {
        for turn in [2u32, 3, 30, 46, 64, 134, 1 << 20] {
            let low = -(i64::from(turn) / 2);
            for message in [low, -1, 0, low + i64::from(turn) - 1] {
                let found = decode(encode(message, u64::from(turn)), turn, low);
                assert_eq!(found, message, "turn {turn}");
            }
        }
    }

    #[test]
    fn truncation_keeps_the_nearest_number_and_wraps_at_the_top() {
        assert_eq!(truncate(0x1234_8000_0000_0000, 2), 0x1235);
        assert_eq!(extend(truncate(u64::MAX, 2), 2), 1 << 48 << 16);
        assert_eq!(
            extend(truncate(0x0123_4567_89ab_cdef, 8), 8),
            0x0123_4567_89ab_cdef
        );
    }
}
