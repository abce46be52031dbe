//! Fashion-MNIST: 28x28 pictures of clothing, read from the user's folder.
//!
//! H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms,
//! 2017.

use super::published::PublishedIdx;

/// 60,000 training and 10,000 test images of `[1][28][28]`; pixels 0..255, divided by 255.
pub(super) const FASHION_MNIST: PublishedIdx = PublishedIdx {
    name: "fashion_mnist",
    about: "28x28 pictures of clothing, 60,000 + 10,000 images, pixels divided by 255 (Xiao et al. 2017, MIT); read from a folder",
    class_names: &[
        "t-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ],
    folder: "fashion-mnist",
    address: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    sums: [
        "feaca08b36e07f8d504641a929bff1554884ef73964323e44e59e39a986b4c9e",
        "b4d9ea8013b029ef778c95ea7de31195ef443589877589523ad330db2829ebd6",
        "a19b8c1e5f798e5a6fa7229093b630c04a620179497a1fa3a71e7334fb59a30b",
        "0a067399ed18bcc9d7dc26832b3b8e4481abf2d33fee04c611e90b9061296b90",
    ],
};
