"""Cost: latency, throughput, memory and storage, each probe in a fresh process."""
