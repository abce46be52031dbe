//! The run of a search: its folder and what lies there.

pub mod accuracy;
pub mod adapt;
pub mod baseline;
pub mod clock;
pub mod counts;
pub mod curves;
pub mod folder;
pub mod images;
pub mod measures;
pub mod outlook;
pub mod prefix;
pub mod provenance;
pub mod ranges;
pub mod reasons;
pub mod resume;
pub mod samples;
pub mod search;
pub mod summary;
pub mod teachers;
pub mod times;
pub mod train;
pub mod trained;
pub mod weights;
