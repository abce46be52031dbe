//! Lowers a LayerGraph to a Schedule: parameter choice, packing, passes, and the estimate on the same code path.
