//! Reading and judging an `.aam`.
