"""Files by digest: uploads, large release contents, later course media and telemetry."""
