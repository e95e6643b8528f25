"""What a person runs: `vestige train`, `vestige evaluate`, `vestige tasks`."""
