//! Strategies, objectives, training, datasets, study store, Pareto front.
