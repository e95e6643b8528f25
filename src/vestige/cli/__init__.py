"""What a person runs: `vestige train`, `vestige compare`, `vestige tasks`, ...; one module a command."""
