//! Whether a measured latency is what was predicted. If not, the machine was busy, or the cost table is of another one.

use hemet_reports::number;

use crate::run::summary::Best;

/// A prediction that is off by more than this factor is remarked on: tables are right within some 15 %.
const FACTOR: f64 = 1.3;
/// So is a greatest latency of more than this many times the least.
const SPREAD: f64 = 1.3;

/// What must be told of a network whose latency is not as predicted, or differs from run to run; `busy` is what is
/// known of the machine.
pub fn remark(best: &Best, busy: Option<String>) -> Option<String> {
    let (measured, predicted) = (best.measured_latency_ms, best.predicted_latency_ms);
    let ms = number::milliseconds;
    let off = measured > FACTOR * predicted || predicted > FACTOR * measured;
    let spread = best
        .measured_range_ms
        .filter(|[least, greatest]| *greatest > SPREAD * least);
    if !off && spread.is_none() {
        return None;
    }
    let runs = best
        .measured_range_ms
        .map_or(String::new(), |[least, greatest]| {
            format!(
                ", from {} to {} ms from run to run",
                ms(least),
                ms(greatest)
            )
        });
    let why = busy.unwrap_or_else(|| {
        "another program may have run meanwhile, or the cost table is of another machine".into()
    });
    Some(format!(
        "the latency of {} ms is {} times the predicted {} ms{runs}: {why}; `hemet bench` measures it again, `hemet calibrate` \
         the costs",
        ms(measured),
        number::significant(measured / predicted, 3),
        ms(predicted),
    ))
}
