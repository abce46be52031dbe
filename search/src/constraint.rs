//! What a network costs on encrypted data, and the limits on it that are checked before anything is trained.

use hemet_spaces::space::Placement;
use hemet_spaces::{LayerGraph, schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Error;

/// What one encrypted prediction costs, known from the network's structure alone. With exact tables the depth is
/// that of bootstraps, the ring that of the largest parameter set, and the modulus has 64 bits.
#[derive(Clone, Debug, PartialEq)]
pub struct CostEstimate {
    /// Multiplicative depth: levels that the prediction uses up.
    pub depth: usize,
    /// Predicted time of a prediction on the server, in milliseconds.
    pub latency_ms: f64,
    /// Binary logarithm of the ring degree.
    pub log_n: u32,
    /// Bits of the whole modulus QP.
    pub log_qp_bits: f64,
    /// Size of the evaluation keys in bytes.
    pub key_bytes: u64,
}

/// Predicts what a network costs.
pub trait CostModel: Sync {
    /// The cost of a network, or why it cannot be run at all (no secure parameters, a tensor too large, ...), for the
    /// reason of an infeasible trial. The same network always gets the same answer.
    fn estimate(&self, graph: &LayerGraph) -> Result<CostEstimate, String>;

    /// As [`Self::estimate`], where the network runs elsewhere than whole under the default scheme; a model that knows
    /// nothing else refuses.
    ///
    /// # Errors
    /// As [`Self::estimate`].
    fn estimate_at(
        &self,
        placement: Placement,
        graph: &LayerGraph,
    ) -> Result<CostEstimate, String> {
        if placement != Placement::default() {
            return Err(format!("this cost model does not know {placement:?}"));
        }
        self.estimate(graph)
    }
}

/// Limits on a network's cost. What is not given is not limited.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Constraints {
    /// Greatest multiplicative depth, in levels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-unit" = "levels"))]
    pub max_depth: Option<usize>,
    /// Greatest predicted latency, in milliseconds; above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "x-unit" = "ms"))]
    pub max_latency_ms: Option<f64>,
    /// Greatest binary logarithm of the ring degree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_log_n: Option<u32>,
    /// Greatest modulus QP, in bits; above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "x-unit" = "bits"))]
    pub max_log_qp_bits: Option<f64>,
    /// Greatest size of the evaluation keys, in MiB; above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "x-unit" = "MiB"))]
    pub max_key_mib: Option<f64>,
    /// Most multiplications of the convolutions and dense layers that run on the client. Checked where the cost of a
    /// network is estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-unit" = "multiplications", "x-scheme" = "ckks"))]
    pub max_device_products: Option<u64>,
    /// What an hour of one core costs, in any currency; above 0. No limit itself: what `max_cost_per_1000` and
    /// reports count with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub price_per_core_hour: Option<f64>,
    /// Greatest cost of a thousand predictions, in the currency of the price, which it needs; above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub max_cost_per_1000: Option<f64>,
}

/// What a thousand predictions of this latency on one thread cost, in the currency of the price of an hour of one
/// core. At one price it is proportional to the latency: it tells what a network costs, and ranks networks as the
/// latency does. So is energy: the power of a core in kilowatts as the price gives kilowatt hours.
pub fn cost_per_1000(latency_ms: f64, price_per_core_hour: f64) -> f64 {
    const MS_PER_HOUR: f64 = 3.6e6;
    1000.0 * latency_ms / MS_PER_HOUR * price_per_core_hour
}

/// Bytes of a MiB.
pub(crate) const MIB: f64 = 1024.0 * 1024.0;

impl Constraints {
    /// Refuses limits that nothing could keep.
    ///
    /// # Errors
    /// The first such limit.
    pub fn check_limits(&self) -> Result<(), Error> {
        schema::check(self).map_err(Error::Form)?;
        // JSON, which the schema speaks of, has no such numbers.
        let limits = [
            ("max_latency_ms", self.max_latency_ms),
            ("max_log_qp_bits", self.max_log_qp_bits),
            ("max_key_mib", self.max_key_mib),
            ("price_per_core_hour", self.price_per_core_hour),
            ("max_cost_per_1000", self.max_cost_per_1000),
        ];
        let endless = |(_, limit): &(&str, Option<f64>)| limit.is_some_and(|l| !l.is_finite());
        if let Some((option, limit)) = limits.into_iter().find(endless) {
            return Err(Error::Option {
                option,
                found: limit.unwrap_or_default().to_string(),
                allowed: "a finite number, or left out".into(),
            });
        }
        if let (Some(limit), None) = (self.max_cost_per_1000, self.price_per_core_hour) {
            return Err(Error::Option {
                option: "max_cost_per_1000",
                found: limit.to_string(),
                allowed: "given only together with price_per_core_hour".into(),
            });
        }
        Ok(())
    }

