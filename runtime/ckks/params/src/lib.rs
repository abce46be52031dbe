//! CKKS parameter sets: prime chains and the security table, without the engine.
