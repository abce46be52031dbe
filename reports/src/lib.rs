//! Plots, tables and the report page, from plain points.
