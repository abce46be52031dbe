//! Where networks are trained: `device: cpu` or `device: gpu`.
//!
//! The CPU has kernels of our own; a GPU runs the same network from burn's operators, through Vulkan (feature `gpu`)
//! or CUDA (feature `cuda`). Parameters live on the host and travel every batch, so a GPU pays for large networks.
//! Its sums are not taken in a fixed order: two trainings of one seed may differ in the last bits, on a CPU they do
//! not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Where a network is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// On the processor.
    #[default]
    Cpu,
    /// On a GPU, in a program that is built for one.
    Gpu,
}

impl Device {
    /// So that the file of a search before there were devices stays the same.
    pub(super) fn is_cpu(&self) -> bool {
        *self == Self::Cpu
    }

    /// Whether networks can be trained there.
    ///
    /// # Errors
    /// A GPU, where this program is not built for one or none is found.
    pub fn check(self) -> Result<(), Error> {
        self.open().map(|_| ())
    }

    /// burn's device.
    pub(super) fn open(self) -> Result<burn::tensor::Device, Error> {
        match self {
            Self::Cpu => Ok(burn::tensor::Device::flex()),
            Self::Gpu => gpu(),
        }
    }
}

fn refuse(why: &str) -> Error {
    Error::Option {
        option: "device",
        found: "gpu".into(),
        allowed: format!("cpu: {why}"),
    }
}

#[cfg(not(any(feature = "gpu", feature = "cuda")))]
fn gpu() -> Result<burn::tensor::Device, Error> {
    Err(refuse(
        "this program is not built for a GPU; `cargo build --release --features gpu` builds it for Vulkan, `--features cuda` for CUDA",
    ))
}

#[cfg(any(feature = "gpu", feature = "cuda"))]
fn gpu() -> Result<burn::tensor::Device, Error> {
    use burn::tensor::{Device, DeviceType};
    let types = [
        #[cfg(feature = "cuda")]
        DeviceType::Cuda,
        #[cfg(feature = "gpu")]
        DeviceType::Vulkan,
    ];
    // Asking a machine without a driver must be no end of the program.
    let found = std::panic::catch_unwind(|| {
        let mut devices = types
            .into_iter()
            .flat_map(|t| Device::enumerate(t).into_vec());
        devices.next()
    });
    match found {
        Ok(Some(device)) => Ok(device),
        Ok(None) | Err(_) => Err(refuse("no GPU with its driver is found on this machine")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_is_refused_with_what_to_do_where_there_is_none() {
        assert!(Device::Cpu.check().is_ok());
        let built = cfg!(any(feature = "gpu", feature = "cuda"));
        match Device::Gpu.check() {
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("`device` is gpu; it must be cpu: "), "{text}");
                assert_eq!(text.contains("--features gpu"), !built, "{text}");
            }
            Ok(()) => assert!(built, "a GPU without a backend for it"),
        }
    }
}
