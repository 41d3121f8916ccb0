"""Photo in, 3D clip out: command line, Python API, photo loading, depth, pipeline, video encoding."""
