//! An RNS-CKKS engine for leveled computation on encrypted vectors, usable on its own.
