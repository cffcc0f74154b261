"""Device profiles: YAML becomes a frozen, sourced device."""
