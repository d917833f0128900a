//! The row invariants.
