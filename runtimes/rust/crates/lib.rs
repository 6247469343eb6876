// Nothing of its own: Cargo.toml is the point.
