"""The published network on a GPU in half precision: see `flowlift.cuda.fused_velocity`."""
