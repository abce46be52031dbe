//! What can be searched, trained and compiled: spaces, blocks, layers, graphs, weights, reference evaluation.
