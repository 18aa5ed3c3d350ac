"""Sources of event batches: the kernel of a host, or a recording; and the way from there to Kafka."""
