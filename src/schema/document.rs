//! The markdown tables of the columns.
