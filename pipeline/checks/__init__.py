"""From values to Findings. A check judges; it never words a mail and never touches the world (law 1)."""
