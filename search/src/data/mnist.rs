//! MNIST: 28x28 handwritten digits, read from the user's folder.
//!
//! Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-Based Learning Applied to Document Recognition, Proc. IEEE,
//! 1998.

use super::published::PublishedIdx;

/// 60,000 training and 10,000 test images of `[1][28][28]`; pixels 0..255, divided by 255.
pub(super) const MNIST: PublishedIdx = PublishedIdx {
    name: "mnist",
    about: "28x28 handwritten digits, 60,000 + 10,000 images, pixels divided by 255 (LeCun et al. 1998, CC BY-SA 3.0); read from a folder",
    class_names: &[],
    folder: "mnist",
    address: "https://ossci-datasets.s3.amazonaws.com/mnist/",
    sums: [
        "c6e6fd8c67d07c8a9b7bffa7dd0413ff4b8af241607b049b7721107f379df9fd",
        "8ebcfdf2fe191516f9cb37fceb75d2d19289d91ee92026534ed45e44144b5642",
        "f8d502322cd9f186e155a74a3dff598ed56c1a7b5a5c8d312749ac47c4a2bec7",
        "6d43ea317fa8f5851bb85404bb7358defd48b0294cf31f60cdcde8106fe2c3ad",
    ],
};
