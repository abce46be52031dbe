//! Runs a verified schedule: backends, client, server, calibration.