    /// Whether a cost keeps all limits; if not, every limit that it exceeds, with both numbers.
    pub fn check(&self, cost: &CostEstimate) -> Result<(), String> {
        let key_mib = cost.key_bytes as f64 / MIB;
        let price = self.price_per_core_hour;
        // Without a price there is no such limit, see `check_limits`.
        let per_1000 = price.map_or(f64::NAN, |price| cost_per_1000(cost.latency_ms, price));
        let limits = [
            ("depth", cost.depth as f64, self.max_depth.map(|m| m as f64)),
            ("latency_ms", cost.latency_ms, self.max_latency_ms),
            ("log_n", cost.log_n.into(), self.max_log_n.map(f64::from)),
            ("log_qp_bits", cost.log_qp_bits, self.max_log_qp_bits),
            ("key_mib", key_mib, self.max_key_mib),
            ("cost_per_1000", per_1000, self.max_cost_per_1000),
        ];
        let exceeded: Vec<String> = limits
            .into_iter()
            .filter_map(|(name, value, limit)| {
                let limit = limit?;
                // A value that is not a number keeps no limit.
                let kept = value <= limit;
                (!kept).then(|| format!("{name} {} exceeds {limit}", shown(value)))
            })
            .collect();
        match exceeded.is_empty() {
            true => Ok(()),
            false => Err(exceeded.join(", ")),
        }
    }
}

/// At most three decimals, six for what is below 1: prices are small.
fn shown(value: f64) -> f64 {
    let unit = if value.abs() < 1.0 { 1e6 } else { 1e3 };
    (value * unit).round() / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: CostEstimate = CostEstimate {
        depth: 7,
        latency_ms: 120.5,
        log_n: 14,
        log_qp_bits: 400.0,
        key_bytes: 300 << 20,
    };

    #[test]
    fn limits_at_the_value_are_kept_and_none_means_no_limit() {
        let exact = Constraints {
            max_depth: Some(7),
            max_latency_ms: Some(120.5),
            max_log_n: Some(14),
            max_log_qp_bits: Some(400.0),
            max_key_mib: Some(300.0),
            max_device_products: None,
            price_per_core_hour: Some(0.36),
            max_cost_per_1000: Some(cost_per_1000(120.5, 0.36)),
        };
        assert_eq!(exact.check(&COST), Ok(()));
        assert_eq!(Constraints::default().check(&COST), Ok(()));
    }

    #[test]
    fn every_exceeded_limit_is_named_with_both_numbers() {
        let tight = Constraints {
            max_depth: Some(6),
            max_latency_ms: Some(100.0),
            max_key_mib: Some(299.5),
            ..Constraints::default()
        };
        assert_eq!(
            tight.check(&COST),
            Err(
                "depth 7 exceeds 6, latency_ms 120.5 exceeds 100, key_mib 300 exceeds 299.5".into()
            )
        );
    }

    #[test]
    fn a_thousand_predictions_cost_the_core_hours_that_they_take() {
        // 3.6 s each: an hour for a thousand.
        assert!((cost_per_1000(3600.0, 0.04) - 0.04).abs() < 1e-12);
        let limits = Constraints {
            price_per_core_hour: Some(0.04),
            max_cost_per_1000: Some(0.001),
            ..Constraints::default()
        };
        assert!(limits.check_limits().is_ok());
        assert_eq!(
            limits.check(&COST),
            Err("cost_per_1000 0.001339 exceeds 0.001".into())
        );
        let no_price = Constraints {
            price_per_core_hour: None,
            ..limits
        };
        let error = no_price.check_limits().expect_err("refused").to_string();
        assert!(error.contains("price_per_core_hour"), "{error}");
    }

    #[test]
    fn a_cost_that_is_not_a_number_keeps_no_limit() {
        let limits = Constraints {
            max_latency_ms: Some(1.0),
            ..Constraints::default()
        };
        let cost = CostEstimate {
            latency_ms: f64::NAN,
            ..COST
        };
        assert!(limits.check(&cost).is_err());
    }

    #[test]
    fn impossible_limits_are_refused() {
        for limit in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let limits = Constraints {
                max_key_mib: Some(limit),
                ..Constraints::default()
            };
            let error = limits.check_limits().expect_err("refused").to_string();
            assert!(error.contains("max_key_mib"), "{error}");
        }
    }
}
