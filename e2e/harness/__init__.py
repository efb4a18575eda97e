"""What the cases on a cluster stand on: kubectl, the cluster itself, a database, load, and waiting."""
