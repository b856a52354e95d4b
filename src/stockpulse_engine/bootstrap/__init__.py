"""The composition root: joins rooms, adapters and stores; the only place that names concrete ones."""
